import { each, type Rows } from "./rows.ts";

export const server: Rows = [
  [
    "server/queue.ts",
    "a list of its own that is empty is told from the one that all share by nothing, since both are replaced, not changed",
    each("list.length === 1", "false"),
  ],
  [
    "server/replies.ts",
    "what was made before is made again, and is the same",
    [...each("known?.name === name", "false"), ...each("{ name, said: whole }", "{}")],
  ],
  [
    "server/machine.ts",
    "what a reply keeps of its octets is what is made of it anew: it costs time alone",
    each("whole instanceof CheckedReply", "false"),
  ],
  [
    "server/lines.ts",
    "a line is read alike in one pass and by a reader, as test/core/session-shared.test.ts holds",
    each("input.length === 0", "false"),
  ],
  [
    "server/commands.ts",
    "a command that is not refused has its rule: the interpretation is made by it",
    [...each("rule?.idle", "rule.idle"), ...each("rule?.endsGroup", "rule.endsGroup")],
  ],
  [
    "server/arguments.ts",
    "the verb stands before the argument, so that no octet of it is the first of the line",
    each("highOctet(line, start, end) >= 0", "highOctet(line, start, end) > 0"),
  ],
  [
    "server/snapshot.ts",
    "a line is read alike in one pass and by a reader, as test/core/session-shared.test.ts holds",
    each("held.lines.read > 0", "true", "held.lines.read >= 0"),
  ],
  [
    "server/capabilities.ts",
    "no extension has that name, so that none is off by it, and what is not off is offered",
    each('"always"', '""'),
  ],
  [
    "server/view.ts",
    "STARTTLS is announced where it is offered and TLS is not active: what asks again is never asked before",
    each('"starttls"', '""'),
  ],
  [
    "server/answers.ts",
    "a default fits its question, and what fits is what comes of the checks: they cost time alone",
    each("answer === question.reply", "false"),
  ],
  [
    "server/interpret.ts",
    "a place less 0 is that place: it costs an object alone",
    each("line.start === 0", "false"),
  ],
  [
    "server/questions.ts",
    "questions that are open together are all about recipients, and it is asked while one is open",
    each(
      'slots.every(({ question }) => question.type === "rcpt")',
      'slots.some(({ question }) => question.type === "rcpt")',
    ),
  ],
  [
    "server/content.ts",
    "of a CR: that it is kept says how a line is measured, and of binary content none is",
    each('"keep"', '""'),
  ],
  [
    "server/settings.ts",
    "two keywords are the same in small letters where they are in large ones; else it is words for people",
    each("keyword.toUpperCase()", "keyword.toLowerCase()"),
  ],
  [
    "server/arguments.ts",
    "where there are no parameters no check has anything to say of them: it costs time alone",
    each("parameters === noMailParameters", "false"),
  ],
  ["server/machine.ts", "a session that closes begins no handshake", each("false", "true")],
  [
    "server/questions.ts",
    "only a message has several verdicts: the check is for the types alone",
    each('question.type === "message"', "true"),
  ],
  [
    "server/snapshot.ts",
    "it is for looking at alone: no other event has a response",
    each('event.type === "auth"', "true"),
  ],
  [
    "server/arguments.ts",
    "there is no other kind: it is a bug if there is",
    each('default: bug("the argument of BDAT is read before it is known to be legal");', "default:"),
  ],
  [
    "server/machine.ts",
    "an octet more or less in a burst",
    each("this.output.length >= burst", "this.output.length > burst"),
  ],
  ["server/session.ts", "when all verdicts are given nobody is asked for the rest", each("true", "false")],
  [
    "server/interpret.ts",
    "a BDAT whose size cannot be read ends the session, whatever its rule",
    each('"BDAT"', '""'),
  ],
  [
    "server/machine.ts",
    "it bounds the work of a poll, which no test that is quick enough to be tried here can tell: session-left.test.ts holds it",
    each("this.output.length >= burst", "false"),
  ],
];
