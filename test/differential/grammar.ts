import fc from "fast-check";

/**
 * What clients say, one string a step: a plausible session first, and then whatever makes servers disagree. A step is a
 * command line, content with its end, or a chunk with its command.
 */
export const sequences: fc.Arbitrary<readonly string[]> = fc
  .constant(null)
  .chain(() =>
    fc
      .tuple(session(), often([8, mutations(0)], [8, mutations(1)], [3, mutations(2)], [1, mutations(4)]))
      .map(([steps, spoilt]) => spoilt.reduce<readonly string[]>((all, mutate) => mutate(all), steps)),
  );

const mutations = (count: number): fc.Arbitrary<readonly Mutation[]> =>
  fc.array(mutation(), { minLength: count, maxLength: count });

/** Weighted choice: what is said often comes first. */
function often<T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const one = <T extends string>(...texts: readonly T[]): fc.Arbitrary<string> => fc.constantFrom(...texts);

const letters = (length: number): string => "x".repeat(length);

function session(): fc.Arbitrary<readonly string[]> {
  return fc
    .tuple(
      often<readonly string[]>(
        [20, hello(20).map((line) => [line])],
        [2, fc.tuple(odd(), hello(8))],
        [1, fc.constant([])],
      ),
      fc.array(often<readonly string[]>([4, transaction()], [2, odd().map((line) => [line])]), {
        minLength: 1,
        maxLength: 4,
        size: "max",
      }),
    )
    .map(([first, rest]) => [...first, ...rest.flat()]);
}

function hello(good: number): fc.Arbitrary<string> {
  return often(
    [good, one("EHLO client.example.net\r\n")],
    [2, one("HELO client.example.net\r\n")],
    [
      1,
      fc
        .tuple(one("EHLO", "HELO", "ehlo", "Helo"), one(...names))
        .map(([verb, name]) => `${verb}${name}\r\n`),
    ],
  );
}

const names = [
  "",
  " ",
  " localhost",
  " [127.0.0.1]",
  " [IPv6:::1]",
  " [IPv6:2001:db8::1]",
  " [127.0.0.256]",
  " [127.0.0]",
  " [x:y]",
  " []",
  " [127.0.0.1",
  " 127.0.0.1",
  "  client.example.net",
  " client.example.net ",
  " client.example.net\t",
  "\tclient.example.net",
  " client.example.net and more",
  " [127.0.0.1] and more",
  " client_1.example.net",
  " -client.example.net",
  " client-.example.net",
  " client..example.net",
  " .client.example.net",
  " client.example.net.",
  " xn--bcher-kva.example",
  " b\xc3\xbccher.example",
  " b\xfccher.example",
  " a@example.net",
  " <client.example.net>",
  " (client)",
  ` ${letters(63)}.example`,
  ` ${letters(64)}.example`,
  ` ${`${letters(60)}.`.repeat(4)}example`,
  ` ${`${letters(60)}.`.repeat(5)}example`,
];

/** Local parts and domains that the grammar has. */
export const goodSenders: readonly string[] = [
  "<>",
  "<a@example.net>",
  "<A.B+c@Example.NET>",
  '<"a b"@example.net>',
  '<"a\\"b"@example.net>',
  '<"a\\\\b"@example.net>',
  '<"a@b>c"@example.net>',
  '<""@example.net>',
  '<"a.b"@example.net>',
  "<a!#$%&'*+-/=?^_`{|}~@example.net>",
  "<@hub.example,@x.example:a@example.net>",
  "<@hub.example:a@example.net>",
  "<a@[192.0.2.1]>",
  "<a@[IPv6:2001:db8::1]>",
  "<a@[IPv6:::ffff:192.0.2.1]>",
  "<a@localhost>",
  "<a@192.0.2.1>",
  "<a@xn--bcher-kva.example>",
  `<${letters(64)}@example.net>`,
  `<a@${letters(63)}.example>`,
  `<a@${`${letters(60)}.`.repeat(3)}example>`,
];

