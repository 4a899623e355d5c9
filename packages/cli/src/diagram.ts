import { type Phase, type Rule, rules, type Transaction, type Verb } from "@sansmtp/core";

/**
 * The server's state machine in one picture. What commands do is read from the table of the core; what else moves a
 * session, replies of the application, the end of content, the handshake, is told here. That both are right, and that
 * nothing is missing, is for a test that walks the session.
 */

/** A phase; or, where the client is identified, how far the transaction is: `ready` when there is none. */
export type State = Exclude<Phase, "closing"> | Exclude<Transaction, "none">;

export interface Transition {
  readonly from: State;
  readonly to: State;
  /** Commands, or what else happens. */
  readonly by: readonly string[];
}

/** The states of an identified client: what is true of all of them is drawn once. */
export const identified: readonly State[] = [
  "ready",
  "sender",
  "recipients",
  "data",
  "chunks",
  "failed",
  "verdict",
];

/** What each state is, in a few words. */
export const captions: Readonly<Record<State, string>> = {
  proxy: "the PROXY header is awaited",
  greeting: "the greeting is not sent yet",
  unidentified: "no EHLO, HELO or LHLO yet",
  refused: "greeted with 554",
  insecure: "TLS is too weak",
  upgrading: "TLS handshake",
  closed: "421, a time-out, a lost connection lead here from anywhere",
  ready: "no transaction",
  sender: "MAIL was accepted",
  recipients: "RCPT was accepted",
  data: "content up to the dot",
  chunks: "content in counted chunks",
  failed: "a chunk was refused",
  verdict: "the message is whole",
};

/** Every transition from one state to another. */
export function transitions(): readonly Transition[] {
  const found = new Map<string, { from: State; to: State; by: string[] }>();
  const add = (from: State, to: State, by: string): void => {
    if (from === to) return;
    const key = `${from} ${to}`;
    const known = found.get(key) ?? { from, to, by: [] };
    if (!known.by.includes(by)) known.by.push(by);
    found.set(key, known);
  };
  for (const [verb, rule] of Object.entries(rules) as [Verb, Rule][]) {
    if (rule.offer === "never") continue;
    for (const phase of rule.phases) {
      for (const transaction of phase === "ready" ? rule.transactions : (["none"] as const)) {
        const { phase: then = phase, transaction: next = transaction } = rule.then;
        add(stateOf(phase, transaction), stateOf(then, next), verb);
      }
    }
  }
  for (const [from, to, by] of others) add(from, to, by);
  for (const from of Object.keys(captions) as State[]) add(from, "closed", anyEnd);
  return [...found.values()];
}

/** What ends a session wherever it is. */
const anyEnd = "421, time-out, end";

/** What moves a session beside commands, and where a command goes on from what its rule says. */
const others: readonly (readonly [State, State, string])[] = [
  ["proxy", "greeting", "PROXY header"],
  ["greeting", "unidentified", "220"],
  ["greeting", "insecure", "220, TLS is too weak"],
  ["greeting", "refused", "554"],
  ["upgrading", "greeting", "TLS from the start"],
  ["upgrading", "unidentified", "TLS is up"],
  ["upgrading", "insecure", "TLS is too weak"],
  ["unidentified", "refused", "XCLIENT, 554"],
  ["refused", "closed", "QUIT"],
  ["insecure", "closed", "QUIT"],
  ["data", "verdict", "CR LF . CR LF"],
  ["data", "ready", "content refused"],
  ["recipients", "verdict", "BDAT LAST, BURL LAST"],
  ["chunks", "verdict", "BDAT LAST, BURL LAST"],
  ["recipients", "ready", "BDAT LAST refused"],
  ["chunks", "ready", "BDAT LAST refused"],
  ["recipients", "failed", "BDAT refused"],
  ["chunks", "failed", "BDAT refused"],
  ["failed", "ready", "BDAT LAST"],
  ["sender", "ready", "BDAT LAST in LMTP"],
  ["verdict", "ready", "answered"],
];

function stateOf(phase: Phase, transaction: Transaction): State {
  if (phase === "closing") return "closed";
  return phase === "ready" && transaction !== "none" ? transaction : phase;
}

/** A transition as it is drawn: `identified` stands for every state of an identified client. */
export interface Arrow {
  readonly from: State | "identified";
  readonly to: State;
  readonly label: string;
}

/** The caption of what is drawn around the states of an identified client. */
export const identifiedCaption = "EHLO, HELO or LHLO was accepted";

/** The transitions as they are drawn: what is true everywhere stands once, and EHLO stands for HELO and LHLO. */
export function arrows(): readonly Arrow[] {
  const own = transitions().filter(({ from, to }) => !(identified.includes(from) && to === "closed"));
  const quit: Transition = { from: "ready", to: "closed", by: ["QUIT"] };
  return [...own, quit].flatMap(({ from, to, by }) => {
    const words = by.filter((word) => word !== "HELO" && word !== "LHLO" && word !== anyEnd);
    const label = words.join(", ");
    return words.length === 0
      ? []
      : [{ from: from === "ready" && to === "closed" ? "identified" : from, to, label }];
  });
}

/** Whether an arrow stays among the states of an identified client. */
export function isInside({ from, to }: Arrow): boolean {
  return identified.includes(from as State) && identified.includes(to);
}

/** The diagram as text for Mermaid. */
export function mermaid(): string {
  const states = Object.keys(captions) as State[];
  const state = (name: State): string => `${name}: ${name}<br>${captions[name]}`;
  const arrow = ({ from, to, label }: Arrow): string => `${from} --> ${to}: ${label}`;
  const all = arrows();
  const inner = [...identified.map(state), ...all.filter(isInside).map(arrow)];
  const outer = [
    ...states.filter((name) => !identified.includes(name)).map(state),
    `state "${identifiedCaption}" as identified {`,
    ...inner.map((line) => `  ${line}`),
    "}",
    "[*] --> greeting: connected",
    ...all.filter((each) => !isInside(each)).map(arrow),
  ];
  return `stateDiagram-v2\n${outer.map((line) => `  ${line}\n`).join("")}`;
}
