import { afterAll, expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import type { Errand, Ran } from "../runtimes/calls.ts";
import { inEachRuntime } from "../runtimes/suite.ts";
import { type Hostile, hostiles } from "./hostile.ts";
import { Random } from "./random.ts";
import { collecting, expectBack, rest, sessions, shown, within } from "./soak.ts";

const { ca, server, impostor } = await certificates();
const servers = await hostiles(server, impostor);

afterAll(() => {
  for (const each of servers) each.close();
});

inEachRuntime(
  ({ runtime, test }) => {
    test(
      "G1 G6 a client outlives servers of every kind, holds nothing of them, and knows of each message what became of it",
      async (running) => {
        const random = new Random(sessions);
        let number = 0;
        const round = async (count: number) => {
          const chosen = Array.from({ length: count }, (_, at) => servers[at] ?? random.one(servers));
          for (const { got } of servers) got.length = 0;
          const ran = await running.call("errands", {
            errands: chosen.map((each) => errand(each, `${runtime.name} ${++number}`, random)),
            atOnce: 48,
          });
          return { chosen, ran, faults: chosen.flatMap((each, at) => faultsOf(each, ran[at]!)) };
        };

        await running.call("measure");
        await round(servers.length);
        const before = await rest(running);
        const { chosen, ran, faults } = await round(Math.max(sessions, servers.length));
        const after = await rest(running, before);
        expect(faults).toEqual([]);
        expectBack(after, before);
        const good = ran.filter((_, at) => chosen[at]!.good);
        expect(good.map(statusOf)).toEqual(Array(good.length).fill("accepted"));
        const statuses: Record<string, number> = {};
        for (const each of ran) statuses[statusOf(each)] = (statuses[statusOf(each)] ?? 0) + 1;
        // Of each outcome there is one, and of failures several.
        for (const status of [
          "accepted",
          "refused",
          "deferred",
          "unknown",
          "notTried",
          "tls-failed",
          "timeout",
        ])
          expect(Object.keys(statuses)).toContain(status);
        const counted = Object.entries(statuses).map(([status, times]) => `${times} ${status}`);
        console.log(
          `${runtime.name} as client: ${ran.length} sessions, ${counted.join(", ")}; ${shown(before, after)}`,
        );
      },
      within,
    );
  },
  undefined,
  collecting,
);

function errand({ port, tls }: Hostile, id: string, random: Random): Errand {
  const span = 600;
  const options = {
    host: "localhost",
    port,
    tls,
    ...(tls === "never" ? {} : { tlsOptions: { ca: ca.cert } }),
    timers: {
      ...{ greeting: span, other: span, mail: span, rcpt: span, dataInit: span },
      ...{ dataBlock: span, dataDone: span, chunk: span, tls: span, quit: span },
    },
  };
  return { options, id, size: random.below(10) === 0 ? 300_000 : 200 + random.below(5000) };
}

function statusOf(ran: Ran): string {
  return "failure" in ran ? ran.failure : ran.status;
}

/** What does not agree between what the client was left with and what the server has got. */
function faultsOf({ name, got }: Hostile, ran: Ran): string[] {
  const fault = (text: string): string[] => [`${name}: ${statusOf(ran)}: ${text}`];
  // Without a connection there was no message.
  if ("failure" in ran) return ran.failure === "hung" ? fault("it does not end") : [];
  const { sum, status, safeToRetry } = ran;
  const whole = got.filter(({ sha256 }) => sha256 === sum.sha256);
  if (whole.length > 1) return fault("it was sent twice");
  const kept = whole[0]?.verdict === "2";
  if (kept && safeToRetry) return fault("it is said to be safe to send it again");
  switch (status) {
    case "accepted":
      return kept ? [] : fault("the server has not said so");
    case "refused":
    case "deferred":
      return kept ? fault("the server has kept it") : [];
    case "notTried":
      return whole.length > 0 ? fault("the server has got all of it") : [];
    case "unknown":
      return safeToRetry ? fault("it is said to be safe to send it again") : [];
    default:
      return fault("that is no outcome");
  }
}
