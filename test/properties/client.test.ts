import {
  type ClientConfig,
  type ClientEvent,
  ClientSession,
  type ClientSnapshot,
  type OutgoingEnvelope,
  UsageError,
} from "@sansmtp/core";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { latin1 } from "../dialogues/items.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const configs: fc.Arbitrary<Partial<ClientConfig>> = fc.record(
  {
    protocol: fc.constantFrom("smtp", "lmtp"),
    tls: fc.constantFrom("never", "offered", "required", "implicit"),
    pipelineData: fc.boolean(),
    chunking: fc.constantFrom("prefer", "avoid", "require"),
    lineEnds: fc.constantFrom("strict", "normalize", "space"),
    allowInsecureAuth: fc.boolean(),
    limits: fc.constantFrom({}, { chunk: 3, chunks: 2, outstanding: 2 }),
  },
  { requiredKeys: [] },
);

/** Lines as a server might say them, and some as none would. */
const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom("250 ok\r\n", "354 go\r\n", "550 5.1.1 no\r\n", "450 later\r\n", "220 mx\r\n"),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "250-mx\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 AUTH PLAIN EXTERNAL\r\n",
      "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-PRDR\r\n250 SIZE\r\n",
      "250-mx\r\n250 8BITMIME\r\n",
      "334 YQ==\r\n",
      "334\r\n",
      "353 each\r\n",
      "235 in\r\n",
      "221 bye\r\n",
      "250\r\n",
      "552 many\r\n",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "421 gone\r\n",
      "250-a\r\n550 b\r\n",
      "\r\n",
      "HTTP/1.1 200\r\n",
      "250 a\n",
      "600 x\r\n",
      "\x16\x03\x01",
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 10 }) },
);

/** A conversation that begins well, so that deep places are reached. */
const traffic = fc
  .tuple(fc.boolean(), fc.array(line, { maxLength: 24 }))
  .map(([well, lines]) =>
    well ? ["220 mx\r\n", "250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n", ...lines] : lines,
  );

const envelopes: readonly OutgoingEnvelope[] = [
  { from: "a@example.net", to: ["b@example.com", "c@example.com", "d@example.com"] },
  { from: null, to: ["e@example.com"], size: 3 },
  { from: "f@example.net", to: [] },
];

interface Played {
  /** Sends joined, and everything else in order, but for what is asked at a moment that depends on the caller. */
  readonly sent: string;
  readonly events: readonly ClientEvent[];
  readonly outcomes: ReadonlyMap<number, Extract<ClientEvent, { type: "done" }>>;
}

/** An owner who answers whatever is asked at once. The pieces of a turn come one by one, with polls between or not. */
function play(
  config: Partial<ClientConfig>,
  turns: readonly (readonly string[])[],
  options: { readonly restore?: () => boolean; readonly polled?: boolean } = {},
): Played {
  const settled: ClientConfig = { name: "client.example.net", ...config };
  let session = new ClientSession(settled);
  const events: ClientEvent[] = [];
  const outcomes = new Map<number, Extract<ClientEvent, { type: "done" }>>();
  let sent = "";
  let closed = false;
  const thaw = () => {
    if (options.restore?.() !== true) return;
    const frozen = JSON.parse(JSON.stringify(session.snapshot({ secrets: true }))) as ClientSnapshot;
    session = ClientSession.restore(settled, frozen);
  };
  const drain = () => {
    for (let event = session.poll(); event !== null; event = session.poll()) {
      thaw();
      if (closed) throw new Error(`${event.type} after close`);
      if (event.type === "send") {
        sent += latin1(event.data);
        continue;
      }
      events.push(event);
      if (event.type === "close") closed = true;
      if (event.type === "upgrade") session.upgraded();
      if (event.type === "challenge") session.respond(Buffer.from("x"));
      if (event.type === "done") {
        if (outcomes.has(event.id)) throw new Error(`transaction ${event.id} is done twice`);
        outcomes.set(event.id, event);
      }
      if (event.type === "body") {
        for (const text of ["Subject: x\r\n", "\r\n.", "\r\nbody"]) {
          session.write(Buffer.from(text));
          thaw();
        }
        session.finish();
      }
      thaw();
    }
  };
  session.auth("EXTERNAL", Buffer.from("me"));
  const ids = envelopes.map((envelope) => session.transaction(envelope));
  session.noop();
  session.quit();
  drain();
  for (const turn of turns) {
    for (const piece of turn) {
      if (closed) break;
      session.receive(Buffer.from(piece, "latin1"));
      thaw();
      if (options.polled !== false) drain();
    }
    drain();
  }
  if (!closed) {
    session.lost();
    thaw();
    drain();
  }
  expect(session.waiting).toBe("closed");
  for (const id of ids) expect(outcomes.has(id)).toBe(true);
  return { sent, events, outcomes };
}

/** A STARTTLS that is answered makes a difference between one piece and two, and has to. */
const clear = configs.map((config) => ({ ...config, tls: "never" as const }));

test("G1 G2 a client takes any octets, in whatever pieces, and comes to the same end", () => {
  fc.assert(
    fc.property(clear, traffic, (config, lines) => {
      const whole = play(
        config,
        lines.map((one) => [one]),
      );
      expect(
        play(
          config,
          lines.map((one) => [...one]),
        ),
      ).toEqual(whole);
      expect(
        play(
          config,
          lines.map((one) => [...one]),
          { polled: false },
        ),
      ).toEqual(whole);
    }),
    { numRuns: 1500 },
  );
});

