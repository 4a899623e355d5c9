import { expand, latin1, type Section, sections, setOption } from "./sections.ts";

/**
 * Dialogues: text files that read like the protocol, and what they are made of.
 *
 *     == S-LINE-03 verbs are read in any letter case     title, requirement ids first
 *     config: limits.message = 65536                     an option of ServerConfig, its value as JSON
 *     from: 192.0.2.1                                    the address that the client connects from
 *     given: greeted                                     begins with the dialogue `given greeted`
 *     modes: whole                                       how it is run; without this line, in every way
 *     never: question message                            nothing of this kind is to happen
 *
 *     C: mail from:<a@example.net>                       a line of the client; CRLF is added, nothing else changed
 *     C> DATA\r\nSubject: x\r\n\x00\{70*a}               octets of the client as they are, with escapes
 *     ? mail from=<a@example.net>                        a question, with those of its fields that matter here
 *     = 550 5.7.1 Not from you                           what the application answers; \n begins another line of
 *                                                        the reply, another `=` another reply (LMTP)
 *     S: 550 5.7.1 Not from you                          a line of the server, exactly
 *     S* 250                                             a whole reply of the server of which only this is looked at
 *     * Subject: x                                       a line of content that is handed out
 *     *> \r\nno end of line                              content as it is, with escapes
 *     ! S-LINE-10 at=4                                   a violation
 *     ~ rset                                             a reset, and its cause
 *     % waiting=input, phase=ready                       what the getters say now
 *     -- upgrade                                         an action for the owner of the connection
 *     -- close quit
 *     -- turn example.com,example.net                    the roles turn (ATRN), and for which domains
 *
 * Things that happen to the session, beside what the client says:
 *
 *     -- tls up [insufficient]     -- tls failed     -- advance 300000     -- end     -- lost
 *     -- shutdown idle             -- shutdown now
 *     -- answer NAME 250 2.1.5 ok  -- answer NAME[1] 250 ...       an answer that `= later NAME` put off
 *
 * Lines of the client that stand together are one turn: what the server says to them stands below. Of each kind
 * of notice and question a dialogue names all or none, not counting what is given. A question that it does not name is answered with its
 * default, but `message` with `250 2.0.0 OK`; `= default` asks for the default.
 *
 * Escapes: \r \n \t \0 \\ \xNN, and \{70*a} for 70 times `a`. Lines with `#` are comments.
 */

/** Something that the session hands out, as it is compared. */
export type Item =
  | { readonly kind: "reply"; readonly octets: string }
  | { readonly kind: "question"; readonly type: string; readonly fields: Fields }
  | { readonly kind: "body"; readonly octets: string }
  | { readonly kind: "violation"; readonly rule: string; readonly fields: Fields }
  | { readonly kind: "reset"; readonly cause: string }
  | { readonly kind: "action"; readonly what: string };

export type Fields = Readonly<Record<string, string>>;

/** Something that a dialogue expects. */
export type Expectation =
  | Exclude<Item, { kind: "question" }>
  | { readonly kind: "any reply"; readonly begin: string }
  | {
      readonly kind: "question";
      readonly type: string;
      readonly fields: Fields;
      readonly answers: readonly string[];
    }
  | { readonly kind: "getters"; readonly fields: Fields };

/** What goes into the session, and what has to come out of it. */
export interface Turn {
  /** Octets of the client, one character each; or a thing that happens; null: the session has just begun. */
  readonly input: { readonly octets: string } | { readonly happens: string } | null;
  readonly expected: readonly Expectation[];
  /** It belongs to a `given:`: only replies and actions are looked at. */
  readonly given: boolean;
}

export type Mode = "whole" | "octets" | "cuts" | "undrained" | "one piece" | "restored";

export const allModes: readonly Mode[] = ["whole", "octets", "cuts", "undrained", "one piece", "restored"];

export interface Dialogue {
  readonly title: string;
  readonly file: string;
  /** Line of the title. */
  readonly line: number;
  readonly config: Readonly<Record<string, unknown>>;
  /** Where the client connects from; null: nobody says. */
  readonly from: string | null;
  readonly modes: readonly Mode[];
  /** Kinds of notices and questions that it names without expecting one. */
  readonly never: readonly string[];
  readonly turns: readonly Turn[];
}

/** Reads the dialogues of a file. `given` holds the sections that others begin with. */
export function parseDialogues(
  text: string,
  file: string,
  given: ReadonlyMap<string, Section> = new Map(),
): Dialogue[] {
  return sections(text).map((section) => parseDialogue(section, file, given));
}

