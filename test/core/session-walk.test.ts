import {
  type Offer,
  objection,
  reply,
  rules,
  type ServerConfig,
  type ServerSession,
  type ServerSettings,
  type Situation,
  settle,
  UsageError,
  type Verb,
} from "@sansmtp/core";
import { expect, test, vi } from "vitest";
import { Client, codesOf, type Question } from "../dialogues/client.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/**
 * Walks everything that can be reached, breadth first, over what tells two states apart: phase, transaction,
 * reader, who the client is, and what is asked. From each such state every step of the alphabet is tried once.
 */

const config: Partial<ServerConfig> = {
  extensions: { binarymime: true, smtputf8: true, dsn: true, vrfy: true, expn: true, etrn: true },
  mechanisms: ["SCRAM-SHA-256", "CRAM-MD5"],
  limits: {
    message: 65_536,
    errors: 1e6,
    idleCommands: 1e6,
    authFailures: 1e6,
    refusedRecipients: 1e6,
    transactions: 1e6,
  },
};

const settings: Record<string, Partial<ServerConfig>> = {
  plain: { ...config },
  "STARTTLS offered": { ...config, tls: "offered" },
  "TLS and AUTH required": { ...config, tls: "required", authRequired: true },
  "implicit TLS": { ...config, tls: "implicit" },
  LMTP: { ...config, tls: "offered", protocol: "lmtp" },
  "concurrent recipients": { ...config, concurrentRecipients: 3 },
  "submission by proxy": {
    ...config,
    tls: "offered",
    service: "submission",
    authRequired: false,
    extensions: {
      binarymime: true,
      prdr: true,
      burl: { urls: ["imap"] },
      xclient: { trusted: ["10.0.0.0/8"] },
      xforward: { trusted: ["10.0.0.0/8"] },
    },
  },
  "on-demand": {
    ...config,
    tls: "offered",
    service: "on-demand",
    extensions: { xclient: { trusted: ["10.0.0.0/8"] }, etrn: true },
  },
};

/** Where those come from who are walked: a proxy, where the configuration knows one. */
const peer = "10.0.0.1";

/** What a client may say. Each is enough to move a session on, or to be refused. */
const lines = [
  "EHLO a.example\r\n",
  "HELO a.example\r\n",
  "LHLO a.example\r\n",
  "EHLO\r\n",
  "MAIL FROM:<a@example.net>\r\n",
  "MAIL FROM:<> BODY=BINARYMIME SMTPUTF8\r\n",
  "MAIL FROM:<\r\n",
  "RCPT TO:<b@example.com>\r\n",
  "RCPT TO:<>\r\n",
  "DATA\r\n",
  "BDAT 4\r\nabcd",
  "BDAT 4\r\nab",
  "BDAT 0 LAST\r\n",
  "BDAT 9 LAST\r\na\nb",
  `BDAT 65537\r\n${"x".repeat(65_537)}`,
  "BDAT x\r\n",
  "RSET\r\n",
  "NOOP\r\n",
  "VRFY x\r\n",
  "EXPN x\r\n",
  "HELP\r\n",
  "ETRN x\r\n",
  "STARTTLS\r\n",
  "STARTTLS\r\nNOOP\r\n",
  "AUTH SCRAM-SHA-256 AAAA\r\n",
  "AUTH CRAM-MD5\r\n",
  "AUTH SCRAM-SHA-256\r\n",
  "*\r\n",
  "AAAA\r\n",
  "TURN\r\n",
  "QUIT\r\n",
  "FOO\r\n",
  "NOOP\0\r\n",
  "text\r\n.\r\n",
  ".\r\n",
  "a\nb\r\n",
  "ab",
  "\r",
];

