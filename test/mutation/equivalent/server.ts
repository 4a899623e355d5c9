import type { Equivalent } from "../equivalent.ts";

const mostlyEmpty =
  "a list of its own that is empty is told from the one that all share by nothing, since both are replaced, not changed";
const toldOnce = "what was made before is made again, and is the same";
const hasRule = "a command that is not refused has its rule: the interpretation is made by it";
const neverFirst = "the verb stands before the argument, so that no octet of it is the first of the line";
const sameReader =
  "a line is read alike in one pass and by a reader, as test/core/session-shared.test.ts holds";

export const ofServer: readonly Equivalent[] = [
  { file: "server/queue.ts", original: "list.length === 1", replacement: "false", reason: mostlyEmpty },
  { file: "server/replies.ts", original: "known?.name === name", replacement: "false", reason: toldOnce },
  { file: "server/replies.ts", original: "{ name, said: whole }", replacement: "{}", reason: toldOnce },
  {
    file: "server/machine.ts",
    original: "whole instanceof CheckedReply",
    replacement: "false",
    reason: "what a reply keeps of its octets is what is made of it anew: it costs time alone",
  },
  { file: "server/lines.ts", original: "input.length === 0", replacement: "false", reason: sameReader },
  ...["rule?.idle", "rule?.endsGroup"].map((original) => ({
    file: "server/commands.ts",
    original,
    replacement: original.replace("?", ""),
    reason: hasRule,
  })),
  {
    file: "server/arguments.ts",
    original: "highOctet(line, start, end) >= 0",
    replacement: "highOctet(line, start, end) > 0",
    reason: neverFirst,
  },
  ...["true", "held.lines.read >= 0"].map((replacement) => ({
    file: "server/snapshot.ts",
    original: "held.lines.read > 0",
    replacement,
    reason: sameReader,
  })),
  {
    file: "server/capabilities.ts",
    original: '"always"',
    replacement: '""',
    reason: "no extension has that name, so that none is off by it, and what is not off is offered",
  },
  {
    file: "server/view.ts",
    original: '"starttls"',
    replacement: '""',
    reason:
      "STARTTLS is announced where it is offered and TLS is not active: what asks again is never asked before",
  },
  {
    file: "server/answers.ts",
    original: "answer === question.reply",
    replacement: "false",
    reason: "a default fits its question, and what fits is what comes of the checks: they cost time alone",
  },
  {
    file: "server/interpret.ts",
    original: "line.start === 0",
    replacement: "false",
    reason: "a place less 0 is that place: it costs an object alone",
  },
  {
    file: "server/questions.ts",
    original: 'slots.every(({ question }) => question.type === "rcpt")',
    replacement: 'slots.some(({ question }) => question.type === "rcpt")',
    reason: "questions that are open together are all about recipients, and it is asked while one is open",
  },
  {
    file: "server/content.ts",
    original: '"keep"',
    replacement: '""',
    reason: "of a CR: that it is kept says how a line is measured, and of binary content none is",
  },
  {
    file: "server/settings.ts",
    original: "keyword.toUpperCase()",
    replacement: "keyword.toLowerCase()",
    reason:
      "two keywords are the same in small letters where they are in large ones; else it is words for people",
  },
  {
    file: "server/arguments.ts",
    original: "parameters === noMailParameters",
    replacement: "false",
    reason: "where there are no parameters no check has anything to say of them: it costs time alone",
  },
];
