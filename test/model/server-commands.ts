/**
 * What is done to both, the model and the session: groups of commands, and what happens to connections. The alphabet is
 * every verb in valid, invalid and refusable forms, content with all that matters in it, and chunks right and wrong;
 * it is weighted so that half of all groups lead deeper into a transaction.
 */
import type { ServerConfig } from "@sansmtp/core";
import fc from "fast-check";
import { compare, type Model, type Real } from "./server-session.ts";
import { type Decision, type Settings, type State, upgraded, type Verdict } from "./server-state.ts";

type Command = fc.Command<Model, Real>;

/** One read or more: command lines, content, chunks, in a row. */
class Group implements Command {
  readonly octets: string;
  readonly cuts: readonly number[];
  readonly late: boolean;
  readonly decisions: readonly Decision[];

  constructor(
    units: readonly string[],
    cuts: readonly number[],
    late: boolean,
    decisions: readonly Decision[],
  ) {
    this.octets = units.join("");
    this.cuts = [...new Set(cuts.map((cut) => Math.floor(cut * this.octets.length)))].sort((a, b) => a - b);
    this.late = late;
    this.decisions = decisions;
  }

  check({ state }: Readonly<Model>): boolean {
    return state.phase !== "tls"; // those octets would be TLS's
  }

  run(model: Model, real: Real): void {
    model.begin(this.decisions);
    real.begin(this.decisions);
    let received = "";
    let from = 0;
    for (const to of [...this.cuts, this.octets.length]) {
      // What comes behind the 220 of STARTTLS belongs to TLS.
      if (real.session.waiting === "tls") break;
      const piece = this.octets.slice(from, to);
      real.receive(piece, this.late);
      if (this.late) received += piece;
      else model.feed(piece, real.seen.replies);
      from = to;
    }
    if (this.late) {
      real.answer();
      model.feed(received, real.seen.replies);
    }
    compare(model, real);
  }

  toString(): string {
    const shown = this.octets.replace(/x{20,}/g, (run) => `\${"x".repeat(${run.length})}`);
    const cuts = this.cuts.length > 0 ? ` cut at ${this.cuts}` : "";
    const decisions = this.decisions.some((each) => each !== "accept")
      ? ` decided ${JSON.stringify(this.decisions)}`
      : "";
    return `\n  ${JSON.stringify(shown)}${cuts}${this.late ? " answered late" : ""}${decisions}`;
  }
}

/** A group that leads on: it is left out where it would only be refused. */
class Guided extends Group {
  readonly #fits: (state: State) => boolean;

  constructor(fits: (state: State) => boolean, ...parts: ConstructorParameters<typeof Group>) {
    super(...parts);
    this.#fits = fits;
  }

  override check(model: Readonly<Model>): boolean {
    return super.check(model) && model.octets === "" && this.#fits(model.state);
  }
}

/** The connection is made, and the client may have spoken before it was greeted. */
class Connect extends Group {
  override check(): boolean {
    return true;
  }

  override run(model: Model, real: Real): void {
    model.begin(this.decisions);
    real.begin(this.decisions);
    model.expected.upgrade = model.state.phase === "tls";
    if (this.octets !== "" && model.state.phase !== "tls")
      real.session.receive(Buffer.from(this.octets, "latin1"));
    real.poll(false);
    if (model.state.phase !== "tls") model.feed(this.octets, real.seen.replies);
    compare(model, real);
  }
}

/** The handshake ends. */
class Handshake implements Command {
  readonly result: "ok" | "weak" | "failed";
  readonly decisions: readonly Decision[];

  constructor(result: "ok" | "weak" | "failed", decisions: readonly Decision[]) {
    this.result = result;
    this.decisions = decisions;
  }

  check({ state }: Readonly<Model>): boolean {
    return state.phase === "tls";
  }

  run(model: Model, real: Real): void {
    model.begin(this.decisions);
    real.begin(this.decisions);
    if (this.result === "failed") {
      real.session.upgradeFailed();
      model.end("closed", "tls", []);
    } else {
      const sufficient = this.result === "ok" || model.settings.tls === "implicit";
      real.session.upgraded({ version: "TLSv1.3", sufficient });
      model.state = upgraded(model.settings, model.state, sufficient);
    }
    real.poll(false);
    model.feed("", real.seen.replies);
    compare(model, real);
  }