/** What else is said where there is a proxy in front, or roles that turn. */
const foreign = [
  "MAIL FROM:<a@example.net> PRDR\r\n",
  "BURL imap://a.example/x\r\n",
  "BURL imap://a.example/x LAST\r\n",
  "BURL http://a.example/x\r\n",
  "ATRN\r\n",
  "ATRN a.example\r\nNOOP\r\n",
  "ATRN @\r\n",
  "XCLIENT NAME=a.example\r\n",
  "XCLIENT ADDR=192.0.2.9\r\n",
  "XCLIENT LOGIN=a\r\n",
  "XCLIENT ADDR=x\r\n",
  "XFORWARD NAME=a.example\r\n",
  "XFORWARD NAME=(\r\n",
];

const answers = [
  undefined,
  reply(250, "2.0.0", "OK"),
  reply(550, "5.7.1", "No"),
  reply(451, "4.3.0", "Later"),
  reply(421, "4.3.2", "Gone"),
  reply(220, "2.0.0", "Go"),
  reply(235, "2.7.0", "You are you"),
  reply(334, "AAAA"),
  reply(354, "Go on"),
];

/** One thing that can happen. */
type Step = { readonly name: string; readonly take: (client: Client) => void };

const saying = (octets: string): Step => ({
  name: JSON.stringify(octets.slice(0, 40)),
  take: (client) => void client.say(octets),
});

const steps: readonly Step[] = [
  ...lines.map(saying),
  ...answers.map(
    (answer): Step => ({
      name: `answer ${answer?.code}`,
      take: (client) => {
        if (client.open.length === 0) return;
        client.answer(client.open[0], answer);
        client.open.shift();
      },
    }),
  ),
  {
    name: "answer the last",
    take: (client) => {
      if (client.open.length > 0) client.answer(client.open.pop(), undefined);
    },
  },
  {
    name: "a verdict for one",
    take: (client) => {
      const [question] = client.open;
      if (question === undefined) return;
      client.session.answerRecipient(question.id, 0, reply(250, "2.0.0", "OK"), client.now);
      if (question.type === "message" && question.envelope.recipients.length === 1) {
        client.watch.answered(question.id);
        client.open.shift();
      }
      client.drain();
    },
  },
  { name: "TLS up", take: (client) => void client.tlsUp() },
  { name: "TLS up, too weak", take: (client) => void client.tlsUp({ sufficient: false }) },
  {
    name: "TLS failed",
    take: (client) => {
      client.session.upgradeFailed();
      client.watch.upgraded();
      client.drain();
    },
  },
  {
    name: "the deadline",
    take: (client) => {
      if (client.session.deadline !== null) client.wait(client.session.deadline - client.now);
    },
  },
  {
    name: "end",
    take: (client) => {
      client.session.receiveEnd(client.now);
      client.watch.upgraded();
      client.drain();
    },
  },
  {
    name: "lost",
    take: (client) => {
      client.session.lost(client.now);
      client.watch.upgraded();
      client.drain();
    },
  },
  {
    name: "shutdown idle",
    take: (client) => {
      client.session.shutdown("idle", client.now);
      client.drain();
    },
  },
  {
    name: "shutdown now",
    take: (client) => {
      client.session.shutdown("now", client.now);
      client.watch.upgraded();
      client.drain();
    },
  },
];

for (const [name, given] of Object.entries(settings)) {
  test(`G1 G5 G9 G10 S-SES-09 everything that can be reached keeps the session's word: ${name}`, () => {
    const seen = walk(given);
    const all = [...seen.values()];
    const one = (pick: (client: Client) => string) => new Set(all.map(pick));
    const transactions = ["chunks", "data", "failed", "none", "recipients", "sender", "verdict"];
    expect([...one(({ session }) => session.transaction)].sort()).toEqual(transactions);
    expect([...one(({ session }) => session.reader)].sort()).toEqual([
      "dots",
      "drain",
      "line",
      "octets",
      "sasl",
    ]);
    for (const phase of ["greeting", "unidentified", "ready", "refused", "closed"])
      expect(one(({ session }) => session.phase)).toContain(phase);
    if (given.tls !== undefined)
      for (const phase of ["upgrading", "insecure"])
        expect(one(({ session }) => session.phase)).toContain(phase);
    for (const waiting of ["input", "answer", "closed"])
      expect(one(({ session }) => session.waiting)).toContain(waiting);
    if (given.extensions?.xclient)
      expect(one(({ session }) => String(session.client.address))).toEqual(new Set([peer, "192.0.2.9"]));
    if (given.extensions?.burl) expect(one(({ open }) => String(open[0]?.type))).toContain("burl");
    const turned = all.filter((client) => client.of("turn").length > 0).length;
    expect(turned > 0).toBe(given.service === "on-demand");
    expect(all.length).toBeGreaterThan(50);
  });
}