const badSenders = [
  "",
  " ",
  "<",
  ">",
  "< >",
  "<a>",
  "<@>",
  "<a@>",
  "<@example.net>",
  "a@example.net",
  "<a@example.net",
  "a@example.net>",
  "<<a@example.net>>",
  "< a@example.net>",
  "<a@example.net >",
  "<a @example.net>",
  "<a b@example.net>",
  "<a@b@example.net>",
  "<.a@example.net>",
  "<a.@example.net>",
  "<a..b@example.net>",
  '<"a"b@example.net>',
  '<"a"."b"@example.net>',
  '<"a@example.net>',
  "<a@example.net.>",
  "<a@.example.net>",
  "<a@example..net>",
  "<a@-example.net>",
  "<a@example-.net>",
  "<a@exam_ple.net>",
  "<a@[]>",
  "<a@[256.0.0.1]>",
  "<a@[1.2.3]>",
  "<a@[2001:db8::1]>",
  "<a@[IPv6:1::2::3]>",
  "<a@[192.0.2.1>",
  "<a@#123>",
  "<hub.example!a>",
  "<a%b>",
  "<@hub.example>",
  "<@hub.example,a@example.net>",
  "<@hub.example:>",
  "<,@hub.example:a@example.net>",
  "<a(comment)@example.net>",
  "Anna <a@example.net>",
  "<a@example.net> (Anna)",
  "<a@example.net>,<b@example.net>",
  "<a\\b@example.net>",
  "<\xc3\xa4@example.net>",
  "<\xe4@example.net>",
  "<a@b\xc3\xbccher.example>",
  '<"\xc3\xa4"@example.net>',
  "<a\t@example.net>",
  `<${letters(65)}@example.net>`,
  `<${letters(200)}@example.net>`,
  `<a@${letters(64)}.example>`,
  `<a@${`${letters(60)}.`.repeat(5)}example>`,
];

export const goodRecipients: readonly string[] = [
  "<b@example.com>",
  "<c@example.com>",
  "<B@EXAMPLE.COM>",
  '<"b"@example.com>',
  "<Postmaster>",
  "<pOsTmAsTeR>",
  "<postmaster@example.com>",
  "<@hub.example:b@example.com>",
  "<@example.com:b@example.com>",
];

const strangers = [
  "<nobody@example.com>",
  "<b@elsewhere.example>",
  "<b@[192.0.2.55]>",
  '<"b c"@example.com>',
];

const mailParameters = [
  "SIZE=0",
  "SIZE=1000",
  "size=1000",
  "SIZE=29000000",
  "SIZE=40000000",
  "SIZE=99999999999999999999",
  "SIZE=123456789012345678901",
  "SIZE",
  "SIZE=",
  "SIZE=-1",
  "SIZE=1e3",
  "SIZE=x",
  "SIZE=1 SIZE=1",
  "SIZE 1",
  "BODY=7BIT",
  "BODY=8BITMIME",
  "body=8bitmime",
  "BODY=BINARYMIME",
  "BODY=9BIT",
  "BODY=",
  "BODY",
  "BODY=7BIT BODY=8BITMIME",
  "SMTPUTF8",
  "SMTPUTF8=1",
  "SMTPUTF8 SMTPUTF8",
  "BODY=8BITMIME SMTPUTF8 SIZE=10",
  "RET=FULL",
  "RET=hdrs",
  "RET=BODY",
  "RET",
  "RET=FULL RET=HDRS",
  "ENVID=QQ314159",
  "ENVID=a+20b",
  "ENVID=a+2",
  "ENVID=a+0Ab",
  "ENVID=a=b",
  "ENVID=",
  "ENVID=a ENVID=b",
  `ENVID=${letters(100)}`,
  "RET=HDRS ENVID=x",
  "AUTH=<>",
  "AUTH=a@example.net",
  "AUTH=",
  "PRDR",
  "PRDR=1",
  "REQUIRETLS",
  "HOLDFOR=10",
  "BY=100;R",
  "MT-PRIORITY=3",
  "FOO",
  "FOO=bar",
  "X-FOO=bar",
  "=",
  "=1",
  "SIZE==1",
  "-=1",
  "FOO=b\xe4r",
  "SIZE=1,BODY=7BIT",
  "NOTIFY=NEVER",
];