  toString(): string {
    return `\n  -- handshake ${this.result} decided ${JSON.stringify(this.decisions)}`;
  }
}

/** What ends a session from outside. */
class End implements Command {
  readonly cause: "timeout" | "end" | "lost" | "shutdown";

  constructor(cause: "timeout" | "end" | "lost" | "shutdown") {
    this.cause = cause;
  }

  check({ state }: Readonly<Model>): boolean {
    return (
      state.phase !== "closed" && (state.phase !== "tls" || this.cause === "timeout" || this.cause === "lost")
    );
  }

  run(model: Model, real: Real): void {
    model.begin([]);
    real.begin([]);
    const { session } = real;
    const inTls = model.state.phase === "tls";
    switch (this.cause) {
      case "timeout":
        session.advance(session.deadline! - 1);
        if (session.poll() !== null) throw new Error("before the deadline");
        session.advance(session.deadline!);
        model.end("timeout", "timeout", inTls ? [] : [{ codes: [421], enhanced: "4.4.2" }]);
        break;
      case "end":
        session.receiveEnd();
        model.end("end", "end", []);
        break;
      case "lost":
        session.lost();
        model.end("lost", "lost", []);
        break;
      case "shutdown":
        session.shutdown("now");
        model.end("closed", "shutdown", [{ codes: [421] }]);
        break;
    }
    real.poll(false);
    compare(model, real);
  }

  toString(): string {
    return `\n  -- ${this.cause}`;
  }
}

// The alphabet.

const hello = ["EHLO client.example.net", "EHLO [192.0.2.1] some text", "ehlo c", "LHLO client.example.net"];
const mailParameters = fc.constantFrom(
  ...["SIZE=10", "SIZE=65536", "SIZE=65537", "SIZE=99999999999999999999", "SIZE=", "SIZE", "SIZE=1e3"],
  ...["BODY=8BITMIME", "body=7bit", "BODY=BINARYMIME", "BODY=9BIT", "RET=HDRS", "RET=ALL", "ENVID=QQ314159"],
  ...["AUTH=<>", "AUTH=e+3Dmc2@example.com", "AUTH=nobody", "FOO", "FOO=1", "SMTPUTF8"],
);
const rcptParameters = fc.constantFrom(
  "NOTIFY=NEVER",
  "NOTIFY=SUCCESS,DELAY",
  "NOTIFY=SOMETIMES",
  "ORCPT=rfc822;b@c.example",
  "FOO=1",
);
const senders = fc.constantFrom("<a@example.net>", "<>", "<c.d+e@mail.example.net>", "<f@single>");
const recipients = fc.constantFrom(
  "<b@example.com>",
  "<d@example.com>",
  "<e@example.org>",
  "<Postmaster>",
  "<g@single>",
);
const line = (arbitrary: fc.Arbitrary<string>) => arbitrary.map((text) => `${text}\r\n`);
const oneOf = (...lines: readonly string[]) => line(fc.constantFrom(...lines));

const mail = fc
  .tuple(
    senders,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(mailParameters, { maxLength: 2 }) },
    ),
  )
  .map(([path, parameters]) => ["MAIL FROM:", path, ...parameters.map((each) => ` ${each}`)].join(""));
const rcpt = fc
  .tuple(
    recipients,
    fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(rcptParameters, { maxLength: 2 }) },
    ),
  )
  .map(([path, parameters]) => ["RCPT TO:", path, ...parameters.map((each) => ` ${each}`)].join(""));

const text = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.string({ unit: fc.constantFrom("a", ".", "\r\n", "\r\n.", "b c", "\xFF"), maxLength: 8 }),
  },
  {
    weight: 2,
    arbitrary: fc.string({ unit: fc.constantFrom("a", ".", "\r", "\n", "\r\n", "\0"), maxLength: 8 }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("x".repeat(1200), `${"x".repeat(998)}\r\n`, "QUIT\r\n", "RSET\r\nNOOP\r\n"),
  },
);
/** More than `limits.message` allows, or all of it. */
const large = fc.constantFrom(65_536, 65_537, 40_000).map((size) => "x".repeat(size));
const content = text.map((octets) => `${octets}\r\n.\r\n`);
const data = fc.oneof(
  { weight: 30, arbitrary: content },
  { weight: 1, arbitrary: large.map((each) => `${each}\r\n.\r\n`) },
);

