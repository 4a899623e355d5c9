import { reply, type ServerConfig } from "@sansmtp/core";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Client, codesOf } from "../dialogues/client.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** One command of a client that waits for each reply, with what the application would answer. */
type Command =
  | { readonly verb: "EHLO" | "HELO" | "LHLO"; readonly answer: 250 | 550; readonly malformed: boolean }
  | { readonly verb: "MAIL"; readonly answer: 250 | 451 | 550; readonly malformed: boolean }
  | { readonly verb: "RCPT"; readonly answer: 250 | 251 | 450 | 550; readonly malformed: boolean }
  | { readonly verb: "DATA"; readonly answer: 354 | 451; readonly verdict: 250 | 451 | 554 }
  | {
      readonly verb: "BDAT";
      readonly last: boolean;
      readonly octets: string;
      readonly verdict: 250 | 451 | 554;
    }
  | { readonly verb: "AUTH"; readonly answer: 235 | 535 }
  | { readonly verb: "STARTTLS"; readonly answer: 220 | 454 }
  | { readonly verb: "RSET" | "NOOP" | "QUIT" | "VRFY" | "TURN" | "FOO" };

/** What the model knows of a session. */
interface Model {
  readonly lmtp: boolean;
  readonly tlsRequired: boolean;
  readonly authRequired: boolean;
  readonly hello: "EHLO" | "HELO" | null;
  readonly tls: boolean;
  readonly auth: boolean;
  readonly transaction: "none" | "open" | "chunks";
  /** Recipients accepted, and whether one was refused by the application. */
  readonly recipients: number;
  readonly refused: boolean;
  readonly closed: boolean;
}

const beforeTls = ["NOOP", "EHLO", "HELO", "LHLO", "RSET", "STARTTLS", "QUIT", "FOO"];
const beforeAuth = [...beforeTls, "AUTH"];
const fresh = { transaction: "none", recipients: 0, refused: false } as const;

/** The reply codes of a command, and the session after it: RFC 5321, 3030, 3207, 4954 and 2033 in small. */
function next(model: Model, command: Command): [codes: readonly number[], after: Model] {
  const { verb } = command;
  const stay = (code: number): [number[], Model] => [[code], model];
  const end = (codes: readonly number[]): [readonly number[], Model] => [codes, { ...model, ...fresh }];
  const verdicts = (code: number): number[] => (model.lmtp ? Array(model.recipients).fill(code) : [code]);
  if (verb === "FOO" || (model.lmtp ? verb === "EHLO" || verb === "HELO" : verb === "LHLO")) return stay(500);
  if (model.tlsRequired && !model.tls && !beforeTls.includes(verb)) return stay(530);
  if (model.authRequired && !model.auth && !beforeAuth.includes(verb)) return stay(530);
  const { transaction, recipients } = model;
  const idle = model.hello !== null && transaction === "none";
  const extended = idle && model.hello === "EHLO";
  switch (verb) {
    case "EHLO":
    case "HELO":
    case "LHLO":
      if (command.malformed) return stay(501);
      if (command.answer !== 250) return stay(command.answer);
      return [[250], { ...model, ...fresh, hello: verb === "HELO" ? "HELO" : "EHLO" }];
    case "MAIL":
      if (!idle) return stay(503);
      if (command.malformed) return stay(501);
      return command.answer === 250 ? [[250], { ...model, transaction: "open" }] : stay(command.answer);
    case "RCPT":
      if (transaction !== "open") return stay(503);
      if (command.malformed) return stay(501);
      if (command.answer >= 400) return [[command.answer], { ...model, refused: true }];
      return [[command.answer], { ...model, recipients: recipients + 1 }];
    case "DATA":
      if (transaction !== "open" || recipients === 0) return stay(without(model));
      if (command.answer !== 354) return stay(command.answer);
      return end([354, ...verdicts(command.verdict)]);
    case "BDAT": {
      if (model.hello !== "EHLO" || transaction === "none") return stay(503);
      if (recipients === 0) return command.last && model.lmtp ? end([]) : stay(without(model));
      return command.last ? end(verdicts(command.verdict)) : [[250], { ...model, transaction: "chunks" }];
    }
    case "AUTH":
      if (!extended || model.auth) return stay(503);
      return command.answer === 235 ? [[235], { ...model, auth: true }] : stay(535);
    case "STARTTLS":
      if (!extended || model.tls) return stay(503);
      return command.answer === 220 ? [[220], { ...model, hello: null, tls: true, auth: false }] : stay(454);
    case "RSET":
      return end([250]);
    case "QUIT":
      return [[221], { ...model, closed: true }];
    default:
      return stay({ NOOP: 250, VRFY: 252, TURN: 502 }[verb]);
  }
}