test("G1 R-FMT-15 random octets never throw", () => {
  fc.assert(
    fc.property(configs, fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 }), (config, pieces) => {
      const turns = pieces.map((piece) => [Buffer.from(piece).toString("latin1")]);
      play(config, turns);
      play(config, [["220 mx\r\n"], ["250-mx\r\n250 PIPELINING\r\n"], ...turns]);
    }),
    { numRuns: 1000 },
  );
});

test("G1 every conversation ends with an outcome for every recipient, TLS or not", () => {
  fc.assert(
    fc.property(configs, traffic, (config, lines) => {
      const { outcomes } = play(
        config,
        lines.map((one) => [one]),
      );
      for (const [at, { to }] of envelopes.entries()) {
        const done = [...outcomes.values()].sort((one, other) => one.id - other.id)[at];
        expect(done?.outcomes).toHaveLength(to.length);
        const risky = done?.outcomes.some(({ status }) => status === "accepted" || status === "unknown");
        expect(done?.safeToRetry).toBe(!risky);
      }
    }),
    { numRuns: 1000 },
  );
});

test("G7 to freeze and thaw the session between any two calls changes nothing", () => {
  fc.assert(
    fc.property(configs, traffic, fc.infiniteStream(fc.nat({ max: 3 })), (config, lines, dice) => {
      const turns = lines.map((one) => [one]);
      const plain = play(config, turns);
      expect(play(config, turns)).toEqual(plain);
      expect(play(config, turns, { restore: () => true })).toEqual(plain);
      expect(play(config, turns, { restore: () => dice.next().value === 0 })).toEqual(plain);
    }),
    { numRuns: 500 },
  );
});

test("G12 S-DATA-21 S-LINE-01 S-LINE-07 whatever the server says, each line of the client is one, and ends with CRLF", () => {
  fc.assert(
    fc.property(clear, traffic, (config, lines) => {
      const { sent } = play(
        config,
        lines.map((one) => [one]),
      );
      expect(sent.replaceAll("\r\n", "")).not.toMatch(/[\r\n\0]/);
      expect(sent).not.toMatch(/ \r\n|^(?:MAIL|RCPT) [^<]*: /m);
    }),
    { numRuns: 500 },
  );
});

test("C-TXN-08 S-DATA-19 nothing is accepted or unknown but what was sent to its end", () => {
  fc.assert(
    fc.property(clear, traffic, (config, lines) => {
      const { sent, outcomes } = play(
        config,
        lines.map((one) => [one]),
      );
      const ends = sent.match(/body\r\n\.\r\n|BDAT \d+ LAST\r\n/g)?.length ?? 0;
      const perhaps = [...outcomes.values()].filter(({ safeToRetry }) => !safeToRetry).length;
      expect(perhaps).toBeLessThanOrEqual(ends);
      // No message without 354, or an accepted recipient for BDAT.
      if (!lines.some((text) => /^354/m.test(text) || /^3/m.test(text)))
        expect(sent).not.toContain("body\r\n.");
    }),
    { numRuns: 1000 },
  );
});

type Call = (session: ClientSession) => void;

const octets = Buffer.from("a.\r\n");
const calls: Record<string, Call> = {
  receive: (session) => session.receive(Buffer.from("250 ok\r\n"), 1),
  "receive hello": (session) =>
    session.receive(Buffer.from("250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n"), 1),
  "receive 354": (session) => session.receive(Buffer.from("354 go\r\n")),
  "receive 334": (session) => session.receive(Buffer.from("334 YQ==\r\n")),
  "receive part": (session) => session.receive(Buffer.from("25")),
  receiveEnd: (session) => session.receiveEnd(),
  lost: (session) => session.lost(3),
  upgraded: (session) => session.upgraded(),
  upgradeFailed: (session) => session.upgradeFailed(),
  advance: (session) => session.advance(4),
  "advance far": (session) => session.advance(1e9),
  poll: (session) => session.poll(),
  "poll full": (session) => session.poll(true),
  transaction: (session) => session.transaction({ from: null, to: ["b@example.com"] }),
  "transaction that cannot be": (session) => session.transaction({ from: "\r\n", to: [] }),
  write: (session) => session.write(octets),
  finish: (session) => session.finish(),
  abandon: (session) => session.abandon(1),
  "abandon another": (session) => session.abandon(2),
  auth: (session) => session.auth("PLAIN", octets),
  respond: (session) => session.respond(octets),
  cancel: (session) => session.respond(null),
  startTls: (session) => session.startTls(),
  reset: (session) => session.reset(),
  noop: (session) => session.noop(),
  quit: (session) => session.quit(),
  close: (session) => session.close(),
};

test("G9 every call may come at any time: it is done, or throws UsageError and changes nothing", () => {
  const names = fc.constantFrom(...Object.keys(calls), "poll", "poll", "receive", "receive");
  fc.assert(
    fc.property(configs, fc.array(names, { maxLength: 40 }), (config, made) => {
      const session = new ClientSession({ name: "client.example.net", allowInsecureAuth: true, ...config });
      const state = () => JSON.stringify(session.snapshot({ secrets: true }));
      for (const name of made) {
        const before = state();
        try {
          (calls[name] as Call)(session);
        } catch (error) {
          expect(error, name).toBeInstanceOf(UsageError);
          expect(state(), name).toBe(before);
        }
        void [session.waiting, session.wantsInput, session.wantsBody, session.deadline, session.phase];
      }
      // Whatever was done, it comes to an end.
      session.close();
      let events = 0;
      while (session.poll() !== null && events++ < 1000);
      expect(session.waiting).toBe("closed");
    }),
    { numRuns: 4000 },
  );
});
