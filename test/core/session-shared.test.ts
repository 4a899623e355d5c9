import { reply, ServerSession } from "@sansmtp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { parsePath, readPlain } from "../../packages/core/src/syntax/path.ts";
import { context, octets, sides } from "./arguments.ts";

// What sessions share, and what is read in two ways, makes no difference to any of them.

test("G7 G8 sessions that are polled in turns say what each says alone, though they share a buffer", () => {
  const said = (text: string) =>
    octets(`EHLO ${text}.example\r\nMAIL FROM:<${text}@example.net>\r\nRCPT TO:<x>\r\nNOOP\r\n`);
  const step = (session: ServerSession, out: string[]): boolean => {
    const event = session.poll();
    if (event === null) return false;
    if (event.type === "send") out.push(new TextDecoder().decode(event.data));
    if ("id" in event)
      session.answer(event.id, event.type === "mail" ? reply(250, session.settings.name) : undefined);
    return true;
  };
  const names = ["one", "two", "three"];
  const alone = names.map((name) => {
    const session = new ServerSession({ name: `${name}.example.com` });
    const out: string[] = [];
    session.receive(said(name));
    while (step(session, out));
    return out.join("");
  });
  const sessions = names.map((name) => new ServerSession({ name: `${name}.example.com` }));
  const outs = names.map((): string[] => []);
  for (const [index, session] of sessions.entries()) session.receive(said(names[index]!));
  while (sessions.map((session, index) => step(session, outs[index]!)).includes(true));
  expect(outs.map((out) => out.join(""))).toEqual(alone);
  expect(new Set(alone).size).toBe(3);
});

test("S-SES-06 G12 a reply is fixed once made, and one given by several servers has the name of each", () => {
  const full = reply(421, "4.7.0", "Too busy");
  expect(Object.isFrozen(full) && Object.isFrozen(full.lines)).toBe(true);
  for (const name of ["a.example", "b.example", "a.example"]) {
    const session = new ServerSession({ name });
    let out = "";
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") out += new TextDecoder().decode(event.data);
      if (event.type === "connect") session.answer(event.id, full);
    }
    expect(out).toBe(`421 ${name} Too busy\r\n`);
  }
});

test("S-ADDR-01 a path that is read in one pass is what the grammar makes of it", () => {
  const word = fc.string({ unit: fc.constantFrom(...'ab1-_.+@:>" \u00e9'), maxLength: 12 });
  const long = fc.constantFrom("a", "a".repeat(63), "a".repeat(64), "a".repeat(65), "a.b", "b-");
  const near = fc.string({ unit: fc.constantFrom(..."aab1.-"), minLength: 1, maxLength: 6 });
  const mailbox = fc.oneof(
    word,
    fc.tuple(near, near).map(([local, domain]) => `${local}@${domain}`),
    fc.tuple(long, near, long).map(([one, two, three]) => `${one}${two}@${three}.${one}`),
  );
  let plain = 0;
  fc.assert(
    fc.property(mailbox, (text) => {
      const whole = octets(`<${text}>`);
      // Behind a route it is left to the grammar at large.
      const routed = octets(`<@r:${text}>`);
      const options = { ...context(), limits: { localPart: 64, domain: 255, path: 10_000 } };
      const found = readPlain(whole, 0, whole.length, options);
      if (found === null) return;
      plain++;
      for (const side of sides) {
        const read = parsePath(routed, 0, routed.length, side, options);
        if (isFault(read)) throw new Error(`${text}: ${read.detail}`);
        expect({ ...found.path, raw: "", route: [] }).toEqual({ ...read.path, raw: "", route: [] });
        expect(read.end).toBe(found.end + 3);
      }
    }),
    { numRuns: 3000 },
  );
  expect(plain).toBeGreaterThan(100);
});