const chunk = fc
  .tuple(
    fc.oneof({ weight: 30, arbitrary: text }, { weight: 1, arbitrary: large }),
    fc.constantFrom("", "", " LAST", " last"),
    fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1, 3) }),
  )
  .map(([octets, last, wrong]) => `BDAT ${Math.max(0, octets.length + wrong)}${last}\r\n${octets}`);

const odd = oneOf(
  ...[
    "NOOP",
    "noop hello",
    "NOOP \t ",
    "RSET",
    "RSET now",
    "QUIT now",
    "VRFY",
    "VRFY <jones@example.com>",
    "VRFY x",
  ],
  ...["EXPN staff", "EXPN", "HELP", "HELP MAIL", "ETRN example.com", "ETRN @example.com", "ETRN", "ETRN a_b"],
  ...[
    "SEND FROM:<a@example.net>",
    "SOML FROM:<a@example.net>",
    "SAML",
    "TURN",
    "FOO bar",
    "GET / HTTP/1.1",
    "",
  ],
  ...[
    "   ",
    "NO\0OP",
    "NOOP\rNOOP",
    "NOOP\nQUIT",
    "\x07",
    "XCLIENT ADDR=192.0.2.9",
    "XFORWARD NAME=a",
    "ATRN",
  ],
  ...[
    "EHLO",
    "EHLO a_b",
    "EHLO -a",
    "HELO",
    "HELO client.example.net",
    "LHLO",
    ".",
    `NOOP ${"x".repeat(5000)}`,
  ],
  ...[
    "MAIL",
    "MAIL <a@b.example>",
    "MAIL TO:<a@b.example>",
    "MAIL FROM : <a@b.example>",
    "MAIL FROM:a@b.example",
  ],
  ...["MAIL FROM:<a@>", "MAIL FROM:<a@b.example>SIZE=1", "MAIL FROM:<a@b_c.example>", "RCPT", "RCPT TO:<>"],
  ...[
    "RCPT TO:<b>",
    "RCPT FROM:<b@c.example>",
    "RCPT TO:<b@c..example>",
    "RCPT TO: <b@example.com>",
    "DATA now",
  ],
  ...[
    "BURL imap://imap.example.com/INBOX",
    "BURL imap://imap.example.com/INBOX LAST",
    "BURL http://x.example/",
    "BURL",
    "BURL imap://imap.example.com/a b",
    "BURL http://x.example/ LAST",
  ],
  ...["STARTTLS now", "AUTH", "AUTH FOO", "AUTH PLAIN", "AUTH CRAM-MD5 dGVzdA==", "AUTH SCRAM-SHA-256 a b c"],
);
const burls = oneOf("BURL imap://imap.example.com/INBOX", "BURL imap://imap.example.com/INBOX LAST");
const malformedChunk = oneOf(
  "BDAT",
  "BDAT 3\0",
  `BDAT ${"0".repeat(5000)}4`,
  "BDAT 3\nx",
  "BDAT x",
  "BDAT -1",
  "BDAT 5 FIRST",
  "BDAT 99999999999999999999",
  "BDAT 1 LAST x",
);
const auth = oneOf(
  ...[
    "AUTH SCRAM-SHA-256",
    "AUTH SCRAM-SHA-256 AAAA",
    "AUTH SCRAM-SHA-256 =",
    "AUTH CRAM-MD5",
    "AUTH PLAIN AHUAcA==",
  ],
  ...["auth scram-sha-256 dGVzdA==", "AUTH SCRAM-SHA-256 =AAA", "AUTH PLAIN"],
);
const response = oneOf(
  "AAAA",
  "",
  "*",
  "dGVzdA==",
  "QUIT",
  "NOOP!",
  "=AAA",
  "AAA",
  "AAA=BBB",
  "A".repeat(12_290),
  "A".repeat(12_284),
);

const unit: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: oneOf(...hello) },
  { weight: 10, arbitrary: line(mail) },
  { weight: 14, arbitrary: line(rcpt) },
  { weight: 5, arbitrary: oneOf("DATA") },
  { weight: 8, arbitrary: data.map((each) => `DATA\r\n${each}`) },
  { weight: 5, arbitrary: data },
  { weight: 12, arbitrary: chunk },
  { weight: 14, arbitrary: odd },
  { weight: 2, arbitrary: oneOf("RSET") },
  { weight: 4, arbitrary: auth },
  { weight: 3, arbitrary: response },
  { weight: 2, arbitrary: oneOf("STARTTLS") },
  { weight: 1, arbitrary: fc.oneof(malformedChunk, oneOf("QUIT", "NOOP", "NOOP", "NOOP")) },
  { weight: 1, arbitrary: line(fc.constant("RCPT TO:<b@example.com>")).map((each) => each.repeat(60)) },
  { weight: 1, arbitrary: text },
);

