import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordClient } from "@sansmtp/testing";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { firstDifference } from "../../packages/cli/src/difference.ts";
import { Mail, Program, RawClient, type Running } from "./program.ts";

/** The first line of a recording. */
const head = '{"sansmtp":1,"side":"server","config":{"name":"mx.example.com"},"now":0}\n';

let program: Program;
let mail: Mail;
let folder: string;
let server: Running | null = null;

beforeAll(async () => {
  program = await Program.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  mail = await Mail.folder();
  folder = await mkdtemp(join(tmpdir(), "sansmtp-replay-"));
});

afterEach(async () => {
  server?.child.kill("SIGKILL");
  await server?.exit;
  server = null;
  await mail.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Connects to a server that records. */
async function recorded(...given: string[]): Promise<RawClient> {
  const keep = ["--directory", mail.directory, "--name", "mx.example.com", "--record", folder];
  server = await program.serve([...keep, ...given]);
  const client = await RawClient.connect(server.port);
  await client.reply();
  return client;
}

async function recordings(): Promise<string[]> {
  return (await readdir(folder)).map((name) => join(folder, name)).sort();
}

/** What was recorded, when the client has gone. */
async function recordingOf(client: RawClient): Promise<string> {
  await client.say("QUIT");
  await client.closed();
  await server?.output(/closed/);
  return (await recordings())[0]!;
}

async function replay(...given: string[]): ReturnType<Program["run"]> {
  return program.run(["replay", ...given]);
}

/** The transcript without times. */
function told(stdout: string): string[] {
  return stdout.split("\n").map((line) => line.replace(/^ *[0-9]+\.[0-9] {2}/, ""));
}

describe("serve --record", () => {
  it("writes a recording of each connection, named by time and number, for its owner to read", async () => {
    const one = await recorded();
    const two = await RawClient.connect(server!.port);
    await two.reply();
    await one.deliver("Subject: one\r\n");
    await two.say("QUIT");
    await recordingOf(one);
    const files = await recordings();
    expect(files.map((file) => file.replace(/^.*\//, ""))).toEqual([
      expect.stringMatching(/^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-1\.jsonl$/),
      expect.stringMatching(/^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-2\.jsonl$/),
    ]);
    for (const file of files) {
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await replay(file)).toMatchObject({ code: 0, stderr: "" });
    }
  });

  it("writes while the session goes on: what is there when the process is killed replays", async () => {
    const client = await recorded();
    await client.say("EHLO me");
    await client.deliver("Subject: one\r\n");
    await client.say("NOOP");
    await expect
      .poll(async () => readFile((await recordings())[0]!, "utf8"), { timeout: 5000 })
      .toContain("NOOP");
    client.write("MAIL FROM:<a@exam");
    server?.child.kill("SIGKILL");
    await server?.exit;
    const result = await replay((await recordings())[0]!);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(told(result.stdout)).toContain("C: NOOP");
  });

  it("writes the rest when it is stopped in the middle of a message", async () => {
    const client = await recorded();
    await client.say("HELO me");
    await client.say("MAIL FROM:<a@example.net>");
    await client.say("RCPT TO:<b@example.com>");
    await client.say("DATA");
    client.write("half a mess");
    await expect.poll(() => server!.stdout, { timeout: 5000 }).toContain("354");
    expect(await server!.stop()).toBe(0);
    const result = await replay((await recordings())[0]!);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(told(result.stdout)).toContain("   [the service ends]");
  });

  it("keeps what AUTH carries out of the recording, and replays without it", async () => {
    const client = await recorded();
    await client.say("EHLO me");
    client.write("AUTH PLAIN AHVzZXI");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await client.say("Ac2VjcmV0")).toContain("502");
    const file = await recordingOf(client);
    const text = await readFile(file, "utf8");
    expect(text).toContain("AUTH PLAIN ");
    expect(text).not.toMatch(/AHVzZXI|c2VjcmV0/);
    const result = await replay(file);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(told(result.stdout)).toContain("C: AUTH PLAIN ***");
  });

  it("records LMTP", async () => {
    const client = await recorded("--lmtp");
    await client.say("LHLO me");
    await client.deliver("Subject: one\r\n", ["b@example.com", "c@example.com"]);
    await client.reply();
    const result = await replay(await recordingOf(client));
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(told(result.stdout).filter((line) => /^S: 250 2\.0\.0/.test(line))).toHaveLength(2);
  });

  it("records what is said inside TLS", async () => {
    const client = await recorded("--self-signed");
    const message = join(mail.directory, "message.eml");
    await writeFile(message, "Subject: one\n");
    const envelope = ["--from", "a@example.net", "--to", "b@example.com"];
    const to = ["--port", String(server!.port), "--tls", "required", "--insecure"];
    expect(await program.run(["send", ...to, ...envelope, message])).toMatchObject({ code: 0 });
    await recordingOf(client);
    const result = await replay((await recordings())[1]!);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(told(result.stdout)).toEqual(
      expect.arrayContaining([
        "C: STARTTLS",
        "   ? starttls",
        "   [TLS has begun]",
        "C: (14 octets of content)",
      ]),
    );
  });

  it("says that the folder cannot be had", async () => {
    const result = await program.run(["serve", "--directory", mail.directory, "--record", "/dev/null/x"]);
    expect(result).toEqual({
      code: 73,
      stdout: "",
      stderr: "sansmtp: cannot write recordings to /dev/null/x: not a directory\n",
    });
  });

  it("serves without a recording when the folder has gone, and says so", async () => {
    await (await recorded()).say("QUIT");
    await rm(folder, { recursive: true });
    const client = await RawClient.connect(server!.port);
    await client.reply();
    expect(await client.say("NOOP")).toContain("250");
    await server?.output(/\[2\] error: not recorded: ENOENT/);
  });
});

describe("replay", () => {
  it("tells a session step by step, and that it came out the same", async () => {
    const client = await recorded("--reject", "nobody@example.com");
    await client.say("HELO me");
    await client.say("MAIL FROM:<a@example.net>");
    await client.say("RCPT TO:<nobody@example.com>");
    await client.say("RCPT TO:<b@example.com>");
    await client.say("DATA");
    client.write("Subject: \x1b]0;x\r\n");
    await client.say(".");
    await client.say("X\x1b]0;x");
    const { code, stdout, stderr } = await replay(await recordingOf(client));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(told(stdout.replace(/queued as \w+/g, "queued as *"))).toEqual([
      "   [the client connects from 127.0.0.1]",
      "   ? connect",
      "   = 220 ESMTP",
      "S: 220 mx.example.com ESMTP",
      "C: HELO me",
      "   ? hello: HELO me",
      "   = 250",
      "S: 250 mx.example.com",
      "C: MAIL FROM:<a@example.net>",
      "   ? mail: from <a@example.net>",
      "   = 250 2.1.0 Sender ok",
      "S: 250 2.1.0 Sender ok",
      "C: RCPT TO:<nobody@example.com>",
      "   ? rcpt: to <nobody@example.com>",
      expect.stringMatching(/^ {3}= 550 5\.1\.1 /),
      expect.stringMatching(/^S: 550 5\.1\.1 /),
      "C: RCPT TO:<b@example.com>",
      "   ? rcpt: to <b@example.com>",
      "   = 250 2.1.5 Recipient ok",
      "S: 250 2.1.5 Recipient ok",
      "C: DATA",
      "   ? data",
      "   = 354 Start mail input; end with <CRLF>.<CRLF>",
      "S: 354 Start mail input; end with <CRLF>.<CRLF>",
      "C: (16 octets of content)",
      "   ? message: 16 octets",
      "   = 250 2.0.0 Ok: queued as *",
      "S: 250 2.0.0 Ok: queued as *",
      "C: X\\x1B]0;x",
      expect.stringMatching(/^ {3}\[broken rule S-/),
      expect.stringMatching(/^S: 50/),
      "C: QUIT",
      "S: 221 2.0.0 mx.example.com closing",
      "   [close quit]",
      expect.stringMatching(/^The same as recorded, in all of [0-9]+ calls\.$/),
      "",
    ]);
  });

  it("shows the first difference, one text under the other", async () => {
    const client = await recorded();
    await client.say("NOOP");
    const file = await recordingOf(client);
    const text = await readFile(file, "utf8");
    await writeFile(file, text.replace('"octets":"221 2.0.0', '"octets":"221 2.9.0'));
    const { code, stdout, stderr } = await replay(file);
    expect(stderr).toBe(`sansmtp: ${file} does not come out as it was recorded\n`);
    expect(code).toBe(1);
    expect(told(stdout).slice(-6, -1)).toEqual([
      "C: QUIT",
      expect.stringMatching(/^Call [0-9]+ of [0-9]+, poll, gives something else than recorded:$/),
      '  recorded  {"type":"send","data":{"octets":"221 2.9.0 mx.example.com closing\\r\\n"}}',
      '  now       {"type":"send","data":{"octets":"221 2.0.0 mx.example.com closing\\r\\n"}}',
      `${" ".repeat(51)}^`,
    ]);
    const json = await replay("--json", file);
    expect(json.code).toBe(1);
    const last = json.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .at(-1);
    expect(last).toMatchObject({ event: "different", name: "poll" });
    expect(last.recorded).toContain("221 2.9.0");
    expect(last.replayed).toContain("221 2.0.0");
  });

  it("prints JSON lines", async () => {
    const file = await recordingOf(await recorded());
    const { code, stdout } = await replay("--json", file);
    const events = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(code).toBe(0);
    expect(events).toEqual([
      { event: "notice", time: expect.any(Number), line: "the client connects from 127.0.0.1" },
      { event: "question", time: expect.any(Number), line: "connect" },
      { event: "answer", time: expect.any(Number), line: "220 ESMTP" },
      { event: "server", time: expect.any(Number), line: "220 mx.example.com ESMTP" },
      { event: "client", time: expect.any(Number), line: "QUIT" },
      { event: "server", time: expect.any(Number), line: "221 2.0.0 mx.example.com closing" },
      { event: "notice", time: expect.any(Number), line: "close quit" },
      { event: "same", calls: expect.any(Number) },
    ]);
  });

  it("tells a session of a client", async () => {
    const recorder = recordClient({ name: "client.example.net" }, 100);
    const { session } = recorder;
    const drain = (): void => {
      while (session.poll() !== null);
    };
    session.transaction({ from: "a@example.net", to: ["b@example.com"] });
    for (const heard of ["220 mx ESMTP\r\n", "250 mx\r\n", "550 5.1.8 No\r\n"]) {
      session.receive(new TextEncoder().encode(heard), 150);
      drain();
    }
    session.lost(1_100);
    drain();
    const file = join(folder, "client.jsonl");
    await writeFile(file, String(recorder));
    const { code, stdout, stderr } = await replay(file);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(told(stdout)).toEqual(
      expect.arrayContaining([
        "   [transaction]",
        "S: 220 mx ESMTP",
        "   [greeting]",
        "C: EHLO client.example.net",
        "C: MAIL FROM:<a@example.net>",
        "S: 550 5.1.8 No",
        "   [the connection is lost]",
      ]),
    );
    expect(stdout).toContain("\n   1000.0     [the connection is lost]\n");
  });

  it.each([
    ["empty", "", "line 1: not the begin of a recording of this version"],
    ["another kind of file", "From: a@example.net\r\n", "line 1: not JSON"],
    ["of another version", '{"sansmtp":2,"side":"server"}\n', "line 1: not the begin of a recording"],
    ["without a configuration", '{"sansmtp":1,"side":"server","now":0}\n', "something is missing in it"],
    ["with a bad configuration", '{"sansmtp":1,"side":"server","config":{"name":"a_b"},"now":0}\n', "name"],
    ["cut off", `${head}{"call":"poll","wi`, "line 2: not JSON"],
    ["with null", `${head}null\n`, "something is missing in it"],
    ["with another line", `${head}{"call":"poll"}\n`, "line 2: not a call"],
    ["with an unknown call", `${head}{"call":"pol","with":[]}\n`, 'no session has a call "pol"'],
  ])("a damaged file: %s", async (_, text, sentence) => {
    const file = join(folder, "damaged.jsonl");
    await writeFile(file, text);
    const { code, stdout, stderr } = await replay(file);
    expect(stderr).toContain(`sansmtp: ${file} is damaged, or no recording: `);
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^[^\n]*\n$/);
    expect({ code, stdout }).toEqual({ code: 65, stdout: "" });
  });

  it.each([
    [["/none"], 66, "cannot read /none: there is no such file"],
    [[], 64, "missing required argument 'recording'"],
    [["--stp", "x"], 64, "unknown option '--stp' (Did you mean --step?)"],
    [["--step", "--json", "x"], 64, "option '--step' cannot be used with option '--json'"],
    [["--step", "x"], 64, "--step waits for Enter, and the standard input is no terminal"],
  ])("%j: %i", async (given, code, sentence) => {
    const result = await replay(...given);
    expect(result.stderr).toContain(sentence);
    expect(result).toMatchObject({ code, stdout: "" });
  });

  it.skipIf(spawnSync("script", ["--version"]).status !== 0)("--step waits for Enter", async () => {
    const file = await recordingOf(await recorded());
    const [screen, before, after] = ["screen", "before", "after"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    // Somebody at a terminal who waits for something to be on the screen, and a little longer, before each Enter; in
    // the end the terminal says that nothing more will come.
    const seen = (text: string): string =>
      `until grep -q '${text}' ${screen} 2>/dev/null; do sleep 0.1; done; sleep 0.3`;
    const person = `${seen("Enter")}; cp ${screen} ${before}; echo; ${seen("connect")}; cp ${screen} ${after}`;
    const command = `"$(printf "'%s' " "$0" "$@")"`;
    const result = await program.run(["replay", "--step", file], {
      through: ["sh", "-c", `(${person}) | script -qefc ${command} ${screen}`],
    });
    expect(await readFile(before, "utf8")).not.toContain("connect");
    expect(await readFile(after, "utf8")).not.toContain("220 ESMTP");
    expect(result.code).toBe(0);
    expect(result.stdout).toContain("The same as recorded");
  });
});

describe("the first difference", () => {
  it.each([
    ["ab", "ac", "1 ab\n2 ac\n   ^"],
    ["a", "ab", "1 a\n2 ab\n   ^"],
    ["\u202eab", "\u202eac", "1 \\u202eab\n2 \\u202eac\n         ^"],
  ])("of %j and %j", (one, other, shown) => {
    expect(firstDifference(one, other, ["1 ", "2 "])).toBe(shown);
  });

  it("is shown with what is around it", () => {
    const [one, other, mark] = firstDifference(`${"a".repeat(100)}b${"c".repeat(100)}`, "a".repeat(101), [
      "1 ",
      "2 ",
    ]).split("\n");
    expect(one).toBe(`1 …${"a".repeat(50)}b${"c".repeat(39)}…`);
    expect(other).toBe(`2 …${"a".repeat(51)}`);
    expect(mark).toBe(`${" ".repeat(53)}^`);
  });
});
