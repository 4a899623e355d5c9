import { type ClientConfig, type Reply, reply, type ServerConfig } from "@sansmtp/core";
import { type Answers, later, type OutgoingMessage, replay, type WirePlan, wire } from "@sansmtp/testing";
import { faultPlans, latencies, messages, splits } from "@sansmtp/testing/arbitraries";
import fc from "fast-check";
import { expect, test } from "vitest";
import { agreement, disagreements } from "./model.ts";

/** What the server's application says: to recipients by their place in the session, to messages, and how late. */
interface Temper {
  readonly recipients: readonly (Reply | undefined)[];
  readonly verdicts: readonly (Reply | undefined)[];
  readonly delays: readonly number[];
}

const no = [reply(550, "5.1.1", "No"), reply(450, "4.2.1", "Later"), reply(421, "4.3.2", "Enough")];
const yes = reply(250, "2.0.0", "Yes");

const tempers: fc.Arbitrary<Temper> = fc.record({
  recipients: fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom(...no)),
    size(8),
  ),
  verdicts: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(yes) }, fc.constantFrom(...no)), size(4)),
  delays: fc.array(fc.constantFrom(0, 0, 10, 5000, 400_000), size(4)),
});

const clients: fc.Arbitrary<Partial<ClientConfig>> = fc.record({
  chunking: fc.constantFrom("prefer", "avoid"),
  pipelineData: fc.boolean(),
  tls: fc.constantFrom("never", "offered"),
  limits: fc.record({
    chunk: fc.constantFrom(4, 10, 100, 1000),
    chunks: fc.integer({ min: 1, max: 4 }),
    outstanding: fc.constantFrom(1, 2, 100),
  }),
});

const servers: fc.Arbitrary<Partial<ServerConfig>> = fc.record({
  tls: fc.constantFrom("none", "offered"),
  concurrentRecipients: fc.constantFrom(1, 3),
  extensions: fc.record({ pipelining: fc.boolean(), chunking: fc.boolean() }),
});

const scenes = fc.record({
  lmtp: fc.boolean(),
  client: clients,
  server: servers,
  temper: tempers,
  messages: fc.array(messages(4), { minLength: 1, maxLength: 3 }),
  between: fc.record({
    latency: latencies(),
    split: fc.option(splits(), { nil: undefined }),
    window: fc.constantFrom(1, 100, 100_000),
    faults: faultPlans(1200),
    tlsFails: fc.option(fc.constantFrom("client" as const, "server" as const), { nil: undefined, freq: 8 }),
  }),
});

type Scene = typeof scenes extends fc.Arbitrary<infer Each> ? Each : never;

/** A plan anew each time, since the application counts. */
function plan({ lmtp, client, server, temper, messages }: Scene): WirePlan {
  const protocol = lmtp ? "lmtp" : "smtp";
  const extensions = lmtp ? { ...server.extensions, pipelining: true } : server.extensions;
  return {
    client: {
      config: { name: "client.example.net", ...client, protocol },
      messages: messages.map(named),
    },
    server: {
      config: { name: "mx.example.com", ...server, extensions, protocol },
      answers: application(temper),
    },
  };
}

test("C-SES-06 C-SES-07 C-TXN-03 C-TXN-05 C-TXN-07 M-LMTP-12 what the server accepted is what the client says, whatever goes wrong", () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const wired = wire({ ...plan(scene), ...scene.between });
      const found = disagreements(wired);
      if (Object.values(found).flat().length > 0)
        throw new Error(`${JSON.stringify(found)}\n${wired.transcript()}`);
    }),
    { numRuns: 3000 },
  );
});

test("C-SES-10 without a fault every message has its verdict, and no pieces make a difference", () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const whole = wire(plan(scene));
      const { split, window } = scene.between;
      const pieces = wire({ ...plan(scene), split, window });
      expect(disagreements(whole)).toEqual(agreement);
      expect(pieces.sent).toEqual(whole.sent);
      expect(pieces.accepted).toEqual(whole.accepted);
      // A 421 in the place of the verdict may have nothing to do with the message.
      for (const outcome of whole.sent.flatMap(({ outcomes }) => outcomes ?? [])) {
        if (outcome.status === "unknown") expect(outcome.reply?.code).toBe(421);
      }
    }),
    { numRuns: 400 },
  );
});

test("G7 G13 recordings of both sides, redacted or not, replay exactly", () => {
  fc.assert(
    fc.property(scenes, (scene) => {
      const { recorders } = wire({ ...plan(scene), ...scene.between, record: true });
      for (const recorder of [recorders.client, recorders.server]) {
        for (const secrets of [true, false]) {
          const recording = recorder?.recording({ secrets });
          if (recording !== undefined) expect(replay(recording).diff).toBeNull();
        }
      }
    }),
    { numRuns: 200 },
  );
});

/** Messages are told apart by a line of their own. */
function named(message: OutgoingMessage, index: number): OutgoingMessage {
  return { ...message, content: [`Id: ${index}\r\n`, ...(message.content as string[])] };
}

function application({ recipients, verdicts, delays }: Temper): Answers {
  let asked = 0;
  let judged = 0;
  const delay = (): number => delays[(asked + judged) % delays.length] as number;
  return {
    rcpt: () => later(delay(), recipients[asked++ % recipients.length]),
    message: () => later(delay(), verdicts[judged++ % verdicts.length]),
  };
}

function size(maxLength: number): { minLength: number; maxLength: number } {
  return { minLength: 1, maxLength };
}
