import { expect } from "vitest";
import type { ExtensionName } from "../../packages/core/src/extensions/extension.ts";
import { standardParameters } from "../../packages/core/src/extensions/registry.ts";
import { type ArgumentContext, parseMail, parseRcpt } from "../../packages/core/src/syntax/command.ts";
import { type Fault, isFault } from "../../packages/core/src/syntax/fault.ts";
import {
  type Lenient,
  type Path,
  parsePath,
  type Side,
  type SyntaxOptions,
  strict,
} from "../../packages/core/src/syntax/path.ts";

/** The octets of a text: its UTF-8. */
export function octets(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

/** What a test may change of a context in which every extension is on, SMTPUTF8 apart. */
export interface Given {
  readonly utf8?: SyntaxOptions["utf8"];
  readonly lenient?: Partial<Lenient>;
  readonly limits?: Partial<SyntaxOptions["limits"]>;
  /** Extensions that are not in force. */
  readonly without?: readonly ExtensionName[];
  /** The client said HELO. */
  readonly plain?: boolean;
  readonly maxParameters?: number;
}

export function context(given: Given = {}): ArgumentContext {
  const { utf8 = "absent", without = [], plain = false, maxParameters = 32 } = given;
  return {
    utf8,
    lenient: { ...strict, ...given.lenient },
    limits: { localPart: 64, domain: 255, path: 256, ...given.limits },
    inForce: (name) =>
      !plain && !without.includes(name as ExtensionName) && (name !== "smtputf8" || utf8 !== "absent"),
    known: standardParameters,
    plain,
    maxParameters,
  };
}

/** Reads a text that is nothing but a path; a fault also when something is left behind it. */
export function readPath(text: string, side: Side = "forward", given: Given = {}): Path | null {
  const line = octets(text);
  const found = parsePath(line, 0, line.length, side, context(given));
  if (isFault(found)) throw new Error(`${said(found)}: ${found.detail}`);
  if (found.end !== line.length) throw new Error(`ends at ${found.end} of ${line.length}`);
  return found.path;
}

/** The fault of a text that has to have one. */
export function pathFault(text: string | Uint8Array, side: Side = "forward", given: Given = {}): Fault {
  const line = typeof text === "string" ? octets(text) : text;
  const found = parsePath(line, 0, line.length, side, context(given));
  if (!isFault(found)) throw new Error(`no fault: ${JSON.stringify(found)}`);
  return found;
}

export const sides = ["reverse", "forward"] as const;

/** What a path that is wrong gets on either side. */
export const wrongPath = { reverse: "501 5.1.7", forward: "501 5.1.3" };

/** Expects a path that neither MAIL nor RCPT may have: 501, with the enhanced code of its side. */
export function refusedBy(rule: string, text: string | Uint8Array, given: Given = {}): void {
  for (const side of sides) {
    expect([side, said(pathFault(text, side, given))]).toEqual([side, `${rule} ${wrongPath[side]}`]);
  }
}

/** Reads the line `MAIL …`. */
export function readMail(text: string | Uint8Array, given: Given = {}): ReturnType<typeof parseMail> {
  const line = typeof text === "string" ? octets(text) : text;
  return parseMail(line, 5, line.length, context(given));
}

/** Reads the line `RCPT …`. */
export function readRcpt(text: string | Uint8Array, given: Given = {}): ReturnType<typeof parseRcpt> {
  const line = typeof text === "string" ? octets(text) : text;
  return parseRcpt(line, 5, line.length, context(given));
}

/** `rule code enhanced` of a fault, `ok` for what is none. */
export function said(result: object | null): string {
  if (!isFault(result)) return "ok";
  const { code, enhanced } = result.reply;
  return [result.rule, code, enhanced].filter((part) => part !== null).join(" ");
}