const rcptParameters = [
  "NOTIFY=NEVER",
  "NOTIFY=SUCCESS,FAILURE,DELAY",
  "notify=never",
  "NOTIFY=NEVER,DELAY",
  "NOTIFY=SOMETIMES",
  "NOTIFY=",
  "NOTIFY",
  "NOTIFY=NEVER NOTIFY=NEVER",
  "NOTIFY=SUCCESS,",
  "NOTIFY=SUCCESS,SUCCESS",
  "ORCPT=rfc822;b@example.com",
  "ORCPT=rfc822;b+2Bx@example.com",
  "ORCPT=rfc822;b+2@example.com",
  "ORCPT=b@example.com",
  "ORCPT=rfc822;",
  "ORCPT=;b@example.com",
  "ORCPT=",
  "ORCPT=rfc822;b ORCPT=rfc822;b",
  "ORCPT=utf-8;\xc3\xa4@example.com",
  "ORCPT=utf-8;\\x{E4}@example.com",
  "RRVS=2026-01-01T00:00:00Z",
  "FOO",
  "FOO=bar",
  "SIZE=1",
  "=1",
];

/** `MAIL FROM:` and `RCPT TO:`, and what is close to them. */
function opening(verb: string, word: string): fc.Arbitrary<string> {
  const lower = `${verb} ${word}:`.toLowerCase();
  return often(
    [30, one(`${verb} ${word}:`)],
    [
      1,
      one(
        lower,
        `${verb[0]}${lower.slice(1)}`,
        `${verb} ${word}: `,
        `${verb} ${word}:  `,
        `${verb} ${word} :`,
        `${verb} ${word} : `,
        `${verb}  ${word}:`,
        `${verb}\t${word}:`,
        `${verb} ${word}:\t`,
        `${verb} ${word}`,
        `${verb} ${word} `,
        `${verb}${word}:`,
        `${verb} `,
        `${verb}`,
        `${verb}:`,
        ` ${verb} ${word}:`,
        `${verb} ${word === "TO" ? "FROM" : "TO"}:`,
      ),
    ],
  );
}

function parameters(known: readonly string[]): fc.Arbitrary<string> {
  return often(
    [20, one("")],
    [4, one(...known).map((text) => ` ${text}`)],
    [1, fc.tuple(one(...known), one(...known)).map(([a, b]) => ` ${a} ${b}`)],
    [1, fc.tuple(one("  ", "\t", "", " \t"), one(...known)).map(([blank, text]) => `${blank}${text}`)],
    [1, one(" ", "  ", "\t", " \t ")],
  );
}

function mail(): fc.Arbitrary<string> {
  return fc
    .tuple(
      opening("MAIL", "FROM"),
      often([20, one("<a@example.net>", "<>")], [6, one(...goodSenders)], [3, one(...badSenders)]),
      parameters(mailParameters),
    )
    .map(([begin, path, rest]) => `${begin}${path}${rest}\r\n`);
}

function recipient(): fc.Arbitrary<string> {
  const bad = badSenders.map((path) => path.replaceAll("example.net", "example.com"));
  return fc
    .tuple(
      opening("RCPT", "TO"),
      often(
        [12, one("<b@example.com>", "<c@example.com>")],
        [4, one(...goodRecipients)],
        [3, one(...strangers)],
        [3, one("<>", ...bad)],
      ),
      parameters(rcptParameters),
    )
    .map(([begin, path, rest]) => `${begin}${path}${rest}\r\n`);
}

function transaction(): fc.Arbitrary<readonly string[]> {
  const between = often<readonly string[]>([10, fc.constant([])], [1, odd().map((line) => [line])]);
  return fc
    .tuple(
      mail(),
      between,
      fc.array(recipient(), { minLength: 1, maxLength: 3, size: "max" }),
      between,
      often<readonly string[]>([3, byData()], [1, chunks()], [1, fc.constant([])]),
    )
    .map(([from, first, to, second, by]) => [from, ...first, ...to, ...second, ...by]);
}

