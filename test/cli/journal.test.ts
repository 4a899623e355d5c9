import { describe, expect, it } from "vitest";
import { type Entry, jsonJournal, quietJournal, textJournal } from "../../packages/cli/src/journal.ts";

const stored: Entry = {
  event: "stored",
  connection: 7,
  id: "M1R2",
  file: "mail/new/1.M1R2.host",
  octets: 1234,
  from: "",
  to: ["a@example.com", "\u001b[2J@example.com"],
};

describe("text", () => {
  it("names the connection and the side on each line", () => {
    expect(text({ event: "connected", connection: 7, from: "127.0.0.1:40000" })).toBe(
      "[7] connection from 127.0.0.1:40000\n",
    );
    expect(text({ event: "client", connection: 7, line: "NOOP" })).toBe("[7] C: NOOP\n");
    expect(text({ event: "server", connection: 7, line: "250 OK" })).toBe("[7] S: 250 OK\n");
    expect(text({ event: "content", connection: 7, line: "Subject: x" })).toBe("[7] C| Subject: x\n");
    expect(text({ event: "received", connection: 7, octets: 14_680_064 })).toBe(
      "[7] C: (14,680,064 octets of content)\n",
    );
    expect(text({ event: "closed", connection: 7, reason: "quit" })).toBe("[7] closed: quit\n");
    expect(text({ event: "failed", connection: null, error: "x" })).toBe("error: x\n");
  });

  it("SEC-TRU-07 controls in an address, a name or a detail are made visible", () => {
    expect(text(stored)).toBe(
      "[7] stored M1R2, 1,234 octets, from <> to a@example.com, \\x1B[2J@example.com: mail/new/1.M1R2.host\n",
    );
    expect(text({ event: "violation", connection: 7, rule: "S-LINE-10", detail: "a\nb\u202e" })).toBe(
      "[7] broken rule S-LINE-10: a\\x0Ab\\u{202E}\n",
    );
  });

  it("SEC-TRU-07 a line that is wider than the terminal goes on indented, where the program never speaks", () => {
    const line = `NOOP ${"x".repeat(24)}[7] S: 250 2.0.0 queued`;
    expect(text({ event: "client", connection: 7, line }, { columns: 36 })).toBe(
      `[7] C: NOOP ${"x".repeat(24)}\n       [7] S: 250 2.0.0 queued\n`,
    );
    expect(text({ event: "client", connection: 7, line: "\u4f8b".repeat(15) }, { columns: 36 })).toBe(
      `[7] C: ${"\u4f8b".repeat(14)}\n       \u4f8b\n`,
    );
  });

  it("is coloured only when asked", () => {
    const entry: Entry = { event: "client", connection: 7, line: "NOOP" };
    expect(text(entry)).not.toContain("\x1b");
    expect(text(entry, { colours: true })).toBe("\x1b[2m[7] \x1b[22m\x1b[36mC: NOOP\x1b[39m\n");
    const wide = text({ ...entry, line: "x".repeat(40) }, { colours: true, columns: 36 });
    for (const row of wide.trimEnd().split("\n")) expect(row).toMatch(/\x1b\[39m$/);
  });
});

describe("JSON lines", () => {
  it("one object a line, with the time", () => {
    const lines: string[] = [];
    const journal = jsonJournal(
      (line) => lines.push(line),
      () => new Date(0),
    );
    journal(stored);
    journal({ event: "client", connection: 7, line: "NOOP" });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { time: "1970-01-01T00:00:00.000Z", ...stored },
      { time: "1970-01-01T00:00:00.000Z", event: "client", connection: 7, line: "NOOP" },
    ]);
  });

  it("SEC-TRU-07 nothing in it steers a terminal, and all of it can be read back", () => {
    const from = "\u001b\u007f\u009b\u2028\u202e\u{e0041}\ud800\n";
    const lines: string[] = [];
    jsonJournal((line) => lines.push(line))({ event: "connected", connection: 7, from });
    expect(lines[0]).toMatch(/^[\x20-\x7e]*\n$/);
    expect(JSON.parse(lines[0]!).from).toBe(from);
  });
});

it("quiet: nothing but errors", () => {
  const lines: string[] = [];
  const journal = quietJournal((line) => lines.push(line));
  journal(stored);
  journal({ event: "failed", connection: 7, error: "the disk is full" });
  expect(lines).toEqual(["sansmtp: the disk is full\n"]);
});

function text(entry: Entry, options: { colours?: boolean; columns?: number } = {}): string {
  let written = "";
  const columns = options.columns ?? null;
  textJournal((line) => (written += line), { colours: options.colours ?? false, columns: () => columns })(
    entry,
  );
  return written;
}
