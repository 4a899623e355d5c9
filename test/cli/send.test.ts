import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { bar, Progress } from "../../packages/cli/src/progress.ts";
import { replying, scripted } from "../node/scripted.ts";
import { Mail, Program, type Running } from "./program.ts";

let program: Program;
let mail: Mail;
let folder: string;
let server: Running | null = null;

const envelope = ["--from", "a@example.net", "--to", "b@example.com"];

beforeAll(async () => {
  program = await Program.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  mail = await Mail.folder();
  folder = await mkdtemp(join(tmpdir(), "sansmtp-send-"));
});

afterEach(async () => {
  server?.child.kill("SIGKILL");
  await server?.exit;
  server = null;
  await mail.remove();
  await rm(folder, { recursive: true, force: true });
});

async function serve(...given: string[]): Promise<string[]> {
  server = await program.serve(["--directory", mail.directory, "--name", "mx.example.com", ...given]);
  return ["--port", String(server.port)];
}

async function file(content: string | Uint8Array, name = "message.eml"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

async function send(...given: string[]): ReturnType<Program["run"]> {
  return program.run(["send", ...given]);
}

/** What came, without the trace fields. */
async function received(): Promise<string[]> {
  return (await mail.messages()).map((octets) => octets.toString().replace(/^[\s\S]*?\r\n(?=Subject:)/, ""));
}

describe("a message arrives", () => {
  it("from a file, with line ends of Unix", async () => {
    const port = await serve();
    const { code, stdout, stderr } = await send(
      ...port,
      ...envelope,
      await file("Subject: hello\n\n.\nIt works.\n"),
    );
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^accepted {2}b@example\.com {2}250 2\.0\.0 Ok: queued as \S+\n$/);
    expect(code).toBe(0);
    expect(await received()).toEqual(["Subject: hello\r\n\r\n.\r\nIt works.\r\n"]);
  });

  it("from the standard input", async () => {
    const [, port] = await serve();
    const through = ["sh", "-c", `printf 'Subject: hello\\n\\n' | "$0" "$@"`];
    const { code } = await program.run(["send", "--port", port!, ...envelope], { through });
    expect(code).toBe(0);
    expect(await received()).toEqual(["Subject: hello\r\n\r\n"]);
  });

  it("with 8-bit text and a header in UTF-8, from nobody", async () => {
    const port = await serve();
    const given = [
      "--from",
      "<>",
      "--to",
      "b@example.com",
      "--show-dialogue",
      await file("Subject: \u00e9\n\n"),
    ];
    const { code, stderr } = await send(...port, ...given);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^C: MAIL FROM:<> SIZE=15 BODY=8BITMIME SMTPUTF8$/m);
    expect(stderr).toMatch(/^S: 250 2\.0\.0 Ok: queued as \S+$/m);
    expect(await received()).toEqual(["Subject: \u00e9\r\n\r\n"]);
  });

  it("over 40 MB, as a stream", async () => {
    const port = await serve("--max-size", "0");
    const line = `${"x".repeat(76)}\r\n`;
    const { code } = await send(
      ...port,
      ...envelope,
      await file(`Subject: x\r\n\r\n${line.repeat(540_000)}`),
    );
    expect(code).toBe(0);
    expect((await received())[0]).toHaveLength(14 + 540_000 * 78);
  });

  it("by STARTTLS, by TLS from the start, and by LMTP over a Unix socket", async () => {
    const message = await file("Subject: x\n\n");
    let port = await serve("--self-signed");
    expect((await send(...port, ...envelope, "--tls", "required", "--insecure", message)).code).toBe(0);
    const strict = await send(...port, ...envelope, "--tls", "required", message);
    expect(strict).toMatchObject({
      code: 76,
      stderr: "sansmtp: the TLS handshake failed: self-signed certificate\n",
    });
    await server?.stop();
    port = await serve("--self-signed", "--implicit-tls");
    expect((await send(...port, ...envelope, "--tls", "implicit", "--insecure", message)).code).toBe(0);
    await server?.stop();
    const socket = join(folder, "lmtp");
    await serve("--lmtp", "--socket", socket).catch(() => {});
    const { code, stdout } = await send(
      "--socket",
      socket,
      "--lmtp",
      ...envelope,
      "--to",
      "c@example.com",
      message,
    );
    expect(code).toBe(0);
    expect(stdout.match(/^accepted/gm)).toHaveLength(2);
    expect(await received()).toHaveLength(3);
  });
});