function byData(): fc.Arbitrary<readonly string[]> {
  return fc
    .tuple(
      often(
        [15, one("DATA\r\n")],
        [1, one("data\r\n", "DATA \r\n", "DATA now\r\n", "DATA\t\r\n", " DATA\r\n")],
      ),
      content(),
    )
    .map(([verb, text]) => [verb, text]);
}

/** What is close to the end of data, and is not it: the specification's list, and more. */
const notEnds = [
  "\n.\n",
  "\n.\r\n",
  "\r\n.\n",
  "\r\n.\r",
  "\n.\r",
  "\r.\r\n",
  "\r.\n",
  "\r.\r",
  "\r\n.\r\r\n",
  "\r\r\n.\r\r\n",
  "\r\r\n.\r\n\r\n",
  "\r\n\0.\r\n",
  "\r\n.\0\r\n",
  "\n.\r\r\n",
  "\r\n. \r\n",
  "\r\n .\r\n",
  "\r\n..\r\n",
  "\r\n.\t\r\n",
  "\n\n.\n\n",
  "\r\n.\n\r\n",
  "\n\r.\n\r",
];

const textLines = [
  "",
  "text",
  ".",
  "..",
  ".text",
  "...",
  "text.",
  " ",
  "Subject: hello",
  "From: a@example.net",
  "To: b@example.com",
  "caf\xc3\xa9",
  "caf\xe9",
  "nul\0nul",
  "\x7f\x01",
  "RSET",
  "QUIT",
  "NOOP",
  letters(998),
  letters(999),
  letters(1000),
  letters(1001),
  letters(2100),
  letters(5000),
];

function content(): fc.Arbitrary<string> {
  const lines = fc
    .array(often([5, one(...textLines.filter((line) => line !== "."))], [20, one("text", "more")]), {
      maxLength: 4,
    })
    .map((all) => ["Subject: hello", "", ...all].map((line) => `${line}\r\n`).join(""));
  return often(
    [10, lines.map((text) => `${text}.\r\n`)],
    [1, one(".\r\n", "\r\n.\r\n", "..\r\n.\r\n", ".text\r\n.\r\n")],
    [
      6,
      fc
        .tuple(lines, one(...notEnds), one("", "text\r\n", "RSET\r\n", "NOOP\r\nNOOP\r\n"))
        .map(([text, end, rest]) => `${text}text${end}${rest}\r\n.\r\n`),
    ],
    [
      2,
      fc.tuple(lines, one("\n", "\r", "\n\r", "\r\r\n")).map(([text, bare]) => `${text}a${bare}b\r\n.\r\n`),
    ],
  );
}

const chunkTexts = [
  "",
  "x",
  "text\r\n",
  "\r\n",
  ".\r\n",
  "QUIT\r\n",
  "RSET\r\n",
  "a\nb\r\n",
  "a\rb\r\n",
  "\r",
  "\n",
  "\r\n.\r\n",
  "\0\xff",
];

function chunks(): fc.Arbitrary<readonly string[]> {
  return fc.array(
    often(
      [
        12,
        fc
          .tuple(
            one(...chunkTexts),
            fc.boolean(),
            often([10, fc.constant(0)], [1, fc.integer({ min: -2, max: 3 })]),
          )
          .map(([text, last, off]) => bdat(`${Math.max(0, text.length + off)}${last ? " LAST" : ""}`, text)),
      ],
      [
        2,
        one(
          bdat("0 LAST", ""),
          bdat("0", ""),
          bdat("4 last", "text"),
          bdat("004", "text"),
          bdat(" 4", "text"),
        ),
      ],
      [
        1,
        one(
          ...[
            "",
            "x",
            "-1",
            "+4",
            "4 FIRST",
            "4 LAST LAST",
            "0x4",
            "4,LAST",
            "4\tLAST",
            "4 LASTx",
            "4.0",
          ].map((size) => bdat(size, "text\r\n")),
          bdat("99999999999999999999", "text\r\n"),
          "bdat 4 LAST\r\ntext",
          "BDAT\r\n",
        ),
      ],
      [1, recipient()],
      [1, one("DATA\r\n", "RSET\r\n", "NOOP\r\n")],
    ),
    { minLength: 1, maxLength: 3, size: "max" },
  );
}

