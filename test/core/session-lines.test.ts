import { expect, test, vi } from "vitest";
import { Client, codesOf, ehlo, mail, rcpt } from "../dialogues/client.ts";
import { heldBy } from "../dialogues/held.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const controls = [...Array(0x20).keys(), 0x7f]
  .filter((octet) => octet !== 0x09)
  .map((octet) => String.fromCharCode(octet));

test("S-LINE-10 S-LINE-01 SEC-EOD-08 every control octet at every place of a line makes it invalid, and it is executed in no part", () => {
  for (const line of [
    "RSET",
    "QUIT",
    "NOOP x",
    "EHLO a.example",
    "RCPT TO:<c@example.com>",
    "DATA",
    "MAIL FROM:<a@example.net>",
  ]) {
    for (const octet of controls) {
      for (let at = 0; at <= line.length; at++) {
        const client = new Client();
        client.say(ehlo + mail + rcpt);
        const odd = line.slice(0, at) + octet + line.slice(at);
        // A reply to EHLO has no enhanced code, whatever is wrong with it (RFC 2034 §4).
        const reply = /^EHLO /.test(odd) ? "500 Command" : "500 5.5.2 Command";
        expect([odd, client.say(`${odd}\r\n`)]).toEqual([odd, `${reply} not recognized\r\n`]);
        expect(client.of("violation").at(-1)).toMatchObject({ rule: "S-LINE-10", at });
        expect(client.session.transaction).toBe("recipients");
        expect(client.codes("DATA", ".")).toBe("354 250");
      }
    }
  }
});

test("S-LINE-10 S-LINE-16 the octets of a line ended by LF, CR or anything else but CRLF give one reply together", () => {
  for (const end of ["\n", "\r", "\n\r", "\r\r", "\0", "\x85", "\v", "\f", "\x1c", "\x1e"]) {
    const client = new Client();
    client.say(ehlo);
    expect([end, codesOf(client.say(`NOOP${end}RSET${end}QUIT${end}NOOP\r\nNOOP\r\n`))]).toEqual([
      end,
      "500 250",
    ]);
  }
});

test("S-LINE-11 SEC-DOS-01 ten megabytes without CRLF are discarded unread, in memory that does not grow, and answered once", () => {
  const client = new Client();
  client.say(ehlo + mail + rcpt);
  const piece = "x".repeat(65_536);
  for (let sent = 0; sent < 160; sent++) {
    expect(client.say(piece)).toBe("");
    expect(heldBy(client.session)).toBeLessThan(20_000);
  }
  expect(client.say("RSET\r\nDATA\r\n")).toMatch(/^500 5\.5\.2 Line too long\r\n354 /);
});

test("S-LINE-11 A-AUTH-08 a line is too long by its octets, wherever the CRLF falls in a read", () => {
  for (let length = 4090; length < 4100; length++) {
    for (const cut of [4094, 4095, 4096, 4097, length - 1, length, length + 1]) {
      const client = new Client();
      const octets = `NOOP ${"x".repeat(length - 5)}\r\n`;
      expect(codesOf(client.say(octets, [octets.slice(0, cut), octets.slice(cut)]))).toBe(
        length + 2 <= 4096 ? "250" : "500",
      );
      expect(client.codes("NOOP")).toBe("250");
    }
  }
});

test("S-LINE-12 L-LEN-04 every command takes 512 octets, without any extension", () => {
  const off = {
    pipelining: false,
    size: false,
    "8bitmime": false,
    enhancedStatusCodes: false,
    chunking: false,
    help: false,
  };
  for (const [line, code] of [
    ["EHLO a.example", "250"],
    ["MAIL FROM:<a@example.net>", "250"],
    ["RCPT TO:<b@example.com>", "250"],
    ["VRFY x", "252"],
    ["NOOP x", "250"],
    ["RSET", "250"],
    ["DATA", "354"],
    ["FOO", "500"],
  ] as const) {
    const client = new Client({ extensions: off, limits: { commandLine: 512 } });
    client.say("EHLO a.example\r\n");
    if (line.startsWith("RCPT") || line === "DATA") client.say(mail);
    if (line === "DATA") client.say(rcpt);
    const said = client.say(`${line}${" ".repeat(510 - line.length)}\r\n`);
    expect([line, codesOf(said), said.includes("too long")]).toEqual([line, code, false]);
  }
});

test("SEC-DOS-02 S-LINE-02 the cost is linear, also octet by octet", () => {
  const inputs: [name: string, (length: number) => string][] = [
    ["a line", (length) => `${"x".repeat(length)}\r\n`],
    ["many lines", (length) => "NOOP\r\n".repeat(length / 6)],
    ["data", (length) => `${mail}${rcpt}DATA\r\n${".x\r\n".repeat(length / 4)}.\r\n`],
    ["a line of data", (length) => `${mail}${rcpt}DATA\r\n${"\r".repeat(length)}\r\n.\r\n`],
    ["a chunk", (length) => `${mail}${rcpt}BDAT ${length} LAST\r\n${"\r".repeat(length)}`],
    ["a refused chunk", (length) => `BDAT ${length} LAST\r\n${"x".repeat(length)}`],
    ["recipients", (length) => mail + rcpt.repeat(length / 25)],
    ["quotes", (length) => `${mail}${`RCPT TO:<"${"\\a".repeat(20)}\r\n`.repeat(length / 50)}`],
  ];
  const limits = { errors: 1e9, idleCommands: 1e9, recipients: 1e9 };
  const time = (octets: string): number => {
    const spans = Array.from({ length: 3 }, () => {
      const client = new Client({ limits });
      client.say(ehlo);
      const input = Buffer.from(octets, "latin1");
      const before = performance.now();
      for (let at = 0; at < input.length; at++) {
        client.session.receive(input.subarray(at, at + 1));
        client.drain();
      }
      return performance.now() - before;
    });
    return Math.min(...spans);
  };
  for (const [name, make] of inputs) {
    time(make(4000));
    // Eight times the octets: 8 when linear, 64 when quadratic. A busy machine gets another chance.
    let ratio = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5 && ratio > 30; attempt++) {
      ratio = Math.min(ratio, time(make(64_000)) / Math.max(1, time(make(8000))));
    }
    expect([name, ratio <= 30]).toEqual([name, true]);
  }
});
