import { type Reply, reply, type ServerConfig, type ServerSettings, settle } from "@sansmtp/core";
import { Choices, octets } from "../input.ts";
import { serverWords } from "./server-words.ts";

/** An answer that an application gives: by the class of its reply, or later. */
export type Decision =
  | "take"
  | "refuse"
  | "defer"
  | "close"
  | "default"
  | "wrong"
  | "later"
  | "each"
  | "challenge"
  | "521"
  | Reply;

/** What happens to a server session, one thing after the other. */
export type Step =
  | { readonly step: "octets"; readonly octets: Uint8Array }
  /** What came so far is given to the session as one chunk; it is polled until null, or not at all. */
  | { readonly step: "arrive"; readonly polled: boolean }
  | { readonly step: "decide"; readonly decision: Decision }
  | { readonly step: "answer"; readonly which: "first" | "last" | "none"; readonly decision: Decision }
  | { readonly step: "recipient"; readonly index: number; readonly decision: Decision }
  | { readonly step: "advance"; readonly by: number | "deadline" }
  | { readonly step: "connected"; readonly address: string }
  | { readonly step: "upgraded"; readonly sufficient: boolean }
  | { readonly step: "shutdown"; readonly when: "idle" | "now" }
  | { readonly step: "poll" | "receiveEnd" | "lost" | "upgradeFailed" | "snapshot" };

export interface Script {
  readonly settings: ServerSettings;
  /** A number by which octets are cut. */
  readonly seed: number;
  readonly steps: readonly Step[];
}

/** Octets of an input that stand for the configuration and the cuts. */
export const scriptHead = 4;

/** The first octet of a step that is no word. */
export const otherSteps = 192;

const decisions: readonly Decision[] = [
  "take",
  "refuse",
  "defer",
  "close",
  "default",
  "wrong",
  "later",
  "each",
  "challenge",
  "521",
];

/** Steps with what belongs to them, to be put into inputs whole: few octets in a row are found by chance. */
export const wholeSteps: readonly Uint8Array[] = [
  ...Array.from({ length: 30 }, (_, step) =>
    [0, 1].map((choice) => Uint8Array.of(otherSteps + step, choice)),
  ).flat(),
  ...decisions.map((_, choice) => Uint8Array.of(otherSteps + 9, choice)),
];

/** @param narrow nothing that depends on when octets arrive (see "What a session guarantees" of core) */
export function scriptOf(input: Uint8Array, narrow: boolean): Script {
  const choices = new Choices(input);
  const settings = settingsOf(choices.octet(), choices.octet(), choices.octet(), narrow);
  const seed = choices.octet();
  const steps: Step[] = [];
  while (!choices.done) steps.push(stepOf(choices));
  return { settings, seed, steps };
}

/** Replies as applications in a hurry give them: whatever is in them, it must not become another line. */
const oddReplies: readonly Reply[] = [
  { code: 250, enhanced: "2.0.0", lines: ["ok\r\n250 and more"] },
  { code: 250, enhanced: null, lines: ["\u00fc".repeat(400)] },
  { code: 250, enhanced: null, lines: ["a".repeat(700), "", "b"] },
  { code: 550, enhanced: "5.1.1\r\n", lines: ["no"] },
  { code: 550, enhanced: "5.1.1", lines: ["\ud800"] },
  { code: 250, enhanced: null, lines: [] },
  { code: 450, enhanced: "5.0.0", lines: ["another class"] },
  { code: 199, enhanced: null, lines: ["no such code"] },
  { code: 250, enhanced: null, lines: ["User <u@example.com>", "\0"] },
  { code: 354, enhanced: null, lines: ["\ud83d\ude00 ".repeat(200)] },
  { code: 334, enhanced: null, lines: ["AA=A"] },
  { code: 421, enhanced: "4.0.0", lines: [`mx.example.com ${"x ".repeat(400)}`] },
];

