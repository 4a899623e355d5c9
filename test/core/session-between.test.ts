import { ContentWriter, reply, ServerSession } from "@sansmtp/core";
import { simd } from "@sansmtp/core/simd";
import { expect, test } from "vitest";
import { ContentReader } from "../../packages/core/src/wire/dot.ts";
import { Input } from "../../packages/core/src/wire/input.ts";
import { octets } from "./arguments.ts";

test("G13 a redacted snapshot keeps the events that are no secret and were not polled yet", () => {
  const session = new ServerSession({ name: "mx.example.com", mechanisms: ["CRAM-MD5"] });
  const say = (text: string, until: string | null): string[] => {
    session.receive(octets(text));
    const seen: string[] = [];
    for (let event = session.poll(); event !== null; event = session.poll()) {
      seen.push(event.type);
      if (event.type === until) break;
      if ("id" in event) session.answer(event.id, event.type === "auth" ? reply(334, "eA==") : undefined);
    }
    return seen;
  };
  say("EHLO a.example\r\n", null);
  say("AUTH CRAM-MD5\r\n", null);
  // Given up: what the client says from here on may still be a response that it has sent ahead.
  say("*\r\n", null);
  say("MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n", null);
  expect(say("a\nb\r\n.\r\nc2VjcmV0\r\n", "body")).toEqual(["body"]);
  const { redacted, held } = session.snapshot();
  expect(redacted).toBe(true);
  expect(JSON.stringify(held)).toContain('"violation"');
  expect(JSON.stringify(held)).not.toContain("c2VjcmV0");
  expect(session.poll()).toMatchObject({ type: "violation", rule: "SEC-EOD-02" });
});

test("S-DATA-15 a line limit holds however short it is, with either scanner; controls that end no line are content", () => {
  const writer = new ContentWriter({
    dots: true,
    lineEnds: "strict",
    maxLine: 998,
    binary: false,
    scanner: null,
  });
  expect(writer.write(octets("a\tb\u000bc\r\n"))).toEqual(new Uint8Array(octets("a\tb\u000bc\r\n")));
  for (const scanner of [null, simd()]) {
    const reader = new ContentReader({
      dots: true,
      bareCr: "reject",
      bareLf: "reject",
      maxSize: Number.POSITIVE_INFINITY,
      maxLine: 10,
      scanner,
    });
    const input = new Input();
    input.push(octets(`${"x".repeat(10)}\r\n${"x".repeat(300)}\r\n.\r\n`));
    while (input.length > 0 && !reader.ended) reader.read(input);
    expect(reader.fault).toEqual({ reason: "long-line", at: 22 });
  }
});

test("L-EXC-03 no recipient beyond the limit is asked for, however many may be open at a time", () => {
  const session = new ServerSession({
    name: "mx.example.com",
    concurrentRecipients: 8,
    limits: { recipients: 100 },
  });
  const replies: string[] = [];
  const open: number[] = [];
  let asked = 0;
  const drain = (): void => {
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send")
        replies.push(...new TextDecoder().decode(event.data).split("\r\n").slice(0, -1));
      else if (event.type === "rcpt") {
        asked += 1;
        open.push(event.id);
      } else if ("id" in event) session.answer(event.id, undefined);
    }
  };
  drain();
  const rcpts = Array.from({ length: 103 }, (_, at) => `RCPT TO:<u${at}@example.com>\r\n`).join("");
  session.receive(octets(`EHLO a.example\r\nMAIL FROM:<a@example.net>\r\n${rcpts}`));
  drain();
  while (open.length > 0) {
    expect(open.length).toBeLessThanOrEqual(8);
    session.answer(open.shift() as number, undefined);
    drain();
  }
  expect(asked).toBe(100);
  const codes = replies.slice(-103).map((line) => line.slice(0, 3));
  expect(codes).toEqual([...Array<string>(100).fill("250"), "452", "452", "452"]);
});

test("S-SEQ-01 no recipient is asked for while the sender is not decided on, however many may be open at a time", () => {
  const session = new ServerSession({ name: "mx.example.com", concurrentRecipients: 8 });
  const types: string[] = [];
  let said = "";
  const drain = (): number => {
    let last = 0;
    for (let event = session.poll(); event !== null; event = session.poll()) {
      types.push(event.type);
      if (event.type === "send") said += new TextDecoder().decode(event.data);
      if (event.type === "connect" || event.type === "hello") session.answer(event.id, undefined);
      else if ("id" in event) last = event.id;
    }
    return last;
  };
  drain();
  session.receive(octets("EHLO a.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n"));
  const id = drain();
  expect(types.filter((type) => type === "mail" || type === "rcpt")).toEqual(["mail"]);
  session.answer(id, reply(550, "5.7.1", "No"));
  drain();
  expect(types).not.toContain("rcpt");
  expect(said).toMatch(/550 5\.7\.1 No\r\n503 5\.5\.1 [^\r]*\r\n$/);
});

test("S-EHLO-02 a name of more than 255 octets is taken as it is where the limit was raised for it", () => {
  const session = new ServerSession({ name: "mx.example.com", limits: { domain: 1000, commandLine: 2048 } });
  const drain = (): void => {
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if ("id" in event) session.answer(event.id, undefined);
    }
  };
  drain();
  const name = `${"label.".repeat(80)}example`;
  session.receive(octets(`EHLO ${name}\r\n`));
  drain();
  expect(session.client.hello).toEqual({ verb: "EHLO", name });
});
