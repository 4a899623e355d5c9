import { each, type Rows } from "./rows.ts";

const onlyContent = "nothing but content waits when a chunk is taken back: commands have left by then";
const neverHeld =
  "a challenge is handed out by the poll that reads it, so that no snapshot holds one among its events";
const label = "it is in the words of a UsageError alone";
const owed =
  "the settled stage waits for the replies that are owed all the same, and their verdicts are kept";

export const client: Rows = [
  [
    "client/chunks.ts",
    onlyContent,
    [
      ...each('machine.out.filter(({ what }) => what === "content")', "machine.out"),
      ...each('what === "content"', "true"),
      ...each('what === "command"', "false"),
      ...each('"command"', '""'),
    ],
  ],
  [
    "client/snapshot.ts",
    neverHeld,
    [
      ...each('({ type }) => type !== "challenge"', "() => undefined"),
      ...each('events.filter(({ type }) => type !== "challenge")', "events"),
      ...each('type !== "challenge"', "true", "false", 'type === "challenge"'),
      ...each('"challenge"', '""'),
    ],
  ],
  [
    "client/session.ts",
    label,
    ["upgradeFailed", "upgraded", "burl", "write", "finish"].map((call): [string, string] => [
      JSON.stringify(call),
      '""',
    ]),
  ],
  ["client/attributes.ts", label, [...each('"xclient"', '""'), ...each('"forwarded"', '""')]],
  [
    "client/transfer.ts",
    owed,
    [
      ...each("transfer.verdicts < accepted.length", "false"),
      ...each("transfer.verdicts < accepted.length || transfer.each", "false"),
    ],
  ],
  [
    "client/transfer.ts",
    "it is in the detail of a failure alone, which is for people",
    [
      ...each('"CR without LF"', '""'),
      ...each('"LF without CR"', '""'),
      ...each('"line of more octets than the limit"', '""'),
    ],
  ],
  [
    "client/transfer.ts",
    "neither of them is a code that says that a mailbox is full",
    each('""', '"Stryker was here!"'),
  ],
  [
    "client/plan.ts",
    "no domain is spelled so, and the address without a domain counts as one",
    each('""', '"Stryker was here!"'),
  ],
  [
    "client/plan.ts",
    "a list is made where one that is there would do, or domains are counted that nobody asks for: it costs time alone",
    [
      ...each("some.length === 0", "false"),
      ...each("others.length === 0", "false"),
      ...each("capabilities.limits.rcptDomainMax === null", "false"),
    ],
  ],
  [
    "client/plan.ts",
    "domains are there where there is a limit: the check is for the types alone",
    [
      ...each(
        "limits.rcptDomainMax !== null && domains !== null",
        "limits.rcptDomainMax !== null || domains !== null",
      ),
      ...each("limits.rcptDomainMax !== null", "true"),
      ...each("domains !== null", "true"),
    ],
  ],
  [
    "client/operations.ts",
    "an AUTH whose response is kept back is the next operation until its reply: the check is for the types alone",
    [
      ...each("deferred.id === owed.id", "true"),
      ...each('deferred?.kind === "auth"', "true"),
      ...each("deferred?.kind", "deferred.kind"),
    ],
  ],
  [
    "client/machine.ts",
    "a reply to RCPT is owed to a transaction: the check is for the types alone",
    each("state.transfer !== null", "true"),
  ],
  [
    "client/attributes.ts",
    "no attribute that can be read is as long: the check is a second one",
    [
      ...each("octets.length > longestLine - 9", "false", "octets.length >= longestLine - 9"),
      ...each("longestLine - 9", "longestLine + 9"),
    ],
  ],
  ["client/attributes.ts", "no attribute has that name", each("[]", '["Stryker was here"]')],
  [
    "client/chunks.ts",
    "what is withdrawn from drains, and nobody counts its chunks any more",
    each("transfer.chunksOut -= chunks", "transfer.chunksOut += chunks"),
  ],
  [
    "client/chunks.ts",
    "while a message is given up nothing but its chunks waits to be said: RSET comes behind",
    each('({ what }) => what === "command"', "() => undefined"),
  ],
  ["client/config.ts", "none has that verb", each("[]", '["Stryker was here"]')],
  [
    "client/doors.ts",
    "what is behind the last octet is undefined, and no letter",
    each("octets.length >= begin.length", "true"),
  ],
  [
    "client/machine.ts",
    "when the session closes nothing waits to be said any more",
    [...each("this.out.length === 0", "true"), ...each("broken", "false")],
  ],
  [
    "client/machine.ts",
    "wantsBody asks that again",
    each('transfer?.stage === "body" && !transfer.finished', "true"),
  ],
  [
    "client/machine.ts",
    "by DATA no chunk is unanswered, and one is allowed",
    [...each('transfer.plan.mode === "data"', "false"), ...each('"data"', '""')],
  ],
  [
    "client/machine.ts",
    "once the roles have turned nobody asks how it closed; and behind half a reply the next step finds nothing to read",
    each("false", "true"),
  ],
  [
    "client/machine.ts",
    "commands wait before content never: it is asked for when all of them were answered",
    [...each('this.out[count].what === "command"', "true"), ...each('first.what !== "content"', "false")],
  ],
  [
    "client/machine.ts",
    "one piece or two, of the same octets",
    each("first.octets.length > cheapToJoin", "first.octets.length >= cheapToJoin"),
  ],
  ["client/machine.ts", "STARTTLS has left before its reply is read", each("this.out.length > 0", "false")],
  [
    "client/machine.ts",
    "what is queued is begun, unless a reply is awaited, which is asked next",
    each("state.operations.length > 0", "false"),
  ],
  [
    "client/machine.ts",
    "where nothing came no reply is read either: it costs time alone",
    each("this.input.length === 0", "false"),
  ],
  [
    "client/operations.ts",
    "it is asked for before anything is begun",
    each("state.challenged !== null", "false"),
  ],
  [
    "client/operations.ts",
    "RSET is never owed together with anything else",
    each(
      'state.expected.every(({ kind }) => kind === "reset")',
      'state.expected.some(({ kind }) => kind === "reset")',
    ),
  ],
  [
    "client/operations.ts",
    "domains that nobody asks for are counted: it costs time alone",
    each("state.capabilities.limits.rcptDomainMax !== null", "true"),
  ],
  [
    "client/operations.ts",
    "there is no other kind: it is a bug if there is",
    each(`default: bug(\`no operation has a reply to \${owed.kind}\`);`, "default:"),
  ],
  ["client/plan.ts", "of no attribute no line is made", each("forwarded === undefined", "false")],
  [
    "client/plan.ts",
    "those that are never unfit are asked, too: it costs time alone",
    [
      ...each("registry.filter(({ unfit }) => unfit !== undefined)", "registry"),
      ...each("unfit !== undefined", "true"),
      ...each("unfit?.(given, words)", "unfit(given, words)"),
    ],
  ],
  [
    "client/plan.ts",
    "an extension is registered with a list, and the parameter that was found is found again: the checks are for the types",
    [
      ...each("side(each)?.some", "side(each).some"),
      ...each("side(extension)?.find", "side(extension).find"),
      ...each(
        "extension === undefined || parameter === undefined",
        "extension === undefined && parameter === undefined",
      ),
      ...each("extension === undefined", "false"),
      ...each("parameter === undefined", "false"),
    ],
  ],
  ["client/plan.ts", "whatever is not `data` goes in chunks", each('"bdat"', '""')],
  ["client/plan.ts", "null is larger than nothing", each("size !== null", "true")],
  ["client/plan.ts", "no mailbox in parts is spelled so", each('typeof addressee.to === "string"', "true")],
  [
    "client/plan.ts",
    "the octets are counted, which tells: it costs time alone",
    each("3 * text.length > longestPath", "true", "3 * text.length >= longestPath"),
  ],
  ["client/record.ts", "it is made anew when XCLIENT is said", each("[]", '["Stryker was here"]')],
  [
    "client/session.ts",
    "what is closing is closed once more, as it was",
    [...each('phase === "closing"', "false"), ...each('"closing"', '""'), ...each('"closed"', '""')],
  ],
  ["client/session.ts", "an extension is registered with a list", each("verbs?.some", "verbs.some")],
  [
    "client/session.ts",
    "no time is later than undefined, and the same time is the same",
    [...each("now !== undefined", "true"), ...each("now > state.now", "now >= state.now")],
  ],
  [
    "client/snapshot.ts",
    "a writer is there with a transaction alone: the check is for the types",
    each("transfer !== null", "true"),
  ],
  [
    "client/transfer.ts",
    "while a transaction is under way nothing else is owed but a RSET in front of it",
    [...each("id === transfer.id", "true"), ...each("expected.id === id", "true")],
  ],
  ["client/transfer.ts", "undefined is not true either", each("default: return false;", "default:")],
  [
    "client/transfer.ts",
    "a CR that is held was written behind the URL, which was said then",
    each("false", "true"),
  ],
  [
    "client/transfer.ts",
    "of what was given up no chunk is left to be said",
    each('transfer.stage === "body"', "true"),
  ],
  [
    "client/transfer.ts",
    "draining waits for the verdicts that are still owed, and they count",
    [
      ...each(
        "transfer.verdicts < accepted.length || transfer.each",
        "transfer.verdicts < accepted.length && transfer.each",
      ),
      ...each("transfer.verdicts < accepted.length", "transfer.verdicts >= accepted.length"),
    ],
  ],
  [
    "client/machine.ts",
    "when it is closed nothing is owed any more, and no content on its way",
    [...each('state.phase === "closed"', "false"), ...each('"closed"', '""')],
  ],
  ["client/machine.ts", "the step that follows closes the session", each("true", "false")],
  [
    "client/operations.ts",
    "the operation with the id of the AUTH that is answered is that AUTH, whose response is kept back",
    [
      ...each(
        'owed.index === 1 && deferred?.kind === "auth"',
        'owed.index === 1 || deferred?.kind === "auth"',
      ),
      ...each("owed.index === 1", "true"),
    ],
  ],
  ["client/operations.ts", "it is made anew when XCLIENT is said", each("[]", '["Stryker was here"]')],
  ["client/transfer.ts", "behind DATA nothing more can be said", each("true", "false")],
  [
    "client/transfer.ts",
    "it is in a detail alone, which is for people; and no recipient is open when all is settled",
    [
      ...each(
        '{\n  "content-bare-cr": "CR without LF",\n  "content-bare-lf": "LF without CR",\n  "content-long-line": "line of more octets than the limit",\n}',
        "{}",
      ),
      ...each('"abandoned"', '""'),
    ],
  ],
];