/** What most sessions begin with: without it the deep states would be rare. */
const opening = fc.constantFrom(
  ["EHLO client.example.net\r\n", "LHLO client.example.net\r\n"],
  [
    "EHLO client.example.net\r\n",
    "LHLO client.example.net\r\n",
    "MAIL FROM:<a@example.net>\r\n",
    "RCPT TO:<b@example.com>\r\n",
  ],
  ["EHLO client.example.net\r\n", "LHLO client.example.net\r\n", "STARTTLS\r\n"],
  [
    "EHLO client.example.net\r\n",
    "LHLO client.example.net\r\n",
    "AUTH SCRAM-SHA-256 AAAA\r\n",
    "MAIL FROM:<a@example.net>\r\n",
  ],
);

const decision: fc.Arbitrary<Decision> = fc.oneof(
  { weight: 20, arbitrary: fc.constant<Decision>("accept") },
  { weight: 5, arbitrary: fc.constantFrom<Decision[]>("temporary", "permanent", "default", "other") },
  {
    weight: 2,
    arbitrary: fc.array(fc.constantFrom<Verdict>("accept", "temporary", "permanent"), {
      minLength: 1,
      maxLength: 3,
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Decision[]>("other", "close") },
);
const decisions = fc.oneof(
  { weight: 2, arbitrary: fc.constant<readonly Decision[]>([]) },
  { weight: 3, arbitrary: fc.array(decision, { maxLength: 6 }) },
);
const cuts = fc.oneof(
  { weight: 1, arbitrary: fc.constant<readonly number[]>([]) },
  { weight: 1, arbitrary: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 }) },
);
const late = fc.oneof(
  { weight: 3, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);

const group = (units: fc.Arbitrary<readonly string[]>) =>
  fc.tuple(units, cuts, late, decisions).map((parts): Command => new Group(...parts));

/** One step, or two, on the way that these states are on. */
const guided = (fits: (state: State) => boolean, arbitrary: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.array(arbitrary, { minLength: 1, maxLength: 2 }), cuts, late, decisions)
    .map((parts): Command => new Guided(fits, ...parts));

const isReady = ({ phase, transaction }: State) => phase === "greeted" && transaction === null;
const isOpen = ({ phase, transaction }: State) =>
  phase === "greeted" && transaction !== null && transaction.chunks === null && !transaction.failed;
const hasRecipients = (state: State) => isOpen(state) && state.transaction!.recipients.length > 0;
const takesChunks = ({ phase, transaction }: State) =>
  phase === "greeted" && transaction !== null && transaction.recipients.length > 0;

/** A sequence of commands. */
export const sequences: fc.Arbitrary<Iterable<Command>> = fc.commands(
  [
    group(fc.array(unit, { minLength: 1, maxLength: 1 })),
    group(fc.array(unit, { minLength: 1, maxLength: 1 })),
    group(fc.array(unit, { minLength: 2, maxLength: 5 })),
    group(fc.array(unit, { minLength: 2, maxLength: 5 })),
    group(opening),
    guided(({ phase }) => phase === "start", oneOf("EHLO client.example.net", "LHLO client.example.net")),
    guided(isReady, line(mail)),
    guided(isReady, line(mail)),
    guided(isOpen, line(rcpt)),
    guided(isOpen, line(rcpt)),
    guided(
      hasRecipients,
      data.map((each) => `DATA\r\n${each}`),
    ),
    guided(hasRecipients, oneOf("DATA")),
    guided(({ phase }) => phase === "data", data),
    guided(takesChunks, chunk),
    guided(takesChunks, chunk),
    guided(takesChunks, burls),
    guided((state) => isReady(state) && state.authenticated === null, auth),
    guided(({ phase }) => phase === "auth", response),
    fc
      .tuple(fc.constantFrom("ok", "ok", "ok", "ok", "weak", "failed" as const), decisions)
      .map((parts) => new Handshake(...parts)),
    ...Array.from({ length: 3 }, () =>
      fc.tuple(fc.constant("ok" as const), decisions).map((parts) => new Handshake(...parts)),
    ),
  ],
  { maxCommands: 40, size: "max" },
);

/** What a session begins and ends with: the connection is made, and something from outside is the end of it. */
export interface Frame {
  readonly connect: Command;
  readonly handshake: Command;
  readonly opening: Command;
  readonly end: Command;
}

const rarely = <T>(usual: T, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 10, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });

