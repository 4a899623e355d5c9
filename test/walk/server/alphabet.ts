import type { Question, Reply, ServerSession } from "@sansmtp/core";
import type { Step } from "../explore.ts";
import { type Ground, type Spot, Turn } from "./spot.ts";

/** A step, and how it is made in a turn: so that it can be made again in another way. */
export interface ServerStep extends Step<Spot> {
  readonly act: (turn: Turn) => void;
  /** Its octets belong together: to send them in pieces is to do something else (T-TLS-04, X-ATRN-06, S-SES-08). */
  readonly whole: boolean;
}

/** What can be done from a spot. */
export function stepsFrom(ground: Ground, spot: Spot): readonly ServerStep[] {
  if (spot.witness.closed !== null) return [];
  const alphabet = alphabetOf(ground);
  const said = spot.ended ? [] : octetsAt(alphabet, spot);
  return [
    ...said,
    ...answersAt(ground, spot),
    ...alphabet.calls.filter(({ when }) => when(spot)).map(({ step }) => step),
  ];
}

/** What is said of octets. */
interface Octets {
  readonly lines: readonly ServerStep[];
  readonly ahead: readonly ServerStep[];
  readonly early: readonly ServerStep[];
  readonly half: readonly ServerStep[];
  readonly responses: readonly ServerStep[];
  readonly content: readonly ServerStep[];
  readonly chunk: readonly ServerStep[];
  readonly header: readonly ServerStep[];
}

interface Alphabet extends Octets {
  readonly calls: readonly { readonly step: ServerStep; readonly when: (spot: Spot) => boolean }[];
  readonly answers: Map<string, ServerStep>;
}

function octetsAt(alphabet: Alphabet, spot: Spot): readonly ServerStep[] {
  const { mode, open, unread } = spot.witness;
  if (open.length > 0) {
    const quiet =
      !spot.halfLine && spot.shutdown === "no" && (mode !== "mute" || open[0]!.type !== "connect");
    return quiet ? alphabet.ahead : [];
  }
  switch (mode) {
    case "proxy":
      return alphabet.header;
    case "mute":
      return unread === "" ? alphabet.early : [];
    case "line":
      return spot.halfLine ? alphabet.half : alphabet.lines;
    case "sasl":
      return spot.halfLine ? alphabet.half : alphabet.responses;
    case "dots":
      return alphabet.content;
    case "octets":
      return left(spot.witness) < 4 ? alphabet.chunk.slice(1) : alphabet.chunk;
    default:
      return [];
  }
}

/** What the application may answer to each question, by its type: each class, and what is special. */
const answers: Readonly<Record<Question["type"], readonly (number | undefined)[]>> = {
  connect: [undefined, 450, 554, 521, 421],
  hello: [undefined, 451, 550, 421],
  starttls: [undefined, 454, 501, 421],
  auth: [undefined, 334, 235, 535, 421],
  mail: [undefined, 451, 550, 421],
  rcpt: [undefined, 251, 450, 550, 421],
  data: [undefined, 451, 554, 421],
  message: [undefined, 250, 451, 554, 421],
  burl: [undefined, 250, 554, 421],
  atrn: [undefined, 250, 453, 421],
  command: [undefined, 252, 450, 550, 421],
};

function answersAt(ground: Ground, { witness }: Spot): readonly ServerStep[] {
  return witness.open.flatMap((question, place) => {
    const single = answers[question.type].filter(
      (code) =>
        (code !== 521 || ground.settings.service !== "submission") &&
        (ground.all || (code !== 450 && code !== 451)),
    );
    const steps = single.map((code) => answering(ground, place, [code]));
    if (question.type !== "message") return steps;
    const each = ground.settings.lmtp || question.envelope.parameters.prdr;
    if (!each) return steps;
    const several = [
      [554, 250],
      [250, 421],
    ];
    return [
      ...steps,
      ...several.map((codes) => answering(ground, place, codes)),
      ...[0, 1].flatMap((index) => [250, 550].map((code) => answeringOne(ground, place, index, code))),
    ];
  });
}