test("S-SEQ-01 in every reachable state the exported table says what is legal, and nothing else does", () => {
  for (const given of Object.values(settings)) {
    const full = settle({ name: "mx.example.com", ...given });
    for (const client of walk(given).values()) {
      const { session } = client;
      if (session.waiting !== "input" || session.reader !== "line") continue;
      if (session.phase !== "unidentified" && session.phase !== "ready") continue;
      if (client.halfLine) continue;
      for (const verb of Object.keys(rules) as Verb[]) {
        const against = objection(rules[verb], situationOf(session, full));
        const after = client.clone();
        after.decide = decideWell;
        const code = codesOf(after.say(legal[verb]));
        const known = !verb.startsWith("X") || full.extensions[verb === "XCLIENT" ? "xclient" : "xforward"];
        const place = `${verb} in ${keyOf(client)}`;
        if (verb === (full.lmtp ? "EHLO" : "LHLO") || (verb === "HELO" && full.lmtp))
          expect([place, code]).toEqual([place, "500"]);
        else if (!known) expect([place, code]).toEqual([place, "500"]);
        else if (verb === "ATRN" && against === null) expect([place, code]).toEqual([place, "450"]);
        else if (verb === "BURL" && against === null) expect([place, code]).toEqual([place, "451"]);
        else if (verb === "AUTH" && against === null) expect([place, code]).toEqual([place, "235"]);
        else
          expect([place, objectionOf(code)]).toEqual([
            place,
            against?.replace(/^(tls|auth)-required$/, "530") ?? null,
          ]);
      }
    }
  }
});

/** A right line for each verb, so that only its place can be wrong. */
const legal: Record<Verb, string> = {
  EHLO: "EHLO a.example\r\n",
  HELO: "HELO a.example\r\n",
  LHLO: "LHLO a.example\r\n",
  MAIL: "MAIL FROM:<a@example.net>\r\n",
  RCPT: "RCPT TO:<b@example.com>\r\n",
  DATA: "DATA\r\n",
  BDAT: "BDAT 0\r\n",
  RSET: "RSET\r\n",
  NOOP: "NOOP\r\n",
  QUIT: "QUIT\r\n",
  VRFY: "VRFY x\r\n",
  EXPN: "EXPN x\r\n",
  HELP: "HELP\r\n",
  BURL: "BURL imap://imap.example.com/x\r\n",
  ETRN: "ETRN x\r\n",
  ATRN: "ATRN\r\n",
  XCLIENT: "XCLIENT NAME=a.example\r\n",
  XFORWARD: "XFORWARD NAME=a.example\r\n",
  STARTTLS: "STARTTLS\r\n",
  AUTH: "AUTH SCRAM-SHA-256 AAAA\r\n",
  SEND: "SEND FROM:<a@example.net>\r\n",
  SOML: "SOML FROM:<a@example.net>\r\n",
  SAML: "SAML FROM:<a@example.net>\r\n",
  TURN: "TURN\r\n",
};

function decideWell(question: Question) {
  return question.type === "auth" ? reply(235, "2.7.0", "OK") : undefined;
}

function objectionOf(code: string): string | null {
  if (code === "502") return "not-offered";
  if (code === "503" || code === "554") return "sequence";
  if (code === "530") return "530";
  if (code === "550") return "not-trusted";
  return null;
}