describe("what became of it", () => {
  it("a table, and 65 when one is refused for good", async () => {
    const port = await serve("--reject", "nobody@example.com");
    const { code, stdout, stderr } = await send(
      ...[...port, ...envelope, "--to", "nobody@example.com", await file("Subject: x\n\n")],
    );
    expect(stdout).toMatch(
      /^accepted {2}b@example\.com {7}250 .*\nrefused {3}nobody@example\.com {2}550 5\.1\.1 No such user here\n$/,
    );
    expect(stderr).toBe("sansmtp: refused for good for 1 of 2\n");
    expect(code).toBe(65);
  });

  it("as JSON", async () => {
    const { port } = await scripted((socket) => replying(socket, { RCPT: "450 4.2.0 \x1b]Later\x9c" }));
    const { code, stdout } = await send(
      "--port",
      String(port),
      ...envelope,
      "--json",
      await file("Subject: x\n\n"),
    );
    expect(stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
    expect(JSON.parse(stdout)).toEqual({
      safeToRetry: true,
      recipients: [
        {
          to: "b@example.com",
          status: "deferred",
          code: 450,
          enhanced: "4.2.0",
          text: expect.any(String),
          failure: null,
        },
      ],
    });
    expect(code).toBe(75);
  });

  it.each([
    ["65: the message", 65, { ".": "554 5.6.0 No" }, "554 5.6.0 No"],
    ["65: 8-bit text that the server cannot take", 65, { EHLO: "250 mx" }, "8bitmime-missing"],
    [
      "C-TXN-12 77: 530, a login or TLS is missing, which is no fault of the message",
      77,
      { MAIL: "530 5.7.0 Login first" },
      "530 5.7.0 Login first",
    ],
    ["74: nobody knows", 74, { ".": "cut" }, "unknown"],
    ["75: 421", 75, { MAIL: "421 4.3.2 Later" }, "421 4.3.2 Later"],
    ["75: a cut before the end", 75, { RCPT: "cut" }, "not tried"],
  ])("%s", async (_, expected, replies, shown) => {
    const { port } = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 8BITMIME", ...replies }),
    );
    const { code, stdout } = await send(
      "--port",
      String(port),
      ...envelope,
      await file("Subject: x\n\n\u00e9\n"),
    );
    expect(stdout).toContain(shown);
    expect(code).toBe(expected);
  });

  it.each([
    [
      "69: refused at the door",
      69,
      "554 5.7.1 Go away",
      "the server takes no mail from here (554 5.7.1 Go away)",
    ],
    ["75: not now", 75, "421 4.3.2 Later", "the server closes the connection (421 4.3.2 Later)"],
    [
      "76: another kind of server",
      76,
      "* OK IMAP4rev1",
      "this is an IMAP server: mail is fetched there, not sent",
    ],
  ])("%s", async (_, expected, greeting, sentence) => {
    const { port } = await scripted((socket) => replying(socket, {}, greeting));
    const { code, stderr } = await send("--port", String(port), ...envelope, await file("Subject: x\n\n"));
    expect(stderr).toBe(`sansmtp: ${sentence}\n`);
    expect(code).toBe(expected);
  });

  it("68, 69: no host, and nobody there", async () => {
    const message = await file("Subject: x\n\n");
    expect((await send("--host", "host.invalid", ...envelope, message)).code).toBe(68);
    expect(await send("--port", "1", ...envelope, message)).toMatchObject({
      code: 69,
      stderr: "sansmtp: cannot connect to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1\n",
    });
    const { port } = await scripted(() => {});
    expect(await send("--port", String(port), "--timeout", "1", ...envelope, message)).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/^sansmtp: no greeting in time/),
    });
  });
});

describe("AUTH", () => {
  const offering = { EHLO: "250-mx\r\n250 AUTH PLAIN" };

  it("A-AUTH-29 the password comes from a file or a variable, and shows nowhere", async () => {
    const { port, heard } = await scripted((socket) =>
      replying(socket, { ...offering, AUTH: "235 2.7.0 Ok" }),
    );
    const password = await file("secret\n", "password");
    const given = [
      "--port",
      String(port),
      ...envelope,
      "--user",
      "me",
      "--allow-insecure-auth",
      "--show-dialogue",
    ];
    const message = await file("Subject: x\n\n");
    const byFile = await send(...given, "--password-file", password, message);
    expect(byFile.code).toBe(0);
    expect(byFile.stderr).toMatch(/^C: AUTH PLAIN \*\*\*$/m);
    expect(byFile.stderr + byFile.stdout).not.toMatch(/secret|AG1lAHNlY3JldA/);
    const environment = { SECRET: "secret" };
    const byName = await program.run(["send", ...given, "--password-env", "SECRET", message], {
      environment,
    });
    expect(byName.code).toBe(0);
    expect(heard().match(/AUTH PLAIN AG1lAHNlY3JldA==/g)).toHaveLength(2);
  });

  it("77: wrong password, or no way to say it safely", async () => {
    const { port } = await scripted((socket) => replying(socket, { ...offering, AUTH: "535 5.7.8 Wrong" }));
    const given = ["--port", String(port), ...envelope, "--user", "me", "--password-env", "SECRET"];
    const options = { environment: { SECRET: "secret" } };
    const message = await file("Subject: x\n\n");
    const wrong = await program.run(["send", ...given, "--allow-insecure-auth", message], options);
    expect(wrong).toMatchObject({ code: 77, stderr: expect.stringContaining("535 5.7.8 Wrong") });
    expect((await program.run(["send", ...given, "--tls", "offered", message], options)).code).toBe(77);
  });
});

describe("what cannot be", () => {
  it.each([
    ["no recipient", ["--from", "a@example.net"]],
    ["an address that is none", ["--from", "a@example.net", "--to", "b c"]],
    ["a user without password", [...envelope, "--user", "me"]],
    ["a mode of TLS that is none", [...envelope, "--tls", "maybe"]],
  ])("64: %s", async (_, given) => {
    expect((await send(...given, await file("x"))).code).toBe(64);
  });

  it("66: a file that is not there", async () => {
    expect(await send(...envelope, join(folder, "none"))).toMatchObject({
      code: 66,
      stderr: `sansmtp: cannot read ${join(folder, "none")}: no such file or directory\n`,
    });
  });
});

describe("progress", () => {
  it("is shown of what takes long, and taken away", () => {
    const written: string[] = [];
    let now = 0;
    const progress = new Progress(
      (text) => written.push(text),
      10_000_000,
      () => now,
    );
    progress.add(1_000_000);
    expect(written).toEqual([]);
    now = 250;
    progress.add(4_000_000);
    progress.end();
    expect(written).toEqual(["\r\x1b[K[###############               ] 50%  5.0 of 10.0 MB", "\r\x1b[K"]);
  });

  it("may not know how much there is, or come to more", () => {
    expect(bar(1_500_000, null)).toBe("1.5 MB");
    expect(bar(11_000_000, 10_000_000)).toMatch(/^\[#{30}\] 100% {2}11\.0 of 11\.0 MB$/);
  });
});