function answering(ground: Ground, place: number, codes: readonly (number | undefined)[]): ServerStep {
  const name = `answer ${place}: ${codes}`;
  return known(ground, name, (turn) => {
    const question = turn.witness.open[place]!;
    const [code] = codes;
    if (codes.length === 1) return turn.answer(question.id, replyOf(ground, code));
    if (question.type !== "message") throw new Error("several replies to one question");
    turn.answer(
      question.id,
      question.envelope.recipients.map((_, at) => replyOf(ground, codes[at % codes.length])),
    );
  });
}

function answeringOne(ground: Ground, place: number, index: number, code: number): ServerStep {
  return known(ground, `answer ${place} of recipient ${index}: ${code}`, (turn) => {
    const question = turn.witness.open[place]!;
    if (question.type !== "message" || index >= question.envelope.recipients.length) return;
    turn.session.answerRecipient(question.id, index, replyOf(ground, code), turn.now);
    if (!isOpen(turn.session, question.id)) turn.witness.answered(question.id);
  });
}

/** Whether more verdicts are awaited: what a late answer finds out. */
function isOpen(session: ServerSession, id: number): boolean {
  const { state } = session.snapshot({ secrets: true }).held as unknown as {
    state: { slots: { question: { id: number }; verdicts: (Reply | null)[] | null; answer: Reply | null }[] };
  };
  const slot = state.slots.find(({ question }) => question.id === id);
  return slot?.verdicts?.some((verdict) => verdict === null) === true;
}

function replyOf({ core }: Ground, code: number | undefined): Reply | undefined {
  if (code === undefined) return undefined;
  return code === 334 ? core.challenge("challenge") : core.reply(code, "as told");
}

const alphabets = new WeakMap<Ground, Alphabet>();

function alphabetOf(ground: Ground): Alphabet {
  const found = alphabets.get(ground) ?? spell(ground);
  alphabets.set(ground, found);
  return found;
}

function known(ground: Ground, name: string, act: (turn: Turn) => void): ServerStep {
  const { answers } = alphabetOf(ground);
  const found = answers.get(name) ?? stepOf(ground, name, act);
  answers.set(name, found);
  return found;
}

function stepOf(ground: Ground, name: string, act: (turn: Turn) => void, whole: boolean = false): ServerStep {
  return {
    name,
    act,
    whole,
    take: (spot) => {
      const turn = new Turn(ground, spot);
      act(turn);
      return turn.drain().stop();
    },
  };
}