/** DATA or BDAT without a recipient: 554 if there were some and all were refused, but never in LMTP. */
function without(model: Model): number {
  return model.transaction === "open" && model.recipients === 0 && model.refused && !model.lmtp ? 554 : 503;
}

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 3, arbitrary: hello("EHLO") },
  { weight: 1, arbitrary: hello("HELO") },
  { weight: 1, arbitrary: hello("LHLO") },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant("MAIL" as const),
      answer: mostly(250, 451, 550),
      malformed: seldom(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      verb: fc.constant("RCPT" as const),
      answer: mostly(250, 251, 450, 550),
      malformed: seldom(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant("DATA" as const),
      answer: mostly(354, 451),
      verdict: mostly(250, 451, 554),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      verb: fc.constant("BDAT" as const),
      last: fc.boolean(),
      octets: fc.constantFrom("", "RSET\r\n", "\r\n.\r\n", "x"),
      verdict: mostly(250, 451, 554),
    }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("AUTH" as const), answer: mostly(235, 535) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("STARTTLS" as const), answer: mostly(220, 454) }) },
  {
    weight: 3,
    arbitrary: fc.constantFrom("RSET", "NOOP", "VRFY", "TURN", "FOO").map((verb) => ({ verb }) as Command),
  },
  { weight: 1, arbitrary: fc.constant({ verb: "QUIT" } as Command) },
);

const modes = fc.record({ lmtp: seldom(), tlsRequired: seldom(), authRequired: seldom() });

test("S-SEQ-01 S-SEQ-02 S-LINE-16 S-MAIL-04 S-RCPT-06 S-EHLO-08 S-EHLO-09 any commands in any order are answered as the model says", () => {
  fc.assert(
    fc.property(modes, fc.array(command, { maxLength: 40 }), (mode, commands) => {
      let model: Model = { ...mode, ...fresh, hello: null, tls: false, auth: false, closed: false };
      const client = start(mode);
      for (const one of commands) {
        const before = model;
        const [codes, after] = next(model, one);
        model = after;
        const said = perform(client, one);
        expect([one, said]).toEqual([one, codes.join(" ")]);
        expectAgreement(client, model, before);
        if (model.closed) break;
      }
    }),
    { numRuns: 1500 },
  );
});

test("X-PIPE-07 X-PIPE-16 X-PIPE-13 the same commands in one piece are answered alike", () => {
  const pipelined = command.filter(({ verb }) => verb !== "STARTTLS");
  fc.assert(
    fc.property(modes, fc.array(pipelined, { maxLength: 40 }), (mode, commands) => {
      let model: Model = { ...mode, ...fresh, hello: null, tls: false, auth: false, closed: false };
      const codes: number[] = [];
      const client = start(mode);
      const answers: Command[] = [];
      let octets = "";
      for (const one of commands) {
        if (model.closed) break;
        const [said, after] = next(model, one);
        codes.push(...said);
        octets += octetsOf(one);
        if (one.verb === "DATA" && said[0] === 354) octets += content;
        model = after;
        answers.push(one);
      }
      // Each command asks at most one question of its own sort, in the order of the commands that reach the application.
      client.decide = inOrder(mode, answers);
      expect(codesOf(client.say(octets))).toBe(codes.join(" "));
    }),
    { numRuns: 500 },
  );
});

function start(mode: Pick<Model, "lmtp" | "tlsRequired" | "authRequired">): Client {
  const config: Partial<ServerConfig> = {
    protocol: mode.lmtp ? "lmtp" : "smtp",
    tls: mode.tlsRequired ? "required" : "offered",
    mechanisms: ["SCRAM-SHA-256"],
    authRequired: mode.authRequired,
    limits: { errors: 1e9, idleCommands: 1e9, authFailures: 1e9, refusedRecipients: 1e9 },
  };
  return new Client(config);
}

const content = "Subject: x\r\n\r\nRSET\r\n..\r\n.\r\n";

