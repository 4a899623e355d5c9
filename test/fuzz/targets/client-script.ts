import type { ClientConfig, OutgoingEnvelope } from "@sansmtp/core";
import { Choices, octets } from "../input.ts";
import { clientWords } from "./client-words.ts";

/** What happens to a client session, one thing after the other. */
export type Step =
  | { readonly step: "octets"; readonly octets: Uint8Array }
  | { readonly step: "arrive"; readonly polled: boolean }
  | { readonly step: "transaction"; readonly envelope: OutgoingEnvelope }
  | { readonly step: "auth"; readonly mechanism: string; readonly initial: Uint8Array | null }
  | { readonly step: "command"; readonly verb: string; readonly argument: string }
  | { readonly step: "xclient"; readonly name: string }
  | { readonly step: "atrn"; readonly domains: readonly string[] }
  | { readonly step: "content"; readonly octets: Uint8Array }
  | { readonly step: "burl"; readonly url: string }
  | { readonly step: "abandon"; readonly which: number }
  | { readonly step: "respond"; readonly octets: Uint8Array | null }
  | { readonly step: "upgradeFailed"; readonly why: "plain" | "weak" | "other" }
  | { readonly step: "advance"; readonly by: number | "deadline" }
  | { readonly step: "pressure"; readonly full: boolean }
  | {
      readonly step:
        | "startTls"
        | "reset"
        | "noop"
        | "quit"
        | "finish"
        | "upgraded"
        | "receiveEnd"
        | "lost"
        | "close"
        | "snapshot"
        | "poll";
    };

export interface Script {
  readonly config: ClientConfig;
  readonly seed: number;
  /** The owner does at once what the session asks for: content is written, challenges are answered, TLS is made. */
  readonly willing: boolean;
  readonly steps: readonly Step[];
}

/** Octets of an input that stand for the configuration and the cuts. */
export const scriptHead = 4;

/** The first octet of a step that is no word. */
export const otherSteps = 160;

/** Steps with what belongs to them, to be put into inputs whole: few octets in a row are found by chance. */
export const wholeSteps: readonly Uint8Array[] = Array.from({ length: 39 }, (_, step) =>
  [0, 1, 2].map((choice) => Uint8Array.of(otherSteps + step, choice)),
).flat();

/** @param narrow nothing that depends on when octets arrive */
export function scriptOf(input: Uint8Array, narrow: boolean): Script {
  const choices = new Choices(input);
  const [one, two, three, seed] = [choices.octet(), choices.octet(), choices.octet(), choices.octet()];
  const config: ClientConfig = {
    name: "client.example.net",
    protocol: (one & 1) === 1 ? "lmtp" : "smtp",
    tls: narrow
      ? (["never", "implicit", "never", "implicit"] as const)[(one >> 1) & 3]
      : (["offered", "never", "required", "implicit"] as const)[(one >> 1) & 3],
    allowInsecureAuth: (one & 8) === 0,
    heloFallback: (one & 16) === 0,
    pipelineData: (one & 32) === 0,
    chunking: (["prefer", "avoid", "prefer", "require"] as const)[one >> 6],
    lineEnds: (["strict", "normalize", "space", "strict"] as const)[two & 3],
    validatedHost: (two & 4) !== 0,
    limits: {
      ...((two & 8) !== 0 && { chunk: 3, chunks: 2 }),
      ...((two & 16) !== 0 && { outstanding: 2 }),
      ...((two & 32) !== 0 && { textLine: 20 }),
      ...((two & 64) !== 0 && { line: 512, lines: 4, octets: 1200 }),
    },
  };
  const steps: Step[] = [];
  const more = { recipients: 0 };
  while (!choices.done) steps.push(stepOf(choices, narrow, more));
  return { config, seed, willing: narrow || (three & 1) === 0, steps };
}