function parseDialogue(section: Section, file: string, given: ReadonlyMap<string, Section>): Dialogue {
  const config: Record<string, unknown> = {};
  let modes: readonly Mode[] = allModes;
  let from: string | null = null;
  const never: string[] = [];
  const turns: { input: Turn["input"]; expected: Expectation[]; given: boolean }[] = [];
  const rows = expand(section, given);
  turns.push({ input: null, expected: [], given: rows.some((row) => row.given) });
  for (const { text, line, given } of rows) {
    try {
      readRow(text, given);
    } catch (error) {
      throw new Error(`${file}:${line}: ${(error as Error).message}: ${text}`);
    }
  }
  return {
    title: section.title,
    file,
    line: section.line,
    config,
    from,
    modes,
    never,
    turns: turns as Turn[],
  };

  function readRow(text: string, given: boolean): void {
    const [, sign, rest] =
      /^(config:|from:|modes:|never:|C:|C>|S:|S>|S\*|\?|=|\*>|\*|!|~|%|--)(?: (.*))?$/.exec(text) ?? [];
    const value = rest ?? "";
    const now = turns[turns.length - 1] as (typeof turns)[number];
    switch (sign) {
      case "config:":
        return setOption(config, value);
      case "from:":
        from = value;
        return;
      case "modes:":
        modes = value.split(/, */) as Mode[];
        return;
      case "never:":
        never.push(value);
        return;
      case "C:":
        return say(`${latin1(value)}\r\n`, given);
      case "C>":
        return say(readOctets(value), given);
      case "S:":
        return reply(`${latin1(value)}\r\n`);
      case "S>":
        return reply(readOctets(value));
      case "S*":
        now.expected.push({ kind: "any reply", begin: value });
        return;
      case "*":
        return body(`${latin1(value)}\r\n`);
      case "*>":
        return body(readOctets(value));
      case "?": {
        const [type = "", fields = ""] = split(value);
        now.expected.push({ kind: "question", type, fields: parseFields(fields), answers: [] });
        return;
      }
      case "=": {
        const last = now.expected.at(-1);
        if (last?.kind !== "question") throw new Error("an answer without a question above");
        now.expected[now.expected.length - 1] = { ...last, answers: [...last.answers, value] };
        return;
      }
      case "!": {
        const [rule = "", fields = ""] = split(value);
        now.expected.push({ kind: "violation", rule, fields: parseFields(fields) });
        return;
      }
      case "~":
        now.expected.push({ kind: "reset", cause: value });
        return;
      case "%":
        now.expected.push({ kind: "getters", fields: parseFields(value) });
        return;
      case "--":
        if (/^(upgrade|close|turn)\b/.test(value)) now.expected.push({ kind: "action", what: value });
        else turns.push({ input: { happens: value }, expected: [], given });
        return;
      default:
        throw new Error("not a line of a dialogue");
    }
  }

  function say(octets: string, given: boolean): void {
    const last = turns.at(-1);
    if (last?.input && "octets" in last.input && last.expected.length === 0) {
      last.input = { octets: last.input.octets + octets };
    } else turns.push({ input: { octets }, expected: [], given });
  }

  function reply(octets: string): void {
    (turns.at(-1) as (typeof turns)[number]).expected.push({ kind: "reply", octets });
  }

  function body(octets: string): void {
    (turns.at(-1) as (typeof turns)[number]).expected.push({ kind: "body", octets });
  }
}

function split(text: string): [string, string] {
  const at = text.indexOf(" ");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function parseFields(text: string): Fields {
  if (text === "") return {};
  return Object.fromEntries(
    text.split(", ").map((field) => {
      const at = field.indexOf("=");
      if (at < 0) throw new Error(`not key=value: ${field}`);
      return [field.slice(0, at), field.slice(at + 1)];
    }),
  );
}

export function readOctets(text: string): string {
  return latin1(text).replace(
    /\\(?:x([0-9A-Fa-f]{2})|\{(\d+)\*((?:[^\\}]|\\.)*?)\}|(.))/g,
    (_, hex?: string, times?: string, what?: string, single?: string) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
      if (times !== undefined) return readOctets(what as string).repeat(Number(times));
      const meant = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" }[single as string];
      if (meant === undefined) throw new Error(`not an showOctets: \\${single}`);
      return meant;
    },
  );
}

/** Octets, one character each, to text that can be read and, for C>, S> and *>, written in a dialogue. */
export function showOctets(octets: string): string {
  return octets
    .replace(/\\/g, "\\\\")
    .replace(/\r/g, "\\r")
    .replace(/\n/g, "\\n")
    .replace(/\0/g, "\\0")
    .replace(
      /[^\x20-\x7e]/g,
      (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
    );
}
