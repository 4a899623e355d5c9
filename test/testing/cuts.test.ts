import { type ClientConfig, type Outcome, type Reply, reply, type ServerConfig } from "@sansmtp/core";
import { type Answers, later, type Side, type Wired, type WirePlan, wire } from "@sansmtp/testing";
import { describe, expect, test } from "vitest";
import { agreement, disagreements } from "./model.ts";

/*
 * The model: wherever the connection is cut, what the client says about each recipient agrees with what the server's
 * application accepted. `unknown` is said where, and only where, the last octet of the message was sent and the
 * recipient's verdict was not read.
 */

interface Way {
  readonly client?: Partial<ClientConfig>;
  readonly server?: Partial<ServerConfig>;
}

const ways: Record<string, Way> = {
  "one by one": { server: { extensions: { pipelining: false, chunking: false } } },
  "pipelined DATA": { client: { chunking: "avoid" } },
  "BDAT in chunks": { client: { chunking: "require", limits: { chunk: 100, chunks: 2 } } },
  "BDAT in chunks, one by one": {
    client: { chunking: "require", limits: { chunk: 100 } },
    server: { extensions: { pipelining: false } },
  },
  LMTP: { client: { protocol: "lmtp", chunking: "avoid" }, server: { protocol: "lmtp" } },
  "LMTP, BDAT in chunks": {
    client: { protocol: "lmtp", chunking: "require", limits: { chunk: 100 } },
    server: { protocol: "lmtp" },
  },
};

const noMailbox = reply(550, "5.1.1", ["No such mailbox, and there was none before,", "whatever was told"]);
const delivered = reply(250, "2.0.0", [
  "Accepted, and this is said at such length that",
  "it can be cut often",
]);
const full = reply(452, "4.2.2", "This mailbox is full");

/** Which recipients' verdicts are said, in order. Without LMTP there is one for both. */
const servers: Record<string, { readonly refused: boolean; readonly verdicts: readonly [Reply, Reply?] }> = {
  "both accepted": { refused: false, verdicts: [delivered, delivered] },
  "one refused": { refused: true, verdicts: [delivered] },
  "one deferred at the end": { refused: false, verdicts: [full, delivered] },
};

/** The connection as it is when nothing goes wrong: at its best, and slow, small and narrow. */
const manners: Record<string, Partial<WirePlan> & { readonly pause: number }> = {
  "all at once": { pause: 0 },
  "in small pieces, with pauses": { pause: 50, split: [7, 1, 3], latency: 5, window: 1 },
};

let cuts = 0;

for (const [manner, { pause, ...how }] of Object.entries(manners)) {
  describe(`C-SES-07 S-SES-13 C-TXN-07 cut at every octet, ${manner}`, () => {
    for (const [name, way] of Object.entries(ways)) {
      const lmtp = name.startsWith("LMTP");
      for (const [kind, { refused, verdicts }] of Object.entries(servers)) {
        const said = lmtp ? verdicts : [delivered];
        if (!lmtp && kind === "one deferred at the end") continue;
        const ids = lmtp ? "M-LMTP-11 M-LMTP-20 " : "";
        test(`${ids}${name}, ${kind}`, () => {
          const answers: Answers = {
            rcpt: ({ to }) => (refused && to.local === "b" ? noMailbox : undefined),
            message: () => later(pause, lmtp ? said : delivered),
          };
          cutEverywhere({ ...how, ...plan(way, answers) }, { refused, lmtp, verdicts: said as Reply[] });
        });
      }
    }
  });
}

test("about a thousand cuts in each dialogue", () => {
  expect(cuts / 28).toBeGreaterThan(1000);
});

const line = "A line of the message, which goes on for some more octets than this.\r\n";
const content = `Id: one\r\nSubject: cut\r\n\r\n.dots\r\n..\r\n${line.repeat(6)}`;

function plan({ client, server }: Way, answers: Answers): WirePlan {
  const pieces = [content.slice(0, 30), content.slice(30, 190), content.slice(190)];
  return {
    client: {
      config: { name: "client.example.net", tls: "never", ...client },
      messages: [{ from: "s@example.net", to: ["a@example.com", "b@example.com"], content: pieces }],
    },
    server: { config: { name: "mx.example.com", banner: "ESMTP ".repeat(20), ...server }, answers },
  };
}

interface Said {
  readonly refused: boolean;
  readonly lmtp: boolean;
  readonly verdicts: readonly Reply[];
}

function cutEverywhere(of: WirePlan, said: Said): void {
  const { octets, end, ends } = reference(of, said);
  for (const from of ["client", "server"] as const) {
    for (let after = 0; after <= octets[from]; after++) {
      cuts++;
      const cut = wire({ ...of, faults: [{ fault: "cut", from, after }] });
      const expected = cut.octets.client.sent < end ? null : outcomes(said, ends, cut.octets.server.read);
      const faults = [...differences(cut, expected), ...Object.values(disagreements(cut)).flat()];
      if (faults.length > 0) {
        throw new Error(
          `cut behind octet ${after} of the ${from}: ${faults.join("; ")}\n${cut.transcript()}`,
        );
      }
    }
  }
}

/** @param expected null: the end of the message was not sent */
function differences({ sent }: Wired, expected: readonly Outcome["status"][] | null): string[] {
  const { outcomes = null, safeToRetry } = sent[0] ?? {};
  const statuses = (outcomes ?? []).map(({ status }) => status);
  if (expected !== null && statuses.join() !== expected.join()) return [`${statuses}, expected ${expected}`];
  const mayBe = statuses.some((status) => status === "unknown" || status === "accepted");
  if (expected === null && mayBe) return [`${statuses}, though the end of the message was not sent`];
  return safeToRetry === !mayBe ? [] : [`safeToRetry is ${safeToRetry} for ${statuses}`];
}

/** What is to be said when the end of the message was sent and so many octets of the server were read. */
function outcomes(
  { refused, lmtp, verdicts }: Said,
  ends: readonly number[],
  read: number,
): Outcome["status"][] {
  return [0, 1].map((recipient) => {
    if (refused && recipient === 1) return "refused";
    const which = lmtp ? recipient : 0;
    if (read < (ends[which] as number)) return "unknown";
    return (verdicts[which] as Reply).code === 250 ? "accepted" : "deferred";
  });
}

/** What is known of a dialogue without a fault: how much each side says, and where message and verdicts end. */
function reference(
  of: WirePlan,
  { verdicts }: Said,
): { octets: Record<Side, number>; end: number; ends: number[] } {
  const whole = wire(of);
  expect(disagreements(whole)).toEqual(agreement);
  expect(whole.accepted).toHaveLength(1);
  expect(whole.failure).toBeNull();
  const { client, server } = whole.octets;
  let at = server.sent - "221 2.0.0 mx.example.com closing\r\n".length;
  const ends = [...verdicts].reverse().map((verdict) => {
    const end = at;
    at -= verdict.lines.reduce((sum, text) => sum + `250 2.0.0 ${text}\r\n`.length, 0);
    return end;
  });
  return {
    octets: { client: client.sent, server: server.sent },
    end: client.sent - "QUIT\r\n".length,
    ends: ends.reverse(),
  };
}