export const frames: fc.Arbitrary<Frame> = fc.record({
  connect: fc
    .tuple(
      rarely<readonly string[]>([], fc.array(unit, { minLength: 1, maxLength: 2 })),
      rarely<readonly Decision[]>([], fc.array(decision, { maxLength: 1 })),
    )
    .map(([units, decided]) => new Connect(units, [], false, decided)),
  handshake: fc
    .constantFrom("ok", "ok", "ok", "ok", "weak", "failed" as const)
    .map((result) => new Handshake(result, [])),
  opening: group(opening),
  end: fc.constantFrom("timeout", "end", "lost", "shutdown" as const).map((cause) => new End(cause)),
});

/** All of a session, as `fc.modelRun` wants it. */
export function* framed(
  { connect, handshake, opening, end }: Frame,
  commands: Iterable<Command>,
): Generator<Command> {
  yield* [connect, handshake, opening];
  yield* commands;
  yield end;
}

// The configurations.

const mechanisms = [
  { name: "SCRAM-SHA-256", first: "client", cleartext: false },
  { name: "CRAM-MD5", first: "server", cleartext: false },
  { name: "PLAIN", first: "client", cleartext: true },
] as const;

/** What the model knows of a configuration; `configure` makes the configuration of it. */
export const settings: fc.Arbitrary<Settings> = fc
  .record({
    lmtp: fc.boolean(),
    submission: fc.boolean(),
    tls: fc.constantFrom("none", "offered", "required", "implicit" as const),
    mechanisms: fc.constantFrom(mechanisms, mechanisms.slice(0, 1), mechanisms.slice(2), []),
    authRequired: fc.constantFrom(false, false, false, true),
    enhanced: fc.boolean(),
    chunking: fc.boolean(),
    binarymime: fc.boolean(),
    dsn: fc.boolean(),
    help: fc.boolean(),
    expn: fc.boolean(),
    etrn: fc.boolean(),
    burl: fc.boolean(),
    bare: fc.constantFrom("reject", "normalize", "space", "keep" as const),
    textLine: fc.constantFrom(Number.POSITIVE_INFINITY, 998),
    few: fc.constantFrom(false, false, false, false, true),
  })
  .map((chosen): Settings => {
    // A few of these go together only in one way.
    const submission = chosen.submission && !chosen.lmtp && chosen.mechanisms.length > 0;
    const chunking = chosen.chunking || chosen.binarymime;
    return {
      ...chosen,
      name: "mx.example.com",
      submission,
      chunking,
      authRequired: chosen.authRequired && chosen.mechanisms.length > 1,
      enhanced: chosen.enhanced || chosen.lmtp,
      etrn: chosen.etrn && !submission,
      burl: chosen.burl && submission ? "imap://imap.example.com" : null,
      limits: {
        message: 65_536,
        commandLine: 4096,
        authLine: 12_288,
        textLine: chosen.textLine,
        recipients: 100,
        errors: chosen.few ? 20 : 1_000_000,
        authFailures: chosen.few ? 3 : 1_000_000,
      },
    };
  });

export function configure(settings: Settings): ServerConfig {
  return {
    name: settings.name,
    protocol: settings.lmtp ? "lmtp" : "smtp",
    service: settings.submission ? "submission" : "relay",
    tls: settings.tls,
    mechanisms: settings.mechanisms,
    authRequired: settings.authRequired,
    bareCr: settings.bare,
    bareLf: settings.bare,
    extensions: {
      enhancedStatusCodes: settings.enhanced,
      chunking: settings.chunking,
      binarymime: settings.binarymime,
      dsn: settings.dsn,
      help: settings.help,
      expn: settings.expn,
      etrn: settings.etrn,
      ...(settings.burl === null ? {} : { burl: { urls: [settings.burl] } }),
    },
    limits: {
      ...settings.limits,
      idleCommands: 1_000_000,
      refusedRecipients: 1_000_000,
    },
  };
}
