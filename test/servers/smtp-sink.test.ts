import { describe, expect } from "vitest";
import { eightBit, large, short as message } from "../clients/messages.ts";
import { daemon, filesIn, type Peer } from "./peer.ts";
import { Daemon, until } from "./root.ts";
import { it, short } from "./sending.ts";

// The smtp-sink of Postfix, with its odd modes: it takes, refuses, drops or delays what it is told to.

const from = "a@example.net";
const to = ["b@example.com", "c@example.com"];

/** smtp-sink with options; each message is a file. */
function sink(...options: readonly string[]): Pick<Peer, "program" | "protocol" | "start"> {
  return {
    program: "usr/sbin/smtp-sink",
    protocol: options.includes("-L") ? "lmtp" : "smtp",
    async start(folder, port) {
      const kept = await folder.folder("kept");
      const given = ["-u", "nobody", "-d", `${kept}/`, ...options, `127.0.0.1:${port}`, "100"];
      return daemon(await Daemon.start("/usr/sbin/smtp-sink", given, port), () =>
        filesIn(folder.outside("kept")),
      );
    },
  };
}

/** What smtp-sink keeps of a message, behind what it notes before it. */
function body(kept: readonly Buffer[]): string {
  return kept.map((each) => each.toString("latin1")).join("\n=====\n");
}

