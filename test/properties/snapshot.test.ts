import { type ServerConfig, type ServerEvent, ServerSession, UsageError } from "@sansmtp/core";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { type Decision, frozen } from "../dialogues/client.ts";
import { latin1 } from "../dialogues/items.ts";
import { configs, decideByQuestion, piecesOf, traffic } from "./traffic.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const cuts = fc.array(fc.nat({ max: 100_000 }), { maxLength: 6 });

/** Calls beside receive and answer, to come at odd moments. */
type Interlude = "advance" | "snapshot" | "shutdown idle" | "nothing";
const interludes = fc.infiniteStream(
  fc.oneof(
    { weight: 9, arbitrary: fc.constant<Interlude>("nothing") },
    { weight: 1, arbitrary: fc.constantFrom<Interlude>("advance", "snapshot", "shutdown idle") },
  ),
);

test("G7 to freeze and thaw the session between any two calls changes nothing", () => {
  fc.assert(
    fc.property(configs, traffic, cuts, fc.context(), (config, octets, places, context) => {
      const pieces = piecesOf(octets, places);
      const plain = record(config, pieces, () => false);
      context.log(JSON.stringify(octets));
      expect(record(config, pieces, () => true)).toEqual(plain);
    }),
    { numRuns: 250 },
  );
});

test("G7 at one moment, or now and then", () => {
  fc.assert(
    fc.property(
      configs,
      traffic,
      cuts,
      fc.infiniteStream(fc.nat({ max: 9 })),
      (config, octets, places, dice) => {
        const pieces = piecesOf(octets, places);
        expect(record(config, pieces, () => dice.next().value === 0)).toEqual(
          record(config, pieces, () => false),
        );
      },
    ),
    { numRuns: 250 },
  );
});

test("G7 with time passing and a shutdown in between", () => {
  fc.assert(
    fc.property(configs, traffic, cuts, interludes, (config, octets, places, stream) => {
      const drawn: Interlude[] = [];
      const draw = (at: number): Interlude => {
        while (drawn.length <= at) drawn.push(stream.next().value);
        return drawn[at] as Interlude;
      };
      const pieces = piecesOf(octets, places);
      expect(record(config, pieces, () => true, draw)).toEqual(record(config, pieces, () => false, draw));
    }),
    { numRuns: 200 },
  );
});

test("G9 to take a snapshot changes nothing, and what it gives is plain JSON", () => {
  fc.assert(
    fc.property(configs, traffic, (config, octets) => {
      const session = new ServerSession({ name: "mx.example.com", ...config });
      session.receive(Buffer.from(octets, "latin1"));
      const first = session.snapshot({ secrets: true });
      expect(JSON.parse(JSON.stringify(first))).toEqual(first);
      expect(session.snapshot({ secrets: true })).toEqual(first);
    }),
    { numRuns: 100 },
  );
});

test("G13 A-AUTH-29 a snapshot shows nothing of an AUTH exchange unless secrets are asked for", () => {
  const secret = "c2VjcmV0LXBhc3N3b3Jk";
  const inside = (octets: string, poll: number): ServerSession => {
    const session = new ServerSession({
      name: "mx.example.com",
      mechanisms: [{ name: "PLAIN", first: "client", cleartext: false }],
    });
    session.receive(Buffer.from(octets, "latin1"));
    for (let count = 0; count < poll; count++) {
      const event = session.poll();
      if (event !== null && "id" in event && event.type !== "auth") session.answer(event.id, undefined);
    }
    return session;
  };
  const scripts = [
    `EHLO a.example\r\nAUTH PLAIN ${secret}\r\n`,
    `EHLO a.example\r\nAUTH PLAIN ${secret}`,
    `EHLO a.example\r\nauth plain ${secret}`,
    `EHLO a.example\r\nAUTH PLAIN\r\n${secret}\r\n`,
    `EHLO a.example\r\nAUTH PLAIN\r\n${secret}`,
  ];
  for (const script of scripts) {
    for (let poll = 0; poll < 12; poll++) {
      const session = inside(script, poll);
      const shown = JSON.stringify(session.snapshot());
      for (const form of [
        secret,
        Buffer.from(secret).toString("base64").slice(2, -4),
        Buffer.from(secret, "base64").toString(),
        "secret-pass",
      ]) {
        expect([script, poll, shown.includes(form)]).toEqual([script, poll, false]);
      }
      const asBytes = Buffer.from(secret, "base64");
      for (const text of shown.match(/"\$octets":"([^"]*)"/g) ?? []) {
        expect(Buffer.from(text.slice(11, -1), "base64").includes(asBytes)).toBe(false);
        expect(Buffer.from(text.slice(11, -1), "base64").includes(secret)).toBe(false);
      }
      if (session.snapshot().redacted)
        expect(() => ServerSession.restore({ name: "mx.example.com" }, session.snapshot())).toThrow(
          UsageError,
        );
    }
  }
});

test("G9 what is no snapshot is refused", () => {
  for (const nothing of [null, {}, { version: 2, redacted: false, held: null }, "x", []]) {
    expect(() => ServerSession.restore({ name: "mx.example.com" }, nothing as never)).toThrow(UsageError);
  }
});

/** Everything that a session shows: what poll gives, and the getters at each step. */
function record(
  config: Partial<ServerConfig>,
  pieces: readonly string[],
  thaw: () => boolean,
  interlude: (at: number) => Interlude = () => "nothing",
): unknown[] {
  const full = { name: "mx.example.com", ...config };
  let session = new ServerSession(full, 0);
  let now = 0;
  let calls = 0;
  const log: unknown[] = [];
  const call = (): ServerSession => {
    if (thaw()) {
      const before = getters(session);
      session = ServerSession.restore(full, frozen(session));
      log.push(getters(session));
      expect(getters(session)).toEqual(before);
    } else log.push(getters(session));
    return session;
  };
  const drain = (): void => {
    for (;;) {
      const event = call().poll();
      log.push(show(event));
      if (event === null) return;
      if ("id" in event) call().answer(event.id, decideByQuestion(event) as Exclude<Decision, "later">, now);
      const between = interlude(calls++);
      if (between === "advance") call().advance((now += 70_000));
      else if (between === "shutdown idle") call().shutdown("idle");
      else if (between === "snapshot") call().snapshot();
    }
  };
  drain();
  for (const piece of pieces) {
    if (session.waiting === "closed") break;
    call().receive(Buffer.from(piece, "latin1"), (now += 1000));
    drain();
  }
  call().receiveEnd(now);
  drain();
  return log;
}

function getters(session: ServerSession): unknown {
  const { waiting, wantsInput, deadline, deadlineReason, phase, transaction, reader, client, protocol } =
    session;
  return { waiting, wantsInput, deadline, deadlineReason, phase, transaction, reader, client, protocol };
}

function show(event: ServerEvent | null): unknown {
  if (event === null || !("data" in event)) return event;
  return { type: event.type, data: latin1(event.data) };
}
