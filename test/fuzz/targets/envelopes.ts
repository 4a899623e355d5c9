import {
  ClientSession,
  decodeLossy,
  noMailParameters,
  type OutgoingEnvelope,
  parseAddress,
  type ServerEvent,
  ServerSession,
  UsageError,
} from "@sansmtp/core";
import { hold, same } from "../finding.ts";
import { Choices, joined, latin1, octets } from "../input.ts";
import type { Target } from "../target.ts";
import { holdCommands } from "./wire-lines.ts";

const words = [
  "\r\n",
  "\0",
  "a@example.com",
  '"a b"@example.com',
  "\u00c3\u00bc@\u00c3\u00bc.example",
  ">",
  "<",
  " SIZE=1",
  "b@[192.0.2.1]",
  "2026-12-31T00:00:00Z",
  "org.example:ADV",
  "x@y.example",
  "+2B",
  "=",
].map(octets);

const name = "client.example.net";

/**
 * Envelopes of any text, said by our client to our server, which offers everything: what cannot be said is a
 * UsageError, and what is said is understood as it was meant.
 */
export const envelopes: Target = {
  name: "envelopes",
  seeds: () => [
    Uint8Array.from([0, 0, 13, ...octets("a@example.com"), 1, 13, ...octets("b@example.com")]),
    Uint8Array.from([
      255,
      255,
      5,
      ...octets("a@b.c"),
      2,
      5,
      ...octets("d@e.f"),
      5,
      ...octets("g@h.i"),
      3,
      ...octets("x y"),
    ]),
    Uint8Array.from([3, 8, 0, 1, 16, ...octets('"a\\"b"@[IPv6:::]')]),
  ],
  words,
  longest: 300,
  grown: 2000,
  check: (input) => say(envelopeOf(new Choices(input)), true),
  plain: (input) => say(envelopeOf(new Choices(input)), false),
};

/** Each option is there by a bit of the first two octets; texts are as long as an octet says. */
function envelopeOf(choices: Choices): OutgoingEnvelope {
  const [one, two] = [choices.octet(), choices.octet()];
  const text = (): string => decodeLossy(choices.take(choices.octet()));
  const from = (one & 1) === 0 ? text() : null;
  const count = choices.octet() & 31;
  const to = Array.from({ length: count }, (_, at) => {
    if ((one & 2) === 0 || at % 2 === 1) return text();
    return {
      to: text(),
      ...((two & 1) !== 0 && { orcpt: { type: "rfc822", address: text() } }),
      ...((two & 2) !== 0 && { notify: choices.pick([["NEVER"], ["SUCCESS", "DELAY"]] as const) }),
      ...((two & 4) !== 0 && { rrvs: { since: text(), action: "continue" as const } }),
      ...((two & 8) !== 0 && { orcpt: { type: text(), address: text(), raw: text() } }),
    };
  });
  return {
    from,
    to,
    ...((one & 4) !== 0 && { smtputf8: true }),
    ...((one & 8) !== 0 && { envid: text() }),
    ...((one & 16) !== 0 && { auth: text() }),
    ...((one & 32) !== 0 && { solicit: text().split(",") }),
    ...((one & 64) !== 0 && { by: { seconds: choices.octet() - 20, mode: "notify" as const, trace: true } }),
    ...((one & 128) !== 0 && { priority: choices.below(19) - 9 }),
    ...((two & 16) !== 0 && { holdFor: choices.octet() }),
    ...((two & 32) !== 0 && { holdUntil: text() }),
    ...((two & 64) !== 0 && { envid: { raw: text() } }),
    ...((two & 128) !== 0 && { forwarded: { name: text(), addr: "192.0.2.1", helo: text() } }),
  };
}

