import { type ServerConfig, type ServerEvent, ServerSession } from "@sansmtp/core";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Client, type Decision, type Question } from "../dialogues/client.ts";
import { heldBy } from "../dialogues/held.ts";
import { latin1 } from "../dialogues/items.ts";
import { configs, decideByQuestion, piecesOf, traffic } from "./traffic.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const cuts = fc.array(fc.nat({ max: 100_000 }), { maxLength: 12 });

test("G2 S-LINE-02 S-DOT-05 the same octets in any pieces give the same octets and the same events", () => {
  fc.assert(
    fc.property(configs, traffic, cuts, (config, octets, places) => {
      const whole = run(config, [octets]);
      expect(run(config, piecesOf(octets, places))).toEqual(whole);
      expect(run(config, [...octets])).toEqual(whole);
    }),
    { numRuns: 600 },
  );
});

test("G2 pieces that wait unread, and pieces of no octets, make no difference", () => {
  fc.assert(
    fc.property(configs, traffic, cuts, (config, octets, places) => {
      const whole = run(config, [octets]);
      expect(
        run(
          config,
          piecesOf(octets, places).flatMap((piece) => ["", piece, ""]),
        ),
      ).toEqual(whole);
      expect(run(config, piecesOf(octets, places), false)).toEqual(whole);
    }),
    { numRuns: 300 },
  );
});

test("G2 X-PIPE-07 X-PIPE-13 S-LINE-16 it makes no difference when the application answers, nor in which order", () => {
  fc.assert(
    fc.property(
      configs,
      traffic,
      cuts,
      fc.infiniteStream(fc.nat({ max: 3 })),
      (config, octets, places, delays) => {
        const whole = run(config, [octets]);
        const client = new Client(config, decideByQuestion);
        client.decide = () => "later";
        for (const piece of piecesOf(octets, places)) {
          client.say(piece);
          if (delays.next().value === 0) settleOpen(client, () => delays.next().value);
        }
        settleOpen(client, () => delays.next().value);
        expect(seen(client)).toEqual(whole);
      },
    ),
    { numRuns: 400 },
  );
});

test("G1 G6 S-BDAT-14 no octets make the session throw, hold more than it may, or stand still", () => {
  const octet = fc.nat({ max: 255 }).map((value) => String.fromCharCode(value));
  const noise = fc.string({
    unit: fc.oneof(octet, fc.constantFrom("\r\n", "\r\n.\r\n", "BDAT 5\r\n", "DATA\r\n")),
    maxLength: 3000,
  });
  fc.assert(
    fc.property(
      configs,
      fc.oneof(
        noise,
        traffic.chain((begin) => noise.map((end) => begin + end)),
      ),
      cuts,
      (config, octets, places) => {
        const client = new Client(config, decideByQuestion);
        for (const piece of piecesOf(octets, places)) {
          client.say(piece);
          expect(["input", "closed"]).toContain(client.session.waiting);
          expect(heldBy(client.session)).toBeLessThan(40_000);
        }
        client.session.receiveEnd();
        client.drain();
        expect(client.session.waiting).toBe("closed");
      },
    ),
    { numRuns: 500 },
  );
});

test("G3 the getters tell of the event in hand, not of what was read behind it", () => {
  fc.assert(
    fc.property(configs, traffic, (config, octets) => {
      expect(scenes(config, [octets])).toEqual(scenes(config, [...octets]));
    }),
    { numRuns: 300 },
  );
});

test("G7 the output depends on configuration and calls alone", () => {
  fc.assert(
    fc.property(configs, traffic, cuts, (config, octets, places) => {
      const once = exact(config, piecesOf(octets, places));
      expect(exact(config, piecesOf(octets, places))).toEqual(once);
    }),
    { numRuns: 200 },
  );
});

test("G8 what was handed in is never written to, and what was handed out is never used again", () => {
  fc.assert(
    fc.property(configs, traffic, (config, octets) => {
      const input = Buffer.from(octets, "latin1");
      const client = new Client(config, decideByQuestion);
      client.session.receive(input);
      const sent: [Uint8Array, string][] = [];
      for (let event = client.session.poll(); event !== null; event = client.session.poll()) {
        if (event.type === "send") sent.push([event.data, latin1(event.data)]);
        if ("id" in event)
          client.session.answer(event.id, decideByQuestion(event) as Exclude<Decision, "later">);
        if (event.type === "send") event.data.fill(0x21);
      }
      expect(input.toString("latin1")).toBe(octets);
      for (const [data, was] of sent) expect(latin1(data)).toBe("!".repeat(was.length));
    }),
    { numRuns: 200 },
  );
});

function run(config: Partial<ServerConfig>, pieces: readonly string[], drain = true): unknown {
  const client = new Client(config, decideByQuestion);
  for (const piece of pieces) {
    if (client.session.waiting === "closed") break;
    if (drain) client.say(piece);
    else {
      if (!client.session.wantsInput) client.drain();
      client.session.receive(Buffer.from(piece, "latin1"), client.now);
    }
  }
  client.drain();
  return seen(client);
}

/** Octets joined, adjacent bodies merged, ids left out; nothing else is lost. */
function seen({ sent, events, session }: Client): unknown {
  const list: unknown[] = [];
  let body = "";
  const flush = () => {
    if (body !== "") list.push({ body });
    body = "";
  };
  for (const event of events) {
    if (event.type === "body") body += latin1(event.data);
    else if (event.type !== "violation" || event.rule !== "X-PIPE-15") {
      flush();
      list.push(event);
    }
  }
  flush();
  const { phase, transaction, reader, waiting } = session;
  return { sent, list, phase, transaction, reader, waiting };
}

/** What the getters say at each event, the same twice in a row once. */
function scenes(config: Partial<ServerConfig>, pieces: readonly string[]): readonly string[] {
  const session = new ServerSession({ name: "mx.example.com", ...config });
  const list: string[] = [];
  for (const piece of ["", ...pieces]) {
    if (session.phase === "closed") break;
    session.receive(Buffer.from(piece, "latin1"));
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if ("id" in event) session.answer(event.id, decideByQuestion(event) as Exclude<Decision, "later">);
      if (event.type === "send" || (event.type === "violation" && event.rule === "X-PIPE-15")) continue;
      const { phase, transaction, reader, client, protocol } = session;
      const scene = JSON.stringify([event.type, phase, transaction, reader, client, protocol]);
      if (event.type !== "body" || list.at(-1) !== scene) list.push(scene);
    }
  }
  return list;
}

function exact(config: Partial<ServerConfig>, pieces: readonly string[]): readonly ServerEvent[] {
  const session = new ServerSession({ name: "mx.example.com", ...config });
  const events: ServerEvent[] = [];
  for (const piece of ["", ...pieces]) {
    session.receive(Buffer.from(piece, "latin1"));
    for (let event = session.poll(); event !== null; event = session.poll()) {
      events.push(event);
      if ("id" in event) session.answer(event.id, decideByQuestion(event) as Exclude<Decision, "later">);
    }
  }
  return events;
}

/** Answers what is open, in any order, and what is asked then, until nothing is. */
function settleOpen(client: Client, dice: () => number): void {
  while (client.open.length > 0) {
    const [question] = client.open.splice(dice() % client.open.length, 1) as [Question];
    client.answer(question, decideByQuestion(question) as Exclude<Decision, "later">);
  }
}