function situationOf(session: ServerSession, full: ServerSettings): Situation {
  return {
    phase: session.phase,
    transaction: session.transaction,
    extended: session.client.hello !== null && session.client.hello.verb !== "HELO",
    tlsActive: session.client.tls !== null,
    tlsRequired: full.tls === "required",
    authenticated: session.client.authenticated !== null,
    authRequired: full.authRequired,
    offers: (offer: Offer) => {
      if (offer === "always") return true;
      if (offer === "never") return false;
      if (offer === "starttls") return full.tls !== "none";
      if (offer === "auth") return full.mechanisms.length > 0;
      return full.extensions[offer] !== false;
    },
    trusts: (offer: Offer) =>
      (offer !== "xclient" && offer !== "xforward") || session.client.address?.startsWith("10.") === true,
  };
}

/** A client that knows whether it has said half a line, and that has told where it comes from. */
class Walker extends Client {
  halfLine = false;
  protected override begin(): void {
    this.session.connected(peer);
    super.begin();
  }
  override say(octets: string): string {
    this.halfLine = !octets.endsWith("\n");
    return super.say(octets);
  }
}

/** Every state that can be reached, by its key. */
function walk(given: Partial<ServerConfig>): Map<string, Walker> {
  const first = new Walker(given, () => "later");
  const seen = new Map<string, Walker>([[keyOf(first), first]]);
  const edge: Walker[] = [first];
  const all = given.extensions?.xclient ? [...steps, ...foreign.map(saying)] : steps;
  for (let from = edge.shift(); from !== undefined; from = edge.shift()) {
    for (const step of all) {
      const client = from.clone();
      try {
        step.take(client);
      } catch (error) {
        if (!(error instanceof UsageError))
          throw new Error(`${step.name} in ${keyOf(from)}: ${(error as Error).message}`, { cause: error });
        expect([step.name, keyOf(client)]).toEqual([step.name, keyOf(from)]);
        continue;
      }
      const key = keyOf(client);
      if (seen.has(key)) continue;
      expectGoodReason(client, `${step.name} in ${keyOf(from)}`);
      seen.set(key, client);
      edge.push(client);
      if (seen.size > 20_000) throw new Error(`too much can be reached: ${key}`);
    }
  }
  return seen;
}

/** The server closes after its last word, or when there is nobody to hear it. */
function expectGoodReason(client: Client, what: string): void {
  if (client.session.phase !== "closed") return;
  const last = client.sent.slice(-600).split("\r\n").at(-2)?.slice(0, 4) ?? "";
  if (client.of("turn").length > 0) return expect([what, last]).toEqual([what, "250 "]);
  const words: Record<string, readonly string[]> = {
    quit: ["221 "],
    timeout: ["421 "],
    shutdown: ["421 "],
    refused: ["421 ", "521 "],
    protocol: ["421 ", "554 "],
    abuse: ["421 "],
  };
  // A handshake that takes too long is cut short without a word.
  if (client.closed === "timeout" && !client.sent.includes("421 ")) return;
  const expected = words[client.closed ?? ""];
  if (expected !== undefined)
    expect([what, client.closed, expected.includes(last), last]).toEqual([what, client.closed, true, last]);
  else expect(["end", "lost", "tls", "proxy", "shutdown"]).toContain(client.closed);
}

function keyOf(client: Client): string {
  const { session, open } = client;
  const { hello, tls, authenticated } = session.client;
  return [
    session.phase,
    session.transaction,
    session.reader,
    session.waiting,
    hello?.verb ?? "nobody",
    tls === null ? "clear" : tls.sufficient ? "tls" : "weak",
    session.deadlineReason,
    authenticated === null ? "" : "authenticated",
    session.client.address,
    session.envelope.forwarded === null ? "" : "forwarded",
    session.envelope.parameters.prdr ? "prdr" : "",
    client.of("turn").length > 0 ? "turned" : "",
    open.map(({ type }) => type).join("+"),
  ].join(" ");
}