function say(envelope: OutgoingEnvelope, watched: boolean): void {
  const client = new ClientSession({ name, tls: "never" });
  try {
    client.transaction(envelope);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    hold(client.snapshot().redacted === false, "G9 a refused envelope has changed something");
    return;
  }
  const server = new ServerSession({
    name: "mx.example.com",
    service: "submission",
    authRequired: false,
    mechanisms: ["PLAIN", "CRAM-MD5"],
    trustAuthParameter: true,
    // As many recipients as there can be may have domains that are not complete.
    limits: { errors: 100 },
    extensions: {
      smtputf8: true,
      binarymime: true,
      dsn: true,
      deliverby: true,
      mtPriority: true,
      rrvs: true,
      noSoliciting: true,
      futurerelease: { maximumInterval: 86_400, maximumTime: "2027-12-31T00:00:00Z" },
      xforward: { trusted: ["192.0.2.0/24"] },
    },
  });
  server.connected("192.0.2.7");
  const sent: Uint8Array[] = [];
  const events: ServerEvent[] = [];
  const outcomes = converse(client, server, sent, events);
  if (!watched) return;
  const said = joined(sent);
  holdCommands(said);
  const lines = latin1(said).split("\r\n").slice(0, -1);
  for (const line of lines) {
    hold(
      /^(EHLO|MAIL FROM:|RCPT TO:|XFORWARD |RSET|QUIT|BDAT 0 LAST|DATA|HELO)/.test(line),
      "G12 a line that is no command",
      () => line,
    );
  }
  for (const event of events) {
    if (event.type !== "violation" || mayBe.has(event.rule)) continue;
    const { rule, detail } = event;
    hold(
      false,
      `${rule}: what the client says is no command for the server`,
      () => `${detail} ${lines.join("|")}`,
    );
  }
  const message = events.find((event) => event.type === "message");
  const tried = outcomes.filter(({ status }) => status === "accepted").length;
  hold((message === undefined) === (tried === 0), "a message that nobody has taken", () => lines.join("|"));
  if (message?.type !== "message") return;
  const { from, recipients, parameters } = message.envelope;
  hold(recipients.length === tried, "another number of recipients", () => lines.join("|"));
  hold((from === null) === (envelope.from === null), "another sender");
  if (typeof envelope.from === "string" && from !== null) {
    const given = parseAddress(envelope.from, { utf8: true });
    same(from.local, given?.local ?? "", "another sender");
    same(JSON.stringify(from.domain), JSON.stringify(given?.domain), "another domain of the sender");
  }
  const meant = envelope.to.filter((_, at) => outcomes[at]?.status === "accepted");
  for (const [at, one] of meant.entries()) {
    const given = parseAddress(String(typeof one === "string" ? one : "to" in one ? one.to : ""), {
      utf8: true,
    });
    same(recipients[at]?.to.local ?? "", given?.local ?? "", "another recipient");
  }
  if (typeof envelope.envid === "string") {
    const back = parameters.envid?.replace(/\+([0-9A-F]{2})/g, (_, hex) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
    same(String(back), envelope.envid, "another ENVID");
  }
  hold(noMailParameters.envid === null, "what is shared was changed");
}

/** Both sides until nothing is said any more; the content of the message is empty. */
function converse(
  client: ClientSession,
  server: ServerSession,
  sent: Uint8Array[],
  events: ServerEvent[],
): readonly { readonly status: string }[] {
  let outcomes: readonly { readonly status: string }[] = [];
  client.quit();
  for (let turn = 0; turn < 400 && client.waiting !== "closed"; turn++) {
    let quiet = true;
    for (let event = server.poll(); event !== null; event = server.poll()) {
      quiet = false;
      if (event.type === "send") client.receive(event.data);
      else events.push(event);
      if ("id" in event)
        server.answer(
          event.id,
          event.type === "message" ? { code: 250, enhanced: "2.0.0", lines: ["OK"] } : undefined,
        );
    }
    for (let event = client.poll(); event !== null; event = client.poll()) {
      quiet = false;
      if (event.type === "send") {
        sent.push(event.data);
        server.receive(event.data);
      } else if (event.type === "body") client.finish();
      else if (event.type === "done") outcomes = event.outcomes;
    }
    if (quiet) break;
  }
  hold(client.waiting === "closed", "client and server do not come to an end", () => latin1(joined(sent)));
  return outcomes;
}

/**
 * What a server may refuse that can be said: domains that are not full (RFC 6409 §6.2), tags of literals that nobody has
 * registered, mail held back for longer than it has to be delivered, and RCPT behind a MAIL that was refused.
 */
const mayBe: ReadonlySet<string> = new Set(["X-SUB-02", "X-FUT-03", "S-ADDR-10", "S-SEQ-01"]);