function spell(ground: Ground): Alphabet {
  const { settings } = ground;
  const call = (name: string, act: (turn: Turn) => void, when: (spot: Spot) => boolean) => ({
    step: stepOf(ground, name, act),
    when,
  });
  const isTls = (spot: Spot): boolean => spot.waiting === "tls";
  const upgrade = (sufficient: boolean) => (turn: Turn) => {
    turn.witness.upgraded(sufficient);
    turn.session.upgraded({ version: "TLSv1.3", sufficient }, turn.now);
  };
  return {
    ...spellOctets(ground),
    answers: new Map(),
    calls: [
      call("TLS is up", upgrade(true), isTls),
      call("TLS is up, and too weak", upgrade(false), isTls),
      call("TLS failed", ({ session, now }) => session.upgradeFailed(now), isTls),
      call(
        "the deadline passes",
        (turn) => {
          turn.now = turn.session.deadline!;
          turn.session.advance(turn.now);
        },
        ({ deadline }) => deadline !== null,
      ),
      call(
        "end",
        ({ session, now }) => session.receiveEnd(now),
        ({ ended }) => !ended,
      ),
      call(
        "lost",
        ({ session, now }) => session.lost(now),
        () => true,
      ),
      call(
        "shut down when idle",
        ({ session, now }) => session.shutdown("idle", now),
        ({ shutdown }) => ground.idle && shutdown === "no",
      ),
      call(
        "shut down now",
        ({ session, now }) => session.shutdown("now", now),
        () => true,
      ),
    ],
  };

  function spellOctets(ground: Ground): Octets {
    const say = (name: string, octets: (turn: Turn) => string, whole = false): ServerStep =>
      stepOf(ground, name, (turn) => turn.say(octets(turn)), whole);
    const line = (text: string, whole = false): ServerStep =>
      say(text, (turn) => `${filled(text, turn)}\r\n`, whole);
    const raw = (text: string, whole = false): ServerStep =>
      say(JSON.stringify(text.slice(0, 40)), (turn) => filled(text, turn), whole);
    const group = (name: string, text: string): ServerStep =>
      stepOf(ground, `${name}, all taken`, (turn) => {
        turn.decide = (question) =>
          question.type === "message" ? turn.ground.core.reply(250, "OK") : undefined;
        turn.say(filled(text, turn));
        turn.drain();
        turn.decide = null;
      });
    const { extensions, limits } = settings;
    const big = `${"x".repeat(limits.message + 1)}`;
    const isBig = limits.message <= 65_536;
    /** What moves a session on, or is refused for where it stands. */
    const moving = [
      ...["EHLO # ", "HELO #", "LHLO #", "HELO", "LHLO #.."],
      ...[
        "MAIL FROM:<#@#.example>",
        "MAIL FROM:<#",
        "RCPT TO:<#@#.example>",
        "RCPT TO:<#",
        "DATA",
        "RSET",
        "NOOP #",
      ],
      ...(extensions.prdr ? ["MAIL FROM:<#@#.example> PRDR"] : []),
      ...["VRFY #", "ETRN #.example", "FOO #", "BDAT x#"],
      ...(ground.auth
        ? ["AUTH SCRAM-SHA-256 $", "AUTH SCRAM-SHA-256", "AUTH CRAM-MD5", "AUTH CRAM-MD5 $", "AUTH FOO $"]
        : []),
      ...(extensions.xclient ? ["XCLIENT NAME=# LOGIN=#", "XCLIENT ADDR=192.0.2.9", "XCLIENT ADDR=#"] : []),
      ...(extensions.xforward ? ["XFORWARD NAME=# IDENT=#", "XFORWARD NAME=("] : []),
    ];
    /** What else there is of each verb. */
    const rest = [
      ...["EHLO #..", "MAIL FROM:<#@#.example> FOO=#", "MAIL FROM:<#@#.example> SIZE=99999999999"],
      ...(extensions.binarymime ? [richMail] : []),
      ...(extensions.dsn ? ["RCPT TO:<#@#.example> NOTIFY=NEVER ORCPT=rfc822;#@#.example"] : []),
      ...["RCPT TO:<>", "RCPT TO:<#@#.example> FOO=#", "DATA #", "RSET #", "QUIT #"],
      ...["EXPN #", "HELP #", "STARTTLS #", "TURN", "BDAT", "BDAT 1 FIRST"],
      ...(extensions.burl
        ? ["BURL imap://#/x", "BURL imap://#/x LAST", "BURL http://#/x", "BURL # LAST"]
        : []),
    ];
    const lines = (ground.all ? [...moving, ...rest] : moving).map((text) => line(text));
    const few = ["BDAT 6\r\nQUIT\r\n", "BDAT 6 LAST\r\nQUIT\r\n", "BDAT 7\r\nRSET\n\r\n", "NOOP \0\r\n"];
    const more = [
      "BDAT 0\r\n",
      "BDAT 0 LAST\r\n",
      "BDAT 7 LAST\r\nRSET\n\r\n",
      "BDAT 6\r\nQU",
      "BDAT 6 LAST\r\nQU",
      "NOOP \n\r\n",
      "NOOP \xff\r\n",
      `NOOP ${"x".repeat(limits.commandLine)}\r\n`,
      `${"x".repeat(16_384)}`,
      "NOO",
      "NOOP\r",
      ...(isBig ? [`BDAT ${big.length}\r\n${big}`, `BDAT ${big.length} LAST\r\n${big}`] : []),
    ];
    const octets = (ground.all ? [...few, ...more] : few).map((text) => raw(text));
    // A split between these is not the same: the server is then asked before the rest has come.
    const inOnePiece = [
      "STARTTLS",
      "QUIT",
      ...(extensions.atrn ? ["ATRN", "ATRN #.example", "ATRN @"] : []),
    ].map((text) => line(text, true));
    const injected = ["STARTTLS\r\nRSET #\r\n", ...(extensions.atrn ? ["ATRN\r\nRSET #\r\n"] : [])].map(
      (text) => raw(text, true),
    );
    return {
      lines: [
        ...lines,
        ...octets,
        ...inOnePiece,
        ...injected,
        group(
          "MAIL, two RCPT",
          "MAIL FROM:<#@#.example>\r\nRCPT TO:<#@#.example>\r\nRCPT TO:<#@#.example>\r\n",
        ),
        group("MAIL, RCPT, RSET", "MAIL FROM:<#@#.example>\r\nRCPT TO:<#@#.example>\r\nRSET\r\n"),
        group(
          "MAIL, RCPT, BDAT LAST",
          "MAIL FROM:<#@#.example>\r\nRCPT TO:<#@#.example>\r\nBDAT 6 LAST\r\nQUIT\r\n",
        ),
        group("MAIL, RCPT, DATA", "MAIL FROM:<#@#.example>\r\nRCPT TO:<#@#.example>\r\nDATA\r\n"),
      ],
      ahead: [
        ...(ground.all ? ["RSET\r\n", "BDAT 6 LAST\r\nQUIT\r\n", "NOO"] : []),
        // With RCPTs that are asked at the same time there may be more of them.
        ...(settings.concurrentRecipients > 1 ? ["RCPT TO:<#@#.example>\r\n"] : []),
      ].map((text) => raw(text, true)),
      // Who speaks before he is greeted is known for it as long as the session lasts.
      early: ground.early ? [raw("NOOP #\r\n", true)] : [],
      half: ["P\r\n", "\n\r\n", "\r\n"].map((text) => raw(text)),
      responses: [
        "$\r\n",
        "*\r\n",
        "!$\r\n",
        "QUIT\r\n",
        "\r\n",
        `${"A".repeat(limits.authLine)}\r\n`,
        "JCQ",
      ].map((text) => raw(text)),
      content: [
        ...["Subject: #\r\n\r\nQUIT\r\n.\r\n", "\n.\n\r\n.\r\n", "x"],
        ...(ground.all ? [".\r\n", "..\r\n.\r\n", "x\r.\r\n.\r\n", "\r", "\n", "\r\n."] : []),
        ...(isBig ? [`${big}\r\n.\r\n`] : []),
      ].map((text) => raw(text)),
      chunk: [
        say("a part of the chunk", () => "x"),
        say("the rest of the chunk", ({ witness }) => "x".repeat(left(witness))),
        say("the rest of the chunk, and NOOP", ({ witness }) => `${"x".repeat(left(witness))}NOOP\r\n`),
      ],
      header: [
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY UNKNOWN\r\n",
        "PROXY FOO\r\n",
        "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0",
        "\r\n\r\n\0\r\nQUIT\n\x2f\0\0\0",
        "EHLO #\r\n",
        "PROXY UNKNOWN\r\nEHLO #\r\n",
      ].map((text) => raw(text, true)),
    };
  }
}

const richMail = "MAIL FROM:<#@#.example> BODY=BINARYMIME RET=FULL ENVID=# SMTPUTF8";

function left({ chunk, unread }: { chunk: { size: number } | null; unread: string }): number {
  return chunk!.size - unread.length;
}

/** `#` is a mark, the same in all of a line; `$` is a secret in base64. */
function filled(text: string, turn: Turn): string {
  return text.replace(/[^\n]*\n?/g, (line) => {
    if (!/[#$]/.test(line)) return line;
    const mark = line.includes("#") ? turn.mark() : "";
    return line.replaceAll("#", mark).replaceAll("$", () => turn.secret());
  });
}
