import fc from "fast-check";

/** What the scripted server does in the place of a reply. */
export type Doing =
  | "reply"
  /** The reply, and the end of the connection. */
  | "reply, end"
  /** The reply, and another one that nobody has asked for. */
  | "reply, reply"
  | "end"
  | "reset"
  /** The first octets of the reply, and the end. */
  | "half, end"
  /** A first line, which says that more follow, and the end. */
  | "unfinished, end"
  | "silence"
  /** A line that is no reply. */
  | "garbage"
  /** Lines of one reply with several codes. */
  | "mixed"
  /** A code of four digits, or one that begins with 6. */
  | "no code"
  /** An empty line, and the reply. */
  | "blank"
  /** LF ends the lines of the reply. */
  | "bare LF";

/** What becomes of one command. */
export interface Fate {
  readonly doing: Doing;
  /** 0: what a good server says there. */
  readonly code: number;
  readonly enhanced: boolean;
  readonly lines: number;
  /** No text behind the code. */
  readonly bald: boolean;
}

/** A message as both clients are given it. */
export interface Message {
  /** `m0@example.net`, so that a server knows which message it is; null: `<>`. */
  readonly from: string | null;
  readonly to: readonly string[];
  /** One character an octet. */
  readonly content: string;
  readonly dsn: null | {
    readonly ret: "FULL" | "HDRS" | null;
    readonly envid: string | null;
    readonly notify: readonly ("NEVER" | "SUCCESS" | "FAILURE" | "DELAY")[];
  };
  readonly requireTls: boolean;
}

/** A session: what is to be sent, and what the server makes of it. */
export interface Script {
  readonly protocol: "smtp" | "lmtp";
  readonly tls: "never" | "offered" | "required";
  readonly auth: boolean;
  /** Lines of the EHLO reply behind the first, before and inside TLS; the first line has words behind the name. */
  readonly offers: readonly string[];
  readonly offersInside: readonly string[];
  readonly welcome: string;
  readonly chunking: "prefer" | "avoid";
  readonly messages: readonly Message[];
  /** By slot: `greeting`, `EHLO`, `MAIL 0`, `RCPT 0 1`, `. 0`... What is not there is good. */
  readonly fates: Readonly<Record<string, Fate>>;
  /** How many octets the server writes at a time; 0: all. */
  readonly piece: number;
}

export const good: Fate = { doing: "reply", code: 0, enhanced: true, lines: 1, bald: false };

/** The place of a command in a script. Inside TLS EHLO is another one; LHLO is EHLO. */
export function slotsOf({ protocol, messages }: Pick<Script, "protocol" | "messages">): string[] {
  const slots = ["greeting", "EHLO", "HELO", "STARTTLS", "EHLO inside", "AUTH", "QUIT"];
  for (const [m, { to }] of messages.entries()) {
    slots.push(`MAIL ${m}`, `DATA ${m}`, `RSET ${m}`);
    for (const r of to.keys()) slots.push(`RCPT ${m} ${r}`);
    if (protocol === "smtp") slots.push(`. ${m}`);
    else for (const r of to.keys()) slots.push(`. ${m} ${r}`);
  }
  return slots;
}

const codes = {
  good: [0, 0, 0, 200, 211, 214, 220, 221, 235, 250, 251, 252, 299],
  intermediate: [300, 334, 353, 354],
  temporary: [400, 421, 430, 432, 450, 451, 452, 454, 455, 499],
  permanent: [500, 501, 502, 503, 504, 521, 530, 534, 535, 538, 550, 551, 552, 553, 554, 555, 556, 571, 599],
} as const;

const code = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...codes.permanent) },
  { weight: 5, arbitrary: fc.constantFrom(...codes.temporary) },
  { weight: 3, arbitrary: fc.constantFrom(...codes.good) },
  { weight: 1, arbitrary: fc.constantFrom(...codes.intermediate) },
);

const fate: fc.Arbitrary<Fate> = fc.record({
  doing: fc.oneof(
    { weight: 60, arbitrary: fc.constant<Doing>("reply") },
    {
      weight: 20,
      arbitrary: fc.constantFrom<Doing>(
        "reply, end",
        "reply, reply",
        "end",
        "reset",
        "half, end",
        "unfinished, end",
        "garbage",
        "mixed",
        "no code",
        "blank",
        "bare LF",
      ),
    },
    { weight: 1, arbitrary: fc.constant<Doing>("silence") },
  ),
  code,
  enhanced: fc.boolean(),
  lines: fc.constantFrom(1, 1, 1, 2, 4),
  bald: fc.constantFrom(false, false, false, false, true),
});

const offered = (name: string, weight = 2): fc.Arbitrary<readonly string[]> =>
  fc.oneof({ weight, arbitrary: fc.constant([name]) }, { weight: 1, arbitrary: fc.constant<string[]>([]) });

