import type { Script } from "./script.ts";
import type { Told, Verdict } from "./senders.ts";
import type { Seen } from "./stage.ts";

/** What a client has said, and what it has told. */
export interface Played {
  readonly told: Told;
  readonly seen: Seen;
}

/** Where two clients differ. */
export interface Difference {
  /**
   * `setup`: a command before the first message. `ready`: whether, and why not, messages can be sent. `tried`: whether
   * anything is said of a message. `parameter`: of MAIL or RCPT. `says`: a command of a message, or what of its content.
   * `content`: octets. `tells`: what became of a recipient. `open`: whether the connection goes on behind a message.
   * `end`: what is said behind the last one.
   */
  readonly kind: "setup" | "ready" | "tried" | "parameter" | "says" | "content" | "tells" | "open" | "end";
  readonly ours: string;
  readonly theirs: string;
  /** The reasons that they give, where it is `ready` or `tells`. */
  readonly why: { readonly ours: string; readonly theirs: string };
  /** The message, and the recipient; -1: none. */
  readonly message: number;
  readonly recipient: number;
  readonly script: Script;
  readonly played: { readonly ours: Played; readonly theirs: Played };
}

export interface Compared {
  readonly differences: readonly Difference[];
  /** How many commands, contents and outcomes were laid side by side. */
  readonly compared: number;
  readonly ours: Played;
  readonly theirs: Played;
}

/** Lays what two clients did with a script side by side. */
export function compare(script: Script, ours: Played, theirs: Played): Compared {
  const differences: Difference[] = [];
  let compared = 0;
  const differ = (
    kind: Difference["kind"],
    left: string,
    right: string,
    { message = -1, recipient = -1, why = { ours: "", theirs: "" } }: Partial<Difference> = {},
  ): void => {
    compared++;
    if (left === right) return;
    const where = { message, recipient, script };
    differences.push({ kind, ours: left, theirs: right, why, ...where, played: { ours, theirs } });
  };
  for (const verb of ["EHLO", "HELO", "STARTTLS", "EHLO inside", "AUTH", "other"])
    differ("setup", before(ours.seen, verb), before(theirs.seen, verb));
  const readiness = ({ told }: Played): string => told.failure ?? "ready";
  const why = { ours: ours.told.why, theirs: theirs.told.why };
  differ("ready", readiness(ours), readiness(theirs), { why });
  if (ours.told.failure === null && theirs.told.failure === null) {
    for (const [message, { to }] of script.messages.entries()) {
      const tried = [ours, theirs].map(({ seen }) =>
        seen.said.some(({ slot }) => slot === `MAIL ${message}`),
      );
      differ("tried", tried[0] ? "said" : "not said", tried[1] ? "said" : "not said", { message });
      if (tried[0] && tried[1]) {
        for (const [left, right] of parameters(ours.seen, theirs.seen, message))
          differ("parameter", left, right, { message });
        for (const slot of [...to.keys()].map((recipient) => `RCPT ${message} ${recipient}`))
          differ("says", saysOf(ours.seen, slot), saysOf(theirs.seen, slot), { message });
        differ("says", way(ours.seen, message), way(theirs.seen, message), { message });
        differ("says", saysOf(ours.seen, `RSET ${message}`), saysOf(theirs.seen, `RSET ${message}`), {
          message,
        });
        if (whole(ours.seen, message) && whole(theirs.seen, message))
          differ("content", content(ours.seen, message), content(theirs.seen, message), { message });
      }
      const [left, right] = [ours.told.messages[message]!, theirs.told.messages[message]!];
      for (const recipient of to.keys()) {
        const why = { ours: left.whys[recipient]!, theirs: right.whys[recipient]! };
        differ("tells", left.verdicts[recipient]!, right.verdicts[recipient]!, { message, recipient, why });
      }
      differ("open", left.open ? "open" : "over", right.open ? "open" : "over", { message });
      // Behind that they are in different states.
      if (left.open !== right.open) return { differences, compared, ours, theirs };
    }
  }
  differ("end", behind(ours.seen), behind(theirs.seen));
  return { differences, compared, ours, theirs };
}

function before({ said }: Seen, verb: string): string {
  return said
    .filter(({ slot }) => slot === verb)
    .map(({ text }) => text)
    .join(", ");
}

/** Parameters, of those commands that both have said, that are not said by both. */
function parameters(ours: Seen, theirs: Seen, message: number): [string, string][] {
  const pairs: [string, string][] = [];
  for (const { slot, text } of ours.said) {
    if (!/^(?:MAIL|RCPT) /.test(slot) || slot.split(" ")[1] !== String(message)) continue;
    const other = theirs.said.find((each) => each.slot === slot)?.text;
    if (other === undefined) continue;
    const [left, right] = [words(text), words(other)];
    for (const word of new Set([...left, ...right]))
      pairs.push([left.includes(word) ? word : "", right.includes(word) ? word : ""]);
  }
  return pairs;
}

/** The path, and each parameter. */
function words(line: string): string[] {
  return [
    /^[^<]*<.*>/.exec(line)?.[0] ?? line,
    ...line
      .replace(/^[^<]*<.*>/, "")
      .trim()
      .split(" "),
  ].filter((word) => word !== "");
}

/** How content goes: `DATA`, and what came of it. */
function way({ said }: Seen, message: number): string {
  const steps = said
    .filter(({ slot }) => [`DATA ${message}`, `. ${message}`, `chunk ${message}`].includes(slot))
    .map(({ slot, text }) => (slot.startsWith(".") ? text : text.split(" ")[0]!));
  return [...new Set(steps)].join(", ") || "nothing";
}

function whole({ contents }: Seen, message: number): boolean {
  return (contents[message] ?? "") !== "";
}

function saysOf({ said }: Seen, slot: string): string {
  return said.some((each) => each.slot === slot) ? slot.split(" ")[0]! : "nothing";
}

function content({ contents }: Seen, m: number): string {
  const octets = contents[m];
  return octets === null || octets === undefined ? "(none)" : JSON.stringify(octets);
}

function behind({ said }: Seen): string {
  return said.some(({ slot }) => slot === "QUIT") ? "QUIT" : "nothing";
}

/** What a client told of a message that the server has, or has not, promised to deliver. */
export function truths({
  told,
  seen,
}: Played): { verdict: Verdict; promised: boolean; message: number; recipient: number }[] {
  return told.messages.flatMap(({ verdicts }, message) =>
    verdicts.map((verdict, recipient) => ({
      verdict,
      promised: seen.promised[message]?.includes(recipient) ?? false,
      message,
      recipient,
    })),
  );
}
