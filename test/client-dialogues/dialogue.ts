import { readOctets } from "../dialogues/dialogue.ts";
import { expand, latin1, type Section, sections, setOption } from "../dialogues/sections.ts";

/**
 * Dialogues seen from the client, in the manner of those of the server (see ../dialogues/dialogue.ts):
 *
 *     == C-TXN-04 nobody is left to send to      title, requirement ids first
 *     config: tls = "required"                   an option of ClientConfig, its value as JSON
 *     given: ready                               begins with the dialogue `given ready`
 *     modes: whole, octets                       how it is run; without this line, in every way
 *
 *     S: 250 ok                                  a line of the server; CRLF is added, nothing else changed
 *     S> 25\x30\r\n                              octets of the server as they are, with escapes
 *     > transaction {"from": "a@example.net"}    a call of the caller: see `calls` in play.ts
 *     C: MAIL FROM:<a@example.net>               a line of the client, exactly
 *     C> a\r\n.\r\n                              octets of the client as they are, with escapes
 *     -- upgrade                                 an action for the owner of the connection; `-- close broken`
 *     * recipient 0 250                          an event: see `showEvent` in play.ts
 *     % waiting=input, phase=ready               what the getters say now
 *
 * What stands together on the side of server and caller is one turn: what the client says to it stands below. Of
 * each kind of event a dialogue names all or none, not counting what is given. Lines with `#` are comments.
 */
export interface ClientDialogue {
  readonly title: string;
  readonly file: string;
  readonly line: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly modes: readonly Mode[];
  readonly turns: readonly Turn[];
}

export interface Turn {
  readonly inputs: readonly Input[];
  /** Octets of the client and actions, in their order. */
  readonly says: readonly string[];
  readonly events: readonly string[];
  readonly getters: Readonly<Record<string, string>>;
  /** It belongs to a `given:`: its events are not looked at. */
  readonly given: boolean;
}

/** Octets of the server, one character each; or a call. */
export type Input = { readonly octets: string } | { readonly call: string };

export type Mode = "whole" | "octets" | "cuts" | "undrained" | "restored" | "pieces";

export const allModes: readonly Mode[] = ["whole", "octets", "cuts", "undrained", "restored", "pieces"];

type Open<T> = { -readonly [K in keyof T]: T[K] };

export function parseDialogues(
  text: string,
  file: string,
  given: ReadonlyMap<string, Section> = new Map(),
): ClientDialogue[] {
  return sections(text).map((section) => parseDialogue(section, file, given));
}

function parseDialogue(section: Section, file: string, given: ReadonlyMap<string, Section>): ClientDialogue {
  const config: Record<string, unknown> = {};
  let modes = allModes;
  type Growing = { inputs: Input[]; says: string[]; events: string[]; getters: Record<string, string> };
  const turns: (Growing & { given: boolean })[] = [];
  for (const { text, line, given: isGiven } of expand(section, given)) {
    const [, sign, rest = ""] = /^(config:|modes:|S:|S>|C:|C>|--|>|\*|%)(?: (.*))?$/.exec(text) ?? [];
    if (sign === "config:") setOption(config, rest);
    else if (sign === "modes:") modes = rest.split(/, */) as Mode[];
    else if (sign === "S:") hear({ octets: `${latin1(rest)}\r\n` }, isGiven);
    else if (sign === "S>") hear({ octets: readOctets(rest) }, isGiven);
    else if (sign === ">") hear({ call: rest }, isGiven);
    else {
      const turn = turns.at(-1) ?? open(isGiven);
      if (sign === "C:") say(turn, `${latin1(rest)}\r\n`);
      else if (sign === "C>") say(turn, readOctets(rest));
      else if (sign === "--") turn.says.push(`-- ${rest}`);
      else if (sign === "*") turn.events.push(rest);
      else if (sign === "%") for (const field of rest.split(", ")) setField(turn.getters, field);
      else throw new Error(`${file}:${line}: not a line of a dialogue: ${text}`);
    }
  }
  return { title: section.title, file, line: section.line, config, modes, turns };

  function open(isGiven: boolean): Open<(typeof turns)[number]> {
    turns.push({ inputs: [], says: [], events: [], getters: {}, given: isGiven });
    return turns[turns.length - 1]!;
  }

  function hear(input: Input, isGiven: boolean): void {
    const last = turns.at(-1);
    const answered =
      last === undefined ||
      last.says.length + last.events.length + Object.keys(last.getters).length > 0 ||
      last.given !== isGiven;
    const turn = answered ? open(isGiven) : last;
    const before = turn.inputs.at(-1);
    if ("octets" in input && before !== undefined && "octets" in before) {
      turn.inputs[turn.inputs.length - 1] = { octets: before.octets + input.octets };
    } else turn.inputs.push(input);
  }

  function say(turn: Growing, octets: string): void {
    const last = turn.says.at(-1);
    if (last === undefined || last.startsWith("-- ")) turn.says.push(octets);
    else turn.says[turn.says.length - 1] = last + octets;
  }
}

function setField(fields: Record<string, string>, text: string): void {
  const at = text.indexOf("=");
  if (at < 0) throw new Error(`not key=value: ${text}`);
  fields[text.slice(0, at)] = text.slice(at + 1);
}