const offers: fc.Arbitrary<readonly string[]> = fc
  .tuple(
    offered("PIPELINING", 4),
    fc.constantFrom<readonly string[]>(
      [],
      ["SIZE"],
      ["SIZE 0"],
      ["SIZE 60"],
      ["SIZE 1000000"],
      ["SIZE many"],
    ),
    offered("8BITMIME", 3),
    offered("SMTPUTF8", 3),
    offered("DSN"),
    offered("CHUNKING", 1),
    offered("ENHANCEDSTATUSCODES"),
    offered("REQUIRETLS", 1),
    fc.constantFrom<readonly string[]>(
      ...[["AUTH PLAIN LOGIN"], ["AUTH PLAIN"], ["AUTH LOGIN"], ["AUTH=PLAIN"], ["AUTH CRAM-MD5"], []],
      ...[["AUTH CRAM-MD5 PLAIN"], ["AUTH X-OWN PLAIN"], ["AUTH X-OWN"]],
    ),
    // What only looks like an extension.
    fc.constantFrom<readonly string[]>(
      [],
      [],
      [],
      [],
      ["X-PIPELINING"],
      ["XDEBUG DSN SMTPUTF8"],
      ["8bitmime"],
    ),
  )
  .map((lists) => lists.flat());

const text = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.string({
      unit: fc.constantFrom("a", "b c", ".", "..", "\r\n", "\r\n."),
      minLength: 1,
      maxLength: 14,
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom("Grüße\r\n", "x\xff\r\n.\r\n", "\xe4") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("a\nb\r\n", "a\rb\r\n", "a\n.\nb", "a\r.\rb\r\n", "a\r\n.\n", "a\r", "a\n"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(`${"x".repeat(998)}\r\n`, `${"x".repeat(1200)}\r\n`, "line\r\n".repeat(400)),
  },
);

const names = fc.oneof(
  { weight: 8, arbitrary: fc.constant("r#@example.com") },
  { weight: 1, arbitrary: fc.constantFrom("rä#@example.com", '"r #"@example.com', "r#@bücher.example") },
);

const message = (at: number): fc.Arbitrary<Message> =>
  fc.record({
    from: fc.oneof(
      { weight: 8, arbitrary: fc.constant(`m${at}@example.net`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(`mü${at}@example.net`, at === 0 ? null : `m${at}@example.net`),
      },
    ),
    to: fc
      .array(names, { minLength: 1, maxLength: 3 })
      .map((all) => all.map((name, index) => name.replace("#", String(index)))),
    content: text,
    dsn: fc.oneof(
      { weight: 9, arbitrary: fc.constant(null) },
      {
        weight: 1,
        arbitrary: fc.record({
          ret: fc.constantFrom("FULL" as const, "HDRS" as const, null),
          envid: fc.constantFrom("id", "a+b=c d", null),
          notify: fc.constantFrom(
            ...([["NEVER"], ["SUCCESS", "FAILURE"], ["DELAY"], []] as const satisfies (readonly string[])[]),
          ),
        }),
      },
    ),
    requireTls: fc.constantFrom(...Array<boolean>(15).fill(false), true),
  });

/** Sessions: most of them go wrong at one place or two. */
export const scripts: fc.Arbitrary<Script> = fc
  .record({
    protocol: fc.constantFrom("smtp", "smtp", "smtp", "lmtp" as const),
    tls: fc.constantFrom(...Array<"never">(8).fill("never"), ...(["offered", "required"] as const)),
    auth: fc.constantFrom(false, false, false, false, true),
    offers,
    offersInside: offers,
    starttls: fc.boolean(),
    welcome: fc.constantFrom("", "", "", " ESMTP", " at your service: PIPELINING 8BITMIME SIZE 10", ""),
    chunking: fc.constantFrom("prefer", "avoid", "avoid" as const),
    messages: fc.oneof(
      { weight: 2, arbitrary: fc.tuple(message(0)) },
      { weight: 1, arbitrary: fc.tuple(message(0), message(1)) },
    ) as fc.Arbitrary<readonly Message[]>,
    piece: fc.constantFrom(0, 0, 0, 1, 7),
  })
  .chain(({ starttls, ...script }) =>
    fc.array(fc.tuple(fc.constantFrom(...slotsOf(script)), fate), { maxLength: 3 }).map((fates): Script => {
      const secure = script.tls !== "never" && starttls ? ["STARTTLS"] : [];
      const offers = [...script.offers, ...secure];
      // What is common is tried without all that is rare before it.
      const late = fates.filter(([slot]) => / \d/.test(slot));
      const chosen = late.length > 0 ? late : fates;
      return { ...script, offers, fates: Object.fromEntries(chosen) };
    }),
  );
