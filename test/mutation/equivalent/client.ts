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
];