const bdat = (argument: string, text: string): string => `BDAT ${argument}\r\n${text}`;

const odds = [
  "RSET\r\n",
  "RSET\r\n",
  "RSET\r\n",
  "NOOP\r\n",
  "NOOP\r\n",
  "NOOP hello\r\n",
  "rset\r\n",
  "RSET \r\n",
  "RSET\t\r\n",
  "RSET now\r\n",
  "RSETnow\r\n",
  "noop \t \r\n",
  "NOOP\tx\r\n",
  "NOOP \xc3\xa4\r\n",
  "VRFY b\r\n",
  "VRFY b@example.com\r\n",
  "VRFY <b@example.com>\r\n",
  "VRFY nobody@example.com\r\n",
  "VRFY\r\n",
  "VRFY \r\n",
  "VRFY a b\r\n",
  "VRFY \xc3\xa4\r\n",
  "VRFY b SMTPUTF8\r\n",
  "EXPN list\r\n",
  "EXPN\r\n",
  "HELP\r\n",
  "HELP MAIL\r\n",
  "HELP nothing\r\n",
  "HELP \xe4\r\n",
  "QUIT now\r\n",
  "QUIT\r\n",
  "quit\r\n",
  "QUIT \r\n",
  "DATA\r\n",
  "DATA now\r\n",
  "EHLO client.example.net\r\n",
  "HELO client.example.net\r\n",
  "LHLO client.example.net\r\n",
  "TURN\r\n",
  "SEND FROM:<a@example.net>\r\n",
  "SOML FROM:<a@example.net>\r\n",
  "SAML FROM:<a@example.net>\r\n",
  "ETRN example.com\r\n",
  "ETRN\r\n",
  "ETRN @example.com\r\n",
  "ETRN #queue\r\n",
  "ETRN a b\r\n",
  "ETRN -\r\n",
  "ATRN example.com\r\n",
  "STARTTLS\r\n",
  "STARTTLS now\r\n",
  "AUTH\r\n",
  "AUTH PLAIN\r\n",
  "AUTH PLAIN AGEAYg==\r\n",
  "BURL imap://example.com/x LAST\r\n",
  "XCLIENT NAME=x.example\r\n",
  "XFORWARD NAME=x.example\r\n",
  "XFOO\r\n",
  "FOO\r\n",
  "FOO bar\r\n",
  "MAILFROM:<a@example.net>\r\n",
  "RCPTTO:<b@example.com>\r\n",
  "MAI\r\n",
  "MAILX FROM:<a@example.net>\r\n",
  "DEBUG\r\n",
  "WIZ\r\n",
  "VERB\r\n",
  "ONEX\r\n",
  "\r\n",
  " \r\n",
  "\t\r\n",
  ".\r\n",
  "..\r\n",
  "250 OK\r\n",
  " NOOP\r\n",
  "\tNOOP\r\n",
  "NO\0OP\r\n",
  "NOOP\0\r\n",
  "\0NOOP\r\n",
  "NOOP\x7f\r\n",
  "NOOP \x01\r\n",
  "NOOP\x1b\r\n",
  "N\xd6OP\r\n",
  "\xff\xfe\r\n",
  "\x16\x03\x01\x02\r\n",
  "NOOP\nNOOP\r\n",
  "NOOP\n",
  "NOOP\r",
  "NOOP\rNOOP\r\n",
  "NOOP\r\r\n",
  "NOOP\n\r\n",
  "\nNOOP\r\n",
  "\rNOOP\r\n",
  "RSET\nQUIT\n",
  "MAIL FROM:<a@example.net>\n",
  "MAIL FROM:<a@example.net>\r\r\n",
  "RCPT TO:<b@example.com>\nDATA\r\n",
  "DATA\n",
  "DATA\r\r\n",
  `NOOP ${letters(505)}\r\n`,
  `NOOP ${letters(506)}\r\n`,
  `NOOP ${letters(1000)}\r\n`,
  `NOOP ${letters(2040)}\r\n`,
  `NOOP ${letters(2100)}\r\n`,
  `NOOP ${letters(4089)}\r\n`,
  `NOOP ${letters(4100)}\r\n`,
  `NOOP ${letters(12_500)}\r\n`,
  `${letters(600)}\r\n`,
  `${letters(3000)}\r\n`,
  `${letters(70_000)}\r\n`,
  `VRFY ${letters(300)}\r\n`,
  `HELP ${letters(300)}\r\n`,
];