function stepOf(choices: Choices): Step {
  const octet = choices.octet();
  if (octet < otherSteps) return { step: "octets", octets: word(octet) };
  switch (octet - otherSteps) {
    case 0:
    case 1:
    case 2:
      return { step: "arrive", polled: true };
    case 3:
      return { step: "arrive", polled: false };
    case 4:
    case 5:
      return { step: "octets", octets: choices.take(choices.below(64)) };
    case 6: {
      // Long lines, near to the limits and beyond.
      const [octet, count] = [choices.octet(), choices.octet()];
      return { step: "octets", octets: new Uint8Array(count * 20).fill(octet) };
    }
    case 7:
      return { step: "octets", octets: octets(String(choices.octet())) };
    case 8:
      return { step: "octets", octets: chunk(choices) };
    case 9:
    case 10:
    case 11:
      return { step: "decide", decision: choices.pick(decisions) };
    case 12:
      return { step: "answer", which: "first", decision: choices.pick(decisions) };
    case 13:
      return { step: "answer", which: "last", decision: choices.pick(decisions) };
    case 14:
      return { step: "answer", which: "none", decision: "take" };
    case 15:
      return { step: "recipient", index: choices.below(4), decision: choices.pick(decisions) };
    case 16:
      return { step: "advance", by: choices.octet() * 1000 };
    case 17:
      return { step: "advance", by: "deadline" };
    case 18:
      return { step: "connected", address: choices.pick(addresses) };
    case 19:
    case 20:
      return { step: "upgraded", sufficient: true };
    case 21:
      return { step: "upgraded", sufficient: false };
    case 22:
      return { step: "upgradeFailed" };
    case 23:
      return { step: "shutdown", when: choices.flag() ? "idle" : "now" };
    case 24:
      return { step: "receiveEnd" };
    case 25:
      return { step: "lost" };
    case 26:
      return { step: "poll" };
    case 27:
      return { step: "snapshot" };
    case 28:
    case 29:
      return { step: "decide", decision: choices.pick(oddReplies) };
    default:
      return { step: "octets", octets: word(octet) };
  }
}

const addresses = ["10.0.0.1", "192.0.2.7", "2001:db8::7", "fe80::1%eth0", "::ffff:10.0.0.1", "nonsense"];

const words = serverWords.map(octets);

function word(octet: number): Uint8Array {
  return words[octet % words.length] as Uint8Array;
}

/** A chunk whose size is right, or nearly. */
function chunk(choices: Choices): Uint8Array {
  const content = word(choices.octet());
  const kind = choices.octet();
  const size = content.length + (kind >= 224 ? (kind % 5) - 2 : 0);
  const head = octets(`BDAT ${Math.max(0, size)}${kind % 3 === 0 ? " LAST" : ""}\r\n`);
  return new Uint8Array([...head, ...content]);
}

const settled = new Map<string, ServerSettings>();

function settingsOf(one: number, two: number, three: number, narrow: boolean): ServerSettings {
  const key = `${one} ${two} ${three} ${narrow}`;
  const known = settled.get(key);
  if (known !== undefined) return known;
  const made = settle(configOf(one, two, three, narrow));
  if (settled.size > 4096) settled.clear();
  settled.set(key, made);
  return made;
}

const policies = ["reject", "normalize", "space", "keep"] as const;