function octetsOf(command: Command): string {
  const malformed = "malformed" in command && command.malformed;
  switch (command.verb) {
    case "EHLO":
    case "HELO":
    case "LHLO":
      return `${command.verb} ${malformed ? "a_b" : "a.example"}\r\n`;
    case "MAIL":
      return malformed ? "MAIL FROM:<a@>\r\n" : "MAIL FROM:<a@example.net>\r\n";
    case "RCPT":
      return malformed ? "RCPT TO:<>\r\n" : "RCPT TO:<b@example.com>\r\n";
    case "BDAT":
      return `BDAT ${command.octets.length}${command.last ? " LAST" : ""}\r\n${command.octets}`;
    case "AUTH":
      return "AUTH SCRAM-SHA-256 AAAA\r\n";
    case "VRFY":
      return "VRFY x\r\n";
    default:
      return `${command.verb}\r\n`;
  }
}

function perform(client: Client, command: Command): string {
  client.decide = (question) => {
    if (question.type === "message") return answer("verdict" in command ? command.verdict : 0);
    return answer("answer" in command ? command.answer : 0);
  };
  let said = client.say(octetsOf(command));
  if (client.session.reader === "dots") said += client.say(content);
  if (client.session.waiting === "tls") client.tlsUp();
  return codesOf(said);
}

/** The application's answers when commands come without waiting: the model is asked which of them reach it. */
function inOrder(
  mode: Pick<Model, "lmtp" | "tlsRequired" | "authRequired">,
  commands: readonly Command[],
): Client["decide"] {
  let model: Model = { ...mode, ...fresh, hello: null, tls: false, auth: false, closed: false };
  let at = -1;
  const verbs = {
    hello: ["EHLO", "HELO", "LHLO"],
    mail: ["MAIL"],
    rcpt: ["RCPT"],
    data: ["DATA"],
    auth: ["AUTH"],
    command: ["VRFY"],
  };
  return (question) => {
    if (question.type === "message") {
      const current = commands[at] as Command;
      // DATA that was refused has no message; the one that is asked about came in chunks behind it.
      if (current.verb === "DATA" && next(model, current)[0][0] === 354) return answer(current.verdict);
      for (;;) {
        const one = step();
        if (one.verb === "BDAT" && one.last && reached(one)) return answer(one.verdict);
      }
    }
    const wanted = verbs[question.type as keyof typeof verbs] ?? [];
    for (;;) {
      const one = step();
      if (wanted.includes(one.verb) && reached(one)) return answer("answer" in one ? one.answer : 0);
    }
  };

  function step(): Command {
    if (at >= 0) model = next(model, commands[at] as Command)[1];
    at++;
    return commands[at] as Command;
  }

  /** Whether the model lets this command through to the application. */
  function reached(one: Command): boolean {
    const codes = next(model, one)[0];
    if (one.verb === "BDAT") return codes.length > 0 && codes[0] === one.verdict && model.recipients > 0;
    return "answer" in one ? codes[0] === one.answer : codes[0] === 252;
  }
}

function answer(code: number) {
  if (code === 0) return undefined;
  if (code === 354) return reply(354, "Go on");
  return reply(code, `${Math.trunc(code / 100)}.0.0`, "As the application wishes");
}

function expectAgreement({ session }: Client, model: Model, before: Model): void {
  if (model.closed) {
    expect(session.waiting).toBe("closed");
    return;
  }
  const transaction =
    model.transaction === "open" ? (model.recipients > 0 ? "recipients" : "sender") : model.transaction;
  expect([session.transaction, session.reader, session.waiting]).toEqual([transaction, "line", "input"]);
  expect(session.client.tls !== null).toBe(model.tls);
  expect(session.client.authenticated !== null).toBe(model.auth);
  expect(session.client.hello === null ? null : session.client.hello.verb === "HELO" ? "HELO" : "EHLO").toBe(
    model.hello,
  );
  expect(before.closed).toBe(false);
}

function hello<V extends "EHLO" | "HELO" | "LHLO">(verb: V): fc.Arbitrary<Command> {
  return fc.record({
    verb: fc.constant(verb),
    answer: mostly(250, 550),
    malformed: seldom(),
  }) as fc.Arbitrary<Command>;
}

function mostly<const T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 4, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

function seldom(): fc.Arbitrary<boolean> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
}
