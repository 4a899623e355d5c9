import { ServerSession } from "@sansmtp/core";
import { expect, test, vi } from "vitest";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 120_000 });

/** Lines that would be dear to a parser that goes back, of about so many octets. */
const hostile: readonly (readonly [string, (octets: number) => string])[] = [
  ["source routes", (octets) => `MAIL FROM:<${"@a.example,".repeat(octets / 11)}a@b.example>`],
  ["quoted strings", (octets) => `MAIL FROM:<"${"\\\\".repeat(octets / 2)}>`],
  ["quoted strings without end", (octets) => `MAIL FROM:<"${'a"'.repeat(octets / 2)}>`],
  ["dots", (octets) => `MAIL FROM:<a${".a".repeat(octets / 2)}>`],
  ["labels", (octets) => `MAIL FROM:<a@${"a-".repeat(octets / 2)}>`],
  ["at signs", (octets) => `MAIL FROM:<${"@".repeat(octets)}>`],
  ["brackets", (octets) => `MAIL FROM:${"<".repeat(octets)}`],
  ["literals", (octets) => `MAIL FROM:<a@[IPv6:${"1:".repeat(octets / 2)}]>`],
  ["parameters", (octets) => `MAIL FROM:<a@b.example>${" A=1".repeat(octets / 4)}`],
  ["xtext", (octets) => `MAIL FROM:<a@b.example> ENVID=${"+4".repeat(octets / 2)}`],
  ["addresses in xtext", (octets) => `RCPT TO:<a@b.example> ORCPT=rfc822;${"+3C".repeat(octets / 3)}`],
  ["blanks", (octets) => `MAIL${" ".repeat(octets)}FROM:<a@b.example>`],
  ["names", (octets) => `EHLO ${"a.".repeat(octets / 2)}`],
  ["digits", (octets) => `BDAT ${"9".repeat(octets)}x`],
  ["words", (octets) => `VRFY ${"a ".repeat(octets / 2)}`],
];

test.each(hostile)("SEC-DOS-02 %s cost what they are long", (_, line) => {
  const [short, long] = [line(8_000), line(64_000)];
  let best = Number.POSITIVE_INFINITY;
  // Eight times the octets: 8 when linear, 64 when quadratic. A busy machine gets other chances.
  for (let attempt = 0; attempt < 8 && best > 24; attempt++)
    best = Math.min(best, leastTime(long) / Math.max(leastTime(short), 0.02));
  expect(best).toBeLessThan(24);
});

/** Milliseconds for the line, the best of some. */
function leastTime(line: string): number {
  const octets = new TextEncoder().encode(`${line}\r\n`);
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 5; time++) {
    const session = greeted();
    const began = performance.now();
    session.receive(octets);
    drain(session);
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

function greeted(): ServerSession {
  const limits = {
    commandLine: 100_000,
    path: 100_000,
    localPart: 100_000,
    domain: 100_000,
    parameters: 100_000,
  };
  const session = new ServerSession({ name: "mx.example.com", limits, extensions: { dsn: true } });
  session.receive(new TextEncoder().encode("EHLO client.example.net\r\n"));
  drain(session);
  return session;
}

function drain(session: ServerSession): void {
  for (let event = session.poll(); event !== null; event = session.poll())
    if ("id" in event) session.answer(event.id, undefined);
}