/** @param more recipients of the next message, beside those that it has anyway */
function stepOf(choices: Choices, narrow: boolean, more: { recipients: number }): Step {
  const octet = choices.octet();
  if (octet < otherSteps) return { step: "octets", octets: word(octet) };
  switch (octet - otherSteps) {
    case 0:
    case 1:
      return { step: "arrive", polled: true };
    case 2:
      return { step: "arrive", polled: false };
    case 3:
    case 4:
      return { step: "octets", octets: choices.take(choices.below(48)) };
    case 5: {
      const [octet, count] = [choices.octet(), choices.octet()];
      return { step: "octets", octets: new Uint8Array(count * 20).fill(octet) };
    }
    case 6:
    case 7:
    case 8:
    case 9:
      return { step: "transaction", envelope: envelopeOf(choices, more) };
    case 10:
    case 11: {
      const mechanism = choices.pick(["EXTERNAL", "PLAIN", "CRAM-MD5", "SCRAM-SHA-256", "LOGIN", "plain"]);
      const kind = choices.below(4);
      const initial =
        kind === 0 ? null : kind === 1 ? new Uint8Array() : new Uint8Array(kind === 2 ? 5 : 600);
      return { step: "auth", mechanism, initial };
    }
    case 12:
      return {
        step: "command",
        verb: choices.pick(["VRFY", "EXPN", "HELP", "ETRN", "XANY"]),
        argument: choices.pick(["", "a", "a@example.com"]),
      };
    case 13:
      return { step: "xclient", name: choices.pick(["c.example", "d.example"]) };
    case 14:
      return narrow
        ? { step: "noop" }
        : { step: "atrn", domains: choices.pick([[], ["a.example"], ["a.example", "b.example"]]) };
    case 15:
    case 16:
    case 17:
      return { step: "content", octets: choices.pick(contents) };
    case 18:
      return { step: "content", octets: choices.take(choices.below(32)) };
    case 19:
      return { step: "finish" };
    case 20:
      return { step: "burl", url: choices.pick(["imap://a.example/x", "imap://b.example/y"]) };
    case 21:
      return { step: "abandon", which: choices.below(3) };
    case 22:
      return { step: "respond", octets: choices.flag() ? null : choices.take(choices.below(8)) };
    case 23:
      return narrow
        ? { step: "noop" }
        : { step: "upgradeFailed", why: choices.pick(["plain", "weak", "other"]) };
    case 24:
      return { step: "advance", by: choices.octet() * 1000 };
    case 25:
      return { step: "advance", by: "deadline" };
    case 26:
      return { step: "poll" };
    case 27:
      return { step: "startTls" };
    case 28:
      return { step: "reset" };
    case 29:
      return { step: "noop" };
    case 30:
      return { step: "quit" };
    case 31:
    case 32:
      return { step: "upgraded" };
    case 33:
      return { step: "receiveEnd" };
    case 34:
      return { step: "lost" };
    case 35:
      return { step: "close" };
    case 36:
      return { step: "snapshot" };
    case 38:
      return { step: "pressure", full: choices.flag() };
    case 37:
      more.recipients++;
      return { step: "octets", octets: new Uint8Array() };
    default:
      return { step: "octets", octets: word(octet) };
  }
}

const words = clientWords.map(octets);

function word(octet: number): Uint8Array {
  return words[octet % words.length] as Uint8Array;
}

const contents = [
  "Subject: x\r\n\r\nbody\r\n",
  ".\r\n",
  "\r\n.",
  "\r\n",
  "\r",
  "\n",
  ".",
  "..a\r\n.b",
  "no end",
  "\xff\xfe\r\n",
  "a\r\n.\r\nQUIT\r\n",
  "x".repeat(700),
].map(octets);

function envelopeOf(choices: Choices, more: { recipients: number }): OutgoingEnvelope {
  const [kind, what] = [choices.octet(), choices.octet()];
  const count = more.recipients + ((kind & 0xc0) === 0xc0 ? 40 + (what & 63) : kind & 7);
  more.recipients = 0;
  const names = ["b@example.com", "c@example.com", "d@example.org", '"e f"@[192.0.2.1]', "g@\u00fc.example"];
  const dsn = (what & 1) !== 0;
  return {
    from: (kind & 8) !== 0 ? null : "a@example.net",
    to: Array.from({ length: count }, (_, at) => {
      const to = at < 5 ? (names[at] as string) : `n${at}@example.com`;
      return dsn && at === 1 ? { to, notify: ["SUCCESS" as const] } : to;
    }).filter((to) => (what & 2) !== 0 || to !== names[4]),
    ...((kind & 16) !== 0 && { size: 20 }),
    ...((kind & 32) !== 0 && { body: (["8BITMIME", "BINARYMIME"] as const)[what & 1] }),
    ...((what & 4) !== 0 && { smtputf8: true }),
    ...((what & 8) !== 0 && { burl: true }),
    ...((what & 32) !== 0 && { ret: "HDRS" as const, envid: "x y" }),
    ...((what & 64) !== 0 && {
      forwarded: { name: "o.example", addr: "192.0.2.3", source: "REMOTE" as const },
    }),
    ...((what & 128) !== 0 && { requireTls: true }),
  };
}