function odd(): fc.Arbitrary<string> {
  return often(
    [6, one(...odds)],
    [1, mail()],
    [1, recipient()],
    [1, hello(2)],
    [1, chunks().map((all) => all.join(""))],
  );
}

type Mutation = (steps: readonly string[]) => readonly string[];

const evilOctets = [
  "\0",
  "\r",
  "\n",
  "\t",
  " ",
  "\xe4",
  "<",
  ">",
  "@",
  ":",
  ".",
  '"',
  "\\",
  "\x7f",
  "=",
  "x",
  "\r\n",
];

/** Something that a plausible session is spoilt by. */
function mutation(): fc.Arbitrary<Mutation> {
  const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const at = (share: number, length: number): number => Math.floor(share * length);
  const change = (how: (step: string, inside: number) => readonly string[]): fc.Arbitrary<Mutation> =>
    fc.tuple(place, place).map(([where, inside]) => (steps: readonly string[]) => {
      const chosen = at(where, steps.length);
      return steps.flatMap((step, index) => (index === chosen ? how(step, at(inside, step.length)) : [step]));
    });
  return often<Mutation>(
    [2, change(() => [])],
    [2, change((step) => [step, step])],
    [
      2,
      fc.tuple(place, place).map(([from, to]) => (steps: readonly string[]) => {
        const rest = [...steps];
        const moved = rest.splice(at(from, steps.length), 1);
        rest.splice(at(to, steps.length), 0, ...moved);
        return rest;
      }),
    ],
    [
      2,
      fc.tuple(place, odd()).map(([where, said]) => (steps: readonly string[]) => {
        const rest = [...steps];
        rest.splice(at(where, steps.length + 1), 0, said);
        return rest;
      }),
    ],
    [
      3,
      one(...evilOctets).chain((octet) =>
        change((step, inside) => [`${step.slice(0, inside)}${octet}${step.slice(inside + 1)}`]),
      ),
    ],
    [
      2,
      one(...evilOctets).chain((octet) =>
        change((step, inside) => [step.slice(0, inside) + octet + step.slice(inside)]),
      ),
    ],
    [2, change((step, inside) => [step.slice(0, inside) + step.slice(inside + 1)])],
    [1, change((step, inside) => [step.slice(0, inside)])],
    [1, change((step) => [step.replace(/\r\n$/, "\n")])],
    [1, change((step) => [step.replace(/\r\n$/, "\r")])],
    [1, change((step) => [step.replace(/\r\n$/, "")])],
    [1, change((step) => [step.replace(/\r\n/g, "\n")])],
    [1, change((step) => [step.toLowerCase()])],
    [1, change((step, inside) => [step.slice(0, inside) + letters(600) + step.slice(inside)])],
  );
}

/** How a sequence is given to a server. */
export const deliveries = fc.record({
  pace: fc.oneof(
    { weight: 6, arbitrary: fc.constant("lockstep" as const) },
    { weight: 5, arbitrary: fc.constant("groups" as const) },
    { weight: 5, arbitrary: fc.constant("burst" as const) },
    { weight: 1, arbitrary: fc.constant("early" as const) },
  ),
  cuts: fc.oneof(fc.constant([]), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 })),
});
