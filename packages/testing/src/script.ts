import { encodeUtf8, type Millis } from "@sansmtp/core";
import type { End, Line } from "./end.ts";
import type { Side } from "./faults.ts";
import { fromLatin1, fromVisible, joined, latin1, visible } from "./octets.ts";

/**
 * What one side of a dialogue says, and what it expects to hear, line by line:
 *
 *     S: 250 OK              a line of the server       C: DATA       a line of the client
 *     S> 250 O               octets as they are, with the escapes \r \n \t \0 \\ \xNN
 *     C* MAIL FROM:          a line that begins so      C~ .          any lines, up to and with this one
 *     -- wait 1000           milliseconds pass          -- upgrade    TLS begins
 *     -- close               it closes                  -- end        it has heard the other side close
 *
 * `*` and `~` are for what is heard. Lines with `#` are comments, blank lines and indentation do not count.
 */
export type Script = string;

/** A script and the dialogue went different ways. */
export class ScriptMismatch extends Error {
  override readonly name = "ScriptMismatch";
}

/** An end of a wire that follows a script. */
export class ScriptEnd implements End {
  readonly #own: Side;
  readonly #line: Line;
  readonly #steps: Step[];
  #heard = "";
  #ended = false;
  #over = false;
  #waits = false;
  upgrading = false;
  readonly deadline: Millis | null = null;

  constructor(own: Side, script: Script, line: Line) {
    this.#own = own;
    this.#line = line;
    this.#steps = parseScript(script);
  }

  get wantsInput(): boolean {
    return !this.#over && !this.upgrading;
  }

  /** The lines that were not reached. */
  get left(): readonly string[] {
    return this.#steps.map(({ text }) => text);
  }

  receive(octets: Uint8Array): void {
    this.#heard += latin1(octets);
  }

  receiveEnd(): void {
    this.#ended = true;
  }

  lost(): void {
    this.#over = true;
  }

  advance(): void {}

  upgraded(): void {
    this.upgrading = false;
  }

  upgradeFailed(): void {
    this.#over = true;
    this.#line.close();
  }

  shutdown(): void {
    this.#line.send(encodeUtf8("421 4.3.2 Service shuts down\r\n"));
    this.#over = true;
    this.#line.close();
  }

  turn(): void {
    while (!this.#over && !this.#waits && !this.upgrading) {
      const step = this.#steps[0];
      if (step === undefined || !this.#take(step)) return;
      this.#steps.shift();
    }
  }

  /** Does what the script has next; false: something has to come first. */
  #take(step: Step): boolean {
    if (step.kind === "act") return this.#act(step);
    if (step.from === this.#own) {
      this.#line.send(step.kind === "line" ? joined([step.octets, lineEnd]) : step.octets);
      return true;
    }
    const wanted = latin1(step.octets);
    if (step.kind === "octets") {
      if (this.#heard.length < wanted.length) return this.#waitOr(wanted.startsWith(this.#heard), step);
      if (!this.#heard.startsWith(wanted)) this.#mismatch(step);
      this.#heard = this.#heard.slice(wanted.length);
      return true;
    }
    for (;;) {
      const end = this.#heard.indexOf("\r\n");
      if (end < 0) return this.#waitOr(true, step);
      const line = this.#heard.slice(0, end);
      const fits = step.kind === "begin" ? line.startsWith(wanted) : line === wanted;
      if (!fits && step.kind !== "until") this.#mismatch(step);
      this.#heard = this.#heard.slice(end + 2);
      if (fits) return true;
    }
  }

  #act({ what, text }: Extract<Step, { kind: "act" }>): boolean {
    const [word, span] = what.split(" ");
    switch (word) {
      case "wait":
        this.#waits = true;
        this.#line.at(this.#line.now + Number(span), () => {
          this.#waits = false;
        });
        return true;
      case "upgrade":
        this.upgrading = true;
        this.#line.upgrade();
        return true;
      case "close":
        this.#over = true;
        this.#line.close();
        return true;
      case "end":
        if (this.#ended && this.#heard !== "") throw this.#error(text);
        return this.#ended;
      default:
        throw new ScriptMismatch(`not a line of a script: ${text}`);
    }
  }

  #waitOr(mayCome: boolean, step: Step): false {
    if (!mayCome) this.#mismatch(step);
    return false;
  }

  #mismatch(step: Step): never {
    throw this.#error(step.text);
  }

  #error(expected: string): ScriptMismatch {
    const end = this.#heard.indexOf("\r\n");
    const heard = visible(fromLatin1(end < 0 ? this.#heard : this.#heard.slice(0, end)));
    return new ScriptMismatch(`the script has\n  ${expected}\nbut the ${other(this.#own)} said\n  ${heard}`);
  }
}

type Step =
  | {
      readonly kind: "line" | "octets" | "begin" | "until";
      readonly from: Side;
      readonly octets: Uint8Array;
      readonly text: string;
    }
  | { readonly kind: "act"; readonly what: string; readonly text: string };

function parseScript(script: Script): Step[] {
  return script.split("\n").flatMap((raw): Step[] => {
    const text = raw.trim();
    if (text === "" || text.startsWith("#")) return [];
    if (text.startsWith("-- ")) return [{ kind: "act", what: text.slice(3), text }];
    const [, letter, sign, rest = ""] = /^([CS])([:>*~])(?: (.*))?$/.exec(text) ?? [];
    if (letter === undefined) throw new ScriptMismatch(`not a line of a script: ${text}`);
    const from: Side = letter === "C" ? "client" : "server";
    const kind = signs[sign as keyof typeof signs];
    return [{ kind, from, octets: kind === "octets" ? fromVisible(rest) : encodeUtf8(rest), text }];
  });
}

function other(side: Side): Side {
  return side === "client" ? "server" : "client";
}

const signs = { ":": "line", ">": "octets", "*": "begin", "~": "until" } as const;
const lineEnd = Uint8Array.of(0x0d, 0x0a);