describe("smtp-sink", () => {
  for (const [what, options, says] of [
    ["with everything", [], /C: MAIL .*\nC: RCPT .*\nC: RCPT .*\nC: DATA\r?\n/],
    ["without PIPELINING", ["-p"], /C: MAIL .*\nS: 250 .*\nC: RCPT .*\nS: 250 .*\nC: RCPT /],
    ["without ESMTP", ["-e"], /C: EHLO .*\nS: 500 .*\nC: HELO .*\nS: 250/],
    [
      "with a greeting that a firewall has crossed out",
      ["-P"],
      /S: 220 \*+\r?\nC: EHLO .*\nS: 500 .*\nC: HELO /,
    ],
    ["that does not know EHLO", ["-f", "ehlo"], /C: EHLO .*\nS: 500 .*\nC: HELO .*\nS: 250/],
    ["that refuses RSET and drops QUIT", ["-f", "rset", "-q", "quit"], /S: 250/],
    ["that takes a second for each reply", ["-W", "data:1", "-w", "1"], /C: DATA/],
    ["with a window of 100 octets", ["-T", "100"], /C: DATA/],
  ] as const) {
    it(`delivers to a server ${what}`, async ({ serve }) => {
      const door = await serve(sink(...options));
      const client = await door.connect();
      for (const expected of [1, 2]) {
        const { outcomes } = await client.send({ from, to, body: message });
        expect(short(outcomes)).toEqual(["accepted 250", "accepted 250"]);
        const kept = await until(() => {
          const all = door.server.kept("");
          return all.length === expected && all.every((each) => each.includes("goodbye")) ? all : undefined;
        });
        expect(kept).toHaveLength(expected);
        const text = body(kept!);
        expect(text).toContain("X-Rcpt-Args: <c@example.com>");
        expect(text).toContain(message.toString("latin1").replaceAll("\r\n", "\n"));
      }
      expect(door.dialogue.replaceAll("\r\n", "\n")).toMatch(says);
      await client.quit();
    });
  }

  for (const options of [[], ["-p"], ["-L"], ["-T", "1000"]]) {
    it(`delivers 20 MB to smtp-sink ${options.join(" ")}`, async ({ serve }) => {
      const door = await serve(sink(...options));
      const client = await door.connect();
      const { outcomes } = await client.send({ from, to, body: large() });
      expect(short(outcomes)).toEqual(["accepted 250", "accepted 250"]);
      const [kept] = door.server.kept("");
      const text = Buffer.from(large().toString("latin1").replaceAll("\r\n", "\n"), "latin1");
      // It ends what it keeps with an empty line.
      const last = kept!.subarray(-text.length - 1, -1);
      expect(last.equals(text), `${kept!.length} octets of ${text.length}`).toBe(true);
      await client.quit();
    });
  }

  it("does not send 8-bit content to a server without 8BITMIME, and the connection stays good", async ({
    serve,
  }) => {
    const door = await serve(sink("-8"));
    const client = await door.connect();
    const sent = await client.send({ from, to, body: eightBit });
    expect(short(sent.outcomes)).toEqual(["notTried 8bitmime-missing", "notTried 8bitmime-missing"]);
    expect(sent.safeToRetry).toBe(true);
    expect(door.dialogue).not.toContain("MAIL");
    const { outcomes } = await client.send({ from, to, body: message });
    expect(short(outcomes)).toEqual(["accepted 250", "accepted 250"]);
    await client.quit();
  });

  // Refusals, hard and soft, and lost connections, at each place of the dialogue; what the second message on the
  // same connection comes to; and whether the server has kept anything.
  const hard = ["refused 500", "refused 500"];
  const soft = ["deferred 450", "deferred 450"];
  for (const protocol of [[], ["-L"]]) {
    for (const [options, first, second] of [
      [["-f", "mail"], hard, hard],
      [["-f", "rcpt"], hard, hard],
      [["-f", "data"], hard, hard],
      [["-f", "."], hard, hard],
      [["-r", "mail"], soft, soft],
      [["-r", "rcpt"], soft, soft],
      [["-r", "data"], soft, soft],
      [["-r", "."], soft, soft],
      [
        ["-f", "rcpt", "-B", "550 5.1.1 No"],
        ["refused 550", "refused 550"],
        ["refused 550", "refused 550"],
      ],
      [
        ["-r", ".", "-b", "452 4.3.1 Full"],
        ["deferred 452", "deferred 452"],
        ["deferred 452", "deferred 452"],
      ],
      [["-q", "mail"], ["notTried gone", "notTried gone"], null],
      [["-q", "rcpt"], ["notTried gone", "notTried gone"], null],
      [["-q", "data"], ["notTried gone", "notTried gone"], null],
      [["-q", "."], ["unknown gone", "unknown gone"], null],
      [["-p", "-q", "."], ["unknown gone", "unknown gone"], null],
      [["-Q", "mail"], ["notTried 421", "notTried 421"], null],
      [["-Q", "rcpt"], ["notTried 421", "notTried 421"], null],
      [["-Q", "data"], ["notTried 421", "notTried 421"], null],
      // It could be said of a message that was taken: "unknown" keeps it from being doubled.
      [["-Q", "."], ["unknown closed-by-server", "unknown closed-by-server"], null],
    ] as const) {
      it(`tells what became of each recipient: smtp-sink ${[...protocol, ...options].join(" ")}`, async ({
        serve,
      }) => {
        const door = await serve(sink(...protocol, ...options));
        const client = await door.connect();
        const sent = await client.send({ from, to, body: message });
        // FIN or RST: that depends on what the server had not read yet.
        const gone = short(sent.outcomes).map((each) => each.replace(/ (?:ended|lost)$/, " gone"));
        expect(gone).toEqual(first);
        expect(sent.safeToRetry).toBe(!first[0].startsWith("unknown"));
        const again = await client.send({ from, to, body: message });
        if (second !== null) expect(short(again.outcomes)).toEqual(second);
        else expect(again.outcomes.map(({ status }) => status)).toEqual(["notTried", "notTried"]);
        await client.quit();
      });
    }
  }

  for (const protocol of [[], ["-L"]]) {
    it(`is told of a refusal while it still sends 20 MB: smtp-sink ${[...protocol, "-A 1"].join(" ")}`, async ({
      serve,
    }) => {
      const door = await serve(sink(...protocol, "-A", "1", "-T", "1000"));
      const client = await door.connect();
      const { outcomes, safeToRetry } = await client.send({ from, to, body: large() });
      expect(short(outcomes)).toEqual(["notTried 550", "notTried 550"]);
      expect(safeToRetry).toBe(true);
      await client.quit();
    });
  }

  for (const [options, code] of [
    [["-f", "connect"], "greeting-refused"],
    [["-r", "connect"], "greeting-refused"],
    [["-Q", "connect"], "closed-by-server"],
    [["-q", "connect"], "no-greeting"],
    [["-f", "ehlo,helo"], "hello-refused"],
    [["-L", "-f", "lhlo"], "hello-refused"],
    [["-q", "ehlo"], "ended"],
    [["-Q", "ehlo"], "closed-by-server"],
  ] as const) {
    it(`does not get ready: smtp-sink ${options.join(" ")}`, async ({ serve }) => {
      const door = await serve(sink(...options));
      await expect(door.connect()).rejects.toMatchObject({ code });
    });
  }

  it("does not know what became of a message whose server ends instead of a verdict", async ({ serve }) => {
    const door = await serve(sink("-M", "1"));
    const client = await door.connect();
    const sent = await client.send({ from, to, body: message });
    expect(sent.outcomes.map(({ status }) => status)).toEqual(["unknown", "unknown"]);
    expect(sent.safeToRetry).toBe(false);
    const after = await client.send({ from, to, body: message });
    expect(after.outcomes.map(({ status }) => status)).toEqual(["notTried", "notTried"]);
    expect(after.safeToRetry).toBe(true);
    await client.quit();
  });

  it("does without TLS where it is not required, and not where it is", async ({ serve }) => {
    const door = await serve(sink());
    await expect(door.connect({ tls: "required" })).rejects.toMatchObject({ code: "tls-not-offered" });
    const client = await door.connect({ tls: "offered" });
    expect(client.tls).toBeNull();
    await client.quit();
    await expect(door.connect({ tls: "implicit" })).rejects.toMatchObject({ code: "plain-on-tls-port" });
  });
});