function configOf(one: number, two: number, three: number, narrow: boolean): ServerConfig {
  const lmtp = (one & 1) === 1;
  const service = narrow
    ? (["relay", "submission", "relay", "submission"] as const)[(one >> 1) & 3]
    : (["relay", "submission", "on-demand", "relay"] as const)[(one >> 1) & 3];
  const tls = narrow ? "none" : (["none", "offered", "required", "implicit"] as const)[(one >> 3) & 3];
  const small = (one & 32) !== 0;
  const rich = (one & 64) === 0;
  const trusted = { trusted: ["10.0.0.0/8", "2001:db8::/32"] };
  return {
    name: "mx.example.com",
    protocol: lmtp ? "lmtp" : "smtp",
    service,
    tls,
    proxy: !narrow && (one & 128) !== 0,
    bareCr: policies[two & 3],
    bareLf: policies[(two >> 2) & 3],
    concurrentRecipients: (two & 16) !== 0 ? 3 : 1,
    strictPipelining: !narrow && (two & 32) !== 0,
    closeOnBareLineEnds: (two & 64) !== 0,
    authRequired: service === "on-demand" || (two & 128) !== 0,
    trustAuthParameter: (three & 1) !== 0,
    mechanisms: [
      "PLAIN",
      "LOGIN",
      "CRAM-MD5",
      "SCRAM-SHA-256",
      "EXTERNAL",
      { name: "X", first: "client", cleartext: false },
    ],
    hostileVerbs: (three & 2) !== 0 ? ["GET"] : [],
    ...((three & 4) !== 0 && {
      lenient: {
        dots: true,
        bareAddress: true,
        trailingDot: true,
        underscore: true,
        mixedQuoting: true,
        helloName: true,
      },
    }),
    ...(rich && {
      extensions: {
        smtputf8: true,
        binarymime: true,
        dsn: true,
        deliverby: (three & 8) !== 0 ? { minimum: 50 } : true,
        mtPriority: true,
        requiretls: true,
        rrvs: true,
        noSoliciting: true,
        mtrk: true,
        prdr: !lmtp,
        limits: true,
        vrfy: true,
        expn: true,
        xclient: trusted,
        xforward: trusted,
        ...(service === "submission"
          ? {
              burl: { urls: ["imap"] },
              futurerelease: { maximumInterval: 86_400, maximumTime: "2026-12-31T00:00:00Z" },
            }
          : { etrn: true }),
      },
      custom: [
        {
          keyword: "XOWN",
          mail: [{ keyword: "XSIZE", value: "optional" }],
          verbs: [
            { verb: "XVERB", pipelined: true },
            { verb: "XWITHIN", transaction: "within" },
          ],
        },
      ],
    }),
    limits: {
      errors: small ? 3 : 1000,
      idleCommands: small ? 4 : 1000,
      message: 65_536,
      recipients: 100,
      refusedRecipients: small ? 2 : 1000,
      unread: (one & 32) !== 0 ? 65_536 : 1024,
      ...((three & 16) !== 0 && { textLine: 998 }),
      ...((three & 32) !== 0 && { recipientDomains: 2 }),
      ...((three & 64) !== 0 && { transactions: 2 }),
      dataBlock: small ? 8 : 4096,
    },
    timers: {
      greetingDelay: (three & 128) !== 0 && !narrow ? 2000 : 0,
      data: small ? 400_000 : Number.POSITIVE_INFINITY,
      session: small ? 900_000 : Number.POSITIVE_INFINITY,
    },
  };
}

/** The reply that a decision is for a question; undefined: the default. */
export function replyFor(decision: Decision, type: string): Reply | undefined {
  if (typeof decision !== "string") return decision;
  switch (decision) {
    case "take":
      if (type === "connect") return reply(220, "hello");
      if (type === "data") return reply(354, "go on");
      if (type === "auth") return reply(235, "2.7.0", "Welcome");
      if (type === "starttls") return reply(220, "2.0.0", "Go");
      return reply(250, "2.0.0", "OK");
    case "refuse":
      return reply(550, "5.7.1", "No");
    case "defer":
      return reply(450, "4.7.1", "Later, \u00fcbermorgen perhaps");
    case "close":
      return reply(421, "4.3.2", "Not now");
    case "challenge":
      return reply(334, "AAAA");
    case "521":
      return reply(521, "No mail here");
    case "wrong":
      return reply(354, "What?");
    default:
      return undefined;
  }
}
