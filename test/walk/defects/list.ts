import type { Edit } from "./sow.ts";

/** A mistake that could be made, or has been made by others. */
export interface Defect {
  readonly what: string;
  /** The walk that finds it first. */
  readonly by: string;
  /** What the walk says of it. */
  readonly shows: RegExp;
  /** What the model of test/model says of it; null: it does not see it. */
  readonly model: RegExp | null;
  readonly edits: readonly Edit[];
}

const content = "server/content.ts";
const questions = "server/questions.ts";
const machine = "server/machine.ts";

/** State that is reset half way, for the most part; and what else breaks a session's word without a crash. */
export const defects: readonly Defect[] = [
  {
    what: "recipients survive a refused BDAT",
    by: "server, plain",
    shows: /reset, and it is ready recipients/,
    model: /transaction: "recipients"/,
    edits: [
      {
        file: content,
        find: `machine.state.mail.transaction = "failed";`,
        put: `machine.state.mail.transaction = "recipients";`,
      },
    ],
  },
  {
    what: "the parameters of a refused MAIL are kept",
    by: "server, plain",
    shows: /is kept/,
    model: /envelope: .*, where/,
    edits: [
      {
        file: questions,
        find: `else ownMail(state).refused++;`,
        put: `else state.mail = { ...newMail("none", question.from, question.parameters, null), refused: 1 };`,
      },
    ],
  },
  {
    what: "a chunk is answered before its octets are consumed",
    by: "server, plain",
    shows: /that nobody is owed/,
    model: /250 \d+ octets received/,
    edits: [
      {
        file: content,
        find: `    startChunks(machine);\n  } else {`,
        put: `    startChunks(machine);\n    if (!last) machine.say(replies.octetsReceived(size));\n  } else {`,
      },
      {
        file: content,
        find: `if (content.fault === null) machine.say(replies.octetsReceived(size));`,
        put: `if (content.fault === null) return;`,
      },
    ],
  },
  {
    what: "the octets of a refused chunk are read as commands",
    by: "server, plain",
    shows: /a 221 that nobody is owed/,
    model: /500 Command not recognized/,
    edits: [
      {
        file: content,
        find: `machine.violation(fault.rule, fault.detail, fault.at);\n  }`,
        put: `machine.violation(fault.rule, fault.detail, fault.at);\n    return machine.say(fault.reply);\n  }`,
      },
    ],
  },
  {
    what: "a BDAT LAST that is refused does not end the transaction",
    by: "server, plain",
    shows: /ended by refused, told is null/,
    model: /number of resets: 0/,
    edits: [
      {
        file: content,
        find: `    machine.abandon("refused");\n    if (mustClose(machine, content.fault)) {`,
        put: `    if (mustClose(machine, content.fault)) {`,
      },
    ],
  },
  {
    what: "RSET keeps the parameters of MAIL, BODY among them",
    by: "server, plain",
    shows: /is kept/,
    model: /envelope: .*, where/,
    edits: [
      {
        file: machine,
        find: `    state.mail = noMail();\n    state.chunk = null;`,
        put: `    state.mail = { ...noMail(), parameters: state.mail.parameters };\n    state.chunk = null;`,
      },
    ],
  },
  {
    what: "a second EHLO keeps the recipients",
    by: "server, plain",
    shows: /ended by hello, told is null/,
    model: /number of resets: 0/,
    edits: [
      {
        file: questions,
        find: `machine.abandon("hello");`,
        put: `if (state.hello === null) machine.abandon("hello");`,
      },
    ],
  },
  {
    what: "the next message has the recipients of the last",
    by: "server, plain",
    shows: /is kept/,
    model: /envelope: .*, where/,
    edits: [
      {
        file: questions,
        find: `  state.mail = noMail();\n  machine.content = null;`,
        put: `  state.mail = { ...noMail(), recipients: state.mail.recipients };\n  machine.content = null;`,
      },
    ],
  },
  {
    what: "a refused recipient is in the envelope",
    by: "server, plain",
    shows: /is kept/,
    model: /envelope: .*, where/,
    edits: [
      {
        file: questions,
        find: `        state.mail.refused++;\n        if (++`,
        put: `        state.mail.recipients.push({ to: question.to, parameters: question.parameters });\n        if (++`,
      },
    ],
  },
  {
    what: "a message is complete for the getters before its content was handed out",
    by: "server, plain",
    shows: /body, and it is ready verdict/,
    model: null,
    edits: [
      {
        file: content,
        find: `  take(machine, content, content.read(input), before - input.length);\n  return true;`,
        put: `  take(machine, content, content.read(input), before - input.length);\n  if (content.ended) wholeMessage(machine, content);\n  return true;`,
      },
    ],
  },
  {
    what: "no deadline runs within a chunk",
    by: "server, plain",
    shows: /nothing ends the wait for input/,
    model: /deadline: null/,
    edits: [
      {
        file: "server/timers.ts",
        find: `  const lines = state.reader === "line" || state.reader === "sasl";`,
        put: `  if (state.reader === "octets") return null;\n  const lines = state.reader === "line" || state.reader === "sasl";`,
      },
    ],
  },
  {
    what: "a line whose CR and LF come apart does not end",
    by: "server, plain",
    shows: /no reply to/,
    model: /no reply/,
    edits: [
      {
        file: "wire/line.ts",
        find: `this.#afterCr = chunk[chunk.length - 1] === CR;`,
        put: `this.#afterCr = false;`,
      },
    ],
  },
  {
    what: "the application answers 421, and the session goes on",
    by: "server, plain",
    shows: /after the last word/,
    model: /close: null/,
    edits: [
      {
        file: questions,
        find: `if (answer.code === 421) return machine.finish("refused", answer);`,
        put: `if (answer.code === 421) return machine.say(answer);`,
      },
    ],
  },
  {
    what: "a call that is refused has changed something before",
    by: "server, behind a relay that says XFORWARD",
    shows: /calls that were refused have changed something/,
    model: null,
    edits: [
      {
        file: "server/session.ts",
        find: `    if (state.nextId > 1) throw`,
        put: `    state.peer = canonical;\n    if (state.nextId > 1) throw`,
      },
    ],
  },
  {
    what: "what XFORWARD told of a message is told of the next one",
    by: "server, behind a relay that says XFORWARD",
    shows: /is kept/,
    model: null,
    edits: [
      {
        file: questions,
        find: `  state.mail = noMail();\n  machine.content = null;`,
        put: `  state.mail = { ...noMail(), forwarded: state.mail.forwarded };\n  machine.content = null;`,
      },
    ],
  },
  {
    what: "LMTP has one reply too few for a message that is refused",
    by: "server, LMTPS",
    shows: /no reply to the data/,
    model: /no reply/,
    edits: [
      {
        file: content,
        find: `    const times = settings.lmtp ? recipients.length : 1;\n    machine.abandon("refused");`,
        put: `    const times = 1;\n    machine.abandon("refused");`,
      },
    ],
  },
  {
    what: "STARTTLS keeps the EHLO that came before it",
    by: "server, TLS and AUTH offered",
    shows: /is kept/,
    model: /hello: .*, where null/,
    edits: [{ file: machine, find: `    state.hello = null;\n`, put: `` }],
  },
  {
    what: "who has authenticated before TLS has authenticated inside it",
    by: "server, TLS and AUTH offered",
    shows: /who has authenticated is not who did/,
    model: /authenticated: .*, where null/,
    edits: [{ file: machine, find: `    state.authenticated = null;\n`, put: `` }],
  },
  {
    what: "what was pipelined behind STARTTLS is believed inside TLS",
    by: "server, TLS and AUTH offered",
    shows: /that nobody is owed/,
    model: /220 Decided, where 554/,
    edits: [
      {
        file: "server/commands.ts",
        find: `if (verb === "STARTTLS" && machine.input.length > 0) return injected(machine);`,
        put: ``,
      },
      {
        file: questions,
        find: `      if (machine.input.length > 0) return injected(machine);\n`,
        put: ``,
      },
      { file: machine, find: `    this.input.drop();\n    state.tls = tls;`, put: `    state.tls = tls;` },
      {
        file: machine,
        find: `    const data = input.octets();\n    input.drop();`,
        put: `    const data = new Uint8Array(0);`,
      },
    ],
  },
  {
    what: "a snapshot shows what was said in AUTH",
    by: "server, AUTH required",
    shows: /a secret in a snapshot/,
    model: null,
    edits: [{ file: "server/snapshot.ts", find: `if (state.exchange !== null) return true;`, put: `` }],
  },
  {
    what: "the client calls 4yz to a message accepted",
    by: "client, chunks required",
    shows: /is {"status":"accepted"/,
    model: /accepted 4\d\d, not deferred/,
    edits: [
      {
        file: "client/outcome.ts",
        find: `status: digit === 2 ? "accepted"`,
        put: `status: digit === 2 || digit === 4 ? "accepted"`,
      },
    ],
  },
  {
    what: "the client calls a message not tried whose verdict never came",
    by: "client, chunks required",
    shows: /is {"status":"notTried"/,
    model: /notTried .*, not unknown/,
    edits: [
      {
        file: "client/transfer.ts",
        find: `if (transfer.lastSent && transfer.accepted.includes(index)) {`,
        put: `if (transfer.lastSent && transfer.verdicts > 1e9) {`,
      },
    ],
  },
  {
    what: "the client keeps what it knows of the server through TLS",
    by: "client, TLS required",
    shows: /knows .*, was told/,
    model: null,
    edits: [{ file: "client/machine.ts", find: `    state.capabilities = noCapabilities;\n`, put: `` }],
  },
  {
    what: "the client believes what came behind the 220 to STARTTLS",
    by: "client, TLS required",
    shows: /TLS begins within something/,
    model: /upgrade without 220/,
    edits: [
      {
        file: "client/operations.ts",
        find: `    if (machine.input.length > 0 || machine.replies.partial) {\n      return machine.fail(failure("tls-injection"`,
        put: `    if (machine.input.length > 1e9) {\n      return machine.fail(failure("tls-injection"`,
      },
    ],
  },
  {
    what: "the client goes on after 421 within a transaction",
    by: "client, chunks required",
    shows: /told that it is over, and goes on/,
    model: /where nothing is to come/,
    edits: [
      {
        file: "client/machine.ts",
        find: `    if (reply.code === 421) {`,
        put: `    if (reply.code === 421 && state.transfer === null) {`,
      },
    ],
  },
  {
    what: "the client takes one verdict of LMTP for all recipients",
    by: "client, LMTP",
    shows: /recipient 1 is {"status":"accepted"/,
    model: /accepted 250, not/,
    edits: [
      {
        file: "client/transfer.ts",
        find: `const one = machine.settings.protocol === "lmtp" || transfer.each;`,
        put: `const one = transfer.each;`,
      },
    ],
  },
  {
    what: "the client begins a transaction within one that no recipient was accepted in",
    by: "client, transactions, DATA not ahead",
    shows: /MAIL within a transaction of the server/,
    model: /MAIL without RSET/,
    edits: [
      {
        file: "client/transfer.ts",
        find: `    transfer.resetDue = transfer.mailAccepted;\n    transfer.stage = "draining";`,
        put: `    transfer.stage = "draining";`,
      },
    ],
  },
  {
    what: "the client waits for ever for a verdict",
    by: "client, chunks required",
    shows: /replies owed, the deadline is null/,
    model: /deadline null/,
    edits: [
      {
        file: "client/machine.ts",
        find: `return owed === undefined ? null :`,
        put: `return owed === undefined || owed.kind === "verdict" ? null :`,
      },
    ],
  },
];
