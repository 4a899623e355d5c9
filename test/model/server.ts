/**
 * A model of the server, made from the tables of the specification (test/spec/11-state-tables.md, with 01, 02, 03, 05,
 * 06, 07 and 12) and from nothing else: no line of packages/core/src was looked at for it, and it imports none.
 *
 * THEORY. A connection is a string of octets, and a server is a function over it. The slow and obvious way to write that
 * function is to keep everything that has come, look whether it begins with one whole *item* (a command line; a BDAT
 * line with its chunk; a response of an AUTH exchange; the content of a message up to CRLF . CRLF), take that item off,
 * and say what follows from it. So there are two functions, both pure:
 *
 *   read(settings, state, octets)            what is the next item, and how many octets is it? null: it is not whole
 *   step(settings, state, item, decisions)   what is said, what the application is asked, and the state behind it
 *
 * Framing by search in one string cannot depend on how the octets came; reading each item with regular expressions
 * cannot keep anything half done; and a state that is replaced and never changed can have no trace of an earlier one.
 * Those are the three things in which real servers fail, so the model shares no way of doing them with the core.
 *
 * The order of checks for a line is that of 11-state-tables §1.1: length, forbidden octets, verb, 530, offered,
 * sequence, argument, application. `step` is that list, one after the other. A refusal that the specification leaves open
 * lists all codes that it allows; the state behind them is the same, or they would not be left open.
 *
 * `server-state.ts` has what is known, put in and said; `server-framing.ts` is `read`; `server-syntax.ts` reads arguments,
 * `server-content.ts` messages; `step` is here.
 *
 * Octets are strings with a code unit each (Latin-1).
 */
import { fetched, judge } from "./server-content.ts";
import {
  type Asked,
  codeOf,
  type Decision,
  end,
  type Item,
  type Settings,
  type State,
  type Step,
  type Transaction,
} from "./server-state.ts";
import {
  codesOf,
  decode,
  type Fault,
  isBase64,
  isHost,
  isPath,
  mailParameter,
  rcptParameter,
  readParameters,
  single,
  verbOf,
} from "./server-syntax.ts";

/** What is said, asked and true behind `item`. */
export function step(settings: Settings, state: State, item: Item, decisions: readonly Decision[]): Step {
  const asked: Asked[] = [];
  const verb = verbOf(item);

  /** The code of the next decision, which is taken for this question. */
  function ask(question: Asked): number {
    const decision = decisions[asked.length] ?? "accept";
    asked.push(question);
    return codeOf(settings, question, decision);
  }
  function say(
    codes: number | readonly number[],
    enhanced: string | null | undefined,
    next: State = state,
    also: Partial<Step> = {},
  ): Step {
    const list = typeof codes === "number" ? [codes] : codes;
    const closed = also.close !== undefined && also.close !== null;
    return {
      next: closed ? end() : next,
      replies: [{ codes: list, enhanced }],
      asked,
      reset: null,
      close: null,
      abuse: "no",
      ...also,
    };
  }
  /** The reply of the application; 421 closes and cancels what is open. */
  function answer(code: number, next: State, also: Partial<Step> = {}): Step {
    if (code === 421) return say(421, undefined, end(), { close: "refused", reset: cancelled("closed") });
    return say(code, undefined, next, also);
  }
  /** A refusal of the core, which is an error of the client: S-LINE-18. */
  function refuse(codes: number | readonly number[], enhanced?: string | null, next: State = state): Step {
    // What was sent ahead of a refusal, as RFC 2920 lets a client do, need not be held against it.
    const ahead = codes !== 500 && /^(RCPT|DATA|BDAT|BURL)$/.test(verb);
    const errors = state.errors + (ahead ? 0 : 1);
    const doubts = next.doubts + (ahead ? 1 : 0);
    const limit = settings.limits.errors;
    const abuse = errors > limit ? "must" : errors + doubts >= limit ? "may" : "no";
    return say(codes, enhanced, { ...next, errors, doubts }, { abuse });
  }
  /** What an open transaction ends with; null where none is. */
  function cancelled(cause: string): string | null {
    return state.transaction !== null && !state.transaction.failed ? cause : null;
  }
  /** The verdict on the whole message: asked for, or, where the content cannot be taken, given. */
  function deliver(envelope: Transaction, octets: string, dots: boolean): Step {
    let next: State = { ...state, phase: "greeted", transaction: null };
    const content = judge(settings, envelope, octets, dots, true);
    const times = settings.lmtp ? envelope.recipients.length : 1;
    if (content.faults.length > 0) {
      // M-LMTP-14. Which of several faults is named is left open.
      const expected = { codes: content.faults.map(([code]) => code), enhanced: single(content.faults) };
      const replies = Array.from({ length: times }, () => expected);
      next = { ...next, doubts: state.doubts + 1 };
      return { next, replies, asked, reset: "refused", close: null, abuse: "no" };
    }
    const question = { type: "message", envelope: shown(envelope), ...content.seen };
    const code = ask(question);
    // The verdict was asked for; that the transaction is gone may be told all the same.
    if (code === 421) return say(421, undefined, end(), { close: "refused", reset: "perhaps" });
    const decision = decisions[asked.length - 1] ?? "accept";
    const replies = Array.from({ length: times }, (_, at) => {
      const each =
        typeof decision === "string"
          ? code
          : codeOf(settings, question, decision[settings.lmtp ? at % decision.length : 0]!);
      return { codes: [each] };
    });
    return { next, replies, asked, reset: null, close: null, abuse: "no" };
  }

  if (item.kind === "connect") {
    const code = ask({ type: "connect", early: item.early });
    if (code === 220) return say(220, null, { ...state, phase: "start" });
    // §1.2: 521 → closing. (S-SES-05 would let a server wait, too.)
    if (code === 421 || code === 521) return say(code, null, end(), { close: "refused" });
    return say(code, null, { ...state, phase: "refused" });
  }
  if (item.kind === "content") return deliver(state.transaction!, item.octets, true);
  if (item.kind === "response") return respond(item.text, item.tooLong);
  if (item.kind === "chunk") return chunk(item);
  return line(item.text, item.tooLong, item.ahead);

  function respond(text: string, tooLong: boolean): Step {
    const { mechanism, step: at } = state.exchange!;
    const over: State = { ...state, phase: "greeted", exchange: null };
    if (tooLong) return failed(500, "5.5.6");
    if (text === "*") return failed(501, "5.7.0");
    if (!isBase64(text)) return failed(501, "5.5.2");
    return authenticate(mechanism, decode(text), at, over);

    function failed(code: number, enhanced: string): Step {
      const step = refuse(code, enhanced, { ...over, authFailures: state.authFailures + 1 });
      return state.authFailures + 1 >= settings.limits.authFailures ? { ...step, abuse: "may" } : step;
    }
  }

  function authenticate(mechanism: string, response: string | null, at: number, over: State): Step {
    const code = ask({ type: "auth", mechanism, response, step: at });
    if (code === 334)
      return say(334, null, { ...state, phase: "auth", exchange: { mechanism, step: at + 1 } });
    if (code === 235) return answer(235, { ...over, authenticated: mechanism });
    const authFailures = state.authFailures + 1;
    return answer(
      code,
      { ...over, authFailures },
      { abuse: authFailures >= settings.limits.authFailures ? "may" : "no" },
    );
  }

  function chunk({ last, octets }: Extract<Item, { kind: "chunk" }>): Step {
    const barred = bar("BDAT");
    if (barred) return barred;
    const { transaction } = state;
    if (!settings.chunking) {
      // S-BDAT-13; and S-BDAT-10, where BURL has failed before.
      const ended = transaction?.failed && last;
      return refuse(502, "5.5.1", ended ? { ...state, transaction: null } : state);
    }
    if (state.hello?.verb === "HELO") return refuse([502, 503], "5.5.1"); // §1.3
    if (state.phase === "start" || transaction === null) return refuse(503, "5.5.1"); // S-BDAT-07
    const over: State = { ...state, transaction: null, doubts: state.doubts + (last ? 1 : 0) };
    if (transaction.recipients.length === 0) {
      // §1.4, M-LMTP-06: nothing is said, and the transaction is over.
      // A 421 may be said unasked (S-SES-10).
      if (settings.lmtp && last) {
        const { abuse } = refuse(503, undefined, state);
        return { next: over, replies: [], asked, reset: "any", close: null, abuse };
      }
      return refuse([503, 554], "5.5.1");
    }
    if (transaction.failed) {
      if (!last) return refuse(503, "5.5.1");
      const step = refuse(503, "5.5.1", over);
      const times = settings.lmtp ? transaction.recipients.length : 1; // M-LMTP-16
      return { ...step, replies: Array.from({ length: times }, () => step.replies[0]!) };
    }
    const joined = (transaction.chunks ?? "") + octets;
    if (last) return deliver(transaction, joined, false);
    const { faults } = judge(settings, transaction, joined, false, false);
    if (faults.length > 0) {
      const next = { ...state, doubts: state.doubts + 1, transaction: { ...transaction, failed: true } };
      return say(codesOf(faults), single(faults), next, { reset: "refused" });
    }
    return say(250, "2.0.0", { ...state, transaction: { ...transaction, chunks: joined } });
  }

  /** What is refused whatever stands behind it: state `refused`, `insecure`, and (4) of the order of checks. */
  function bar(verb: string): Step | null {
    const enhanced = (code: string) => (/^(EHLO|HELO|LHLO)$/.test(verb) ? null : code); // R-ENH-01
    if (state.phase === "refused" && verb !== "QUIT") return refuse(503, enhanced("5.5.1"));
    if (state.phase === "insecure" && verb !== "QUIT") return refuse(554, enhanced("5.7.0"));
    if (settings.tls === "required" && !state.tlsActive && !beforeTls.has(verb)) return refuse(530, "5.7.0");
    if (settings.authRequired && state.authenticated === null && !beforeAuth.has(verb))
      return refuse(530, "5.7.0");
    return null;
  }

  function line(raw: string, tooLong: boolean, ahead: boolean): Step {
    const text = raw.replace(/[ \t]+$/, "");
    const argument = text.slice(verb.length).trim();
    // S-BDAT-12 has the better of S-LINE-10 and S-LINE-11: where the size cannot be read, no command can follow.
    if (verb === "BDAT") return hangUp();
    if (tooLong) return refuse(500, /^(EHLO|HELO|LHLO|AUTH)$/.test(verb) ? undefined : "5.5.2");
    if (/[\0-\x08\x0A-\x1F\x7F]/.test(raw)) return refuse(500, "5.5.2"); // S-LINE-10
    if (!known.has(verb)) return refuse(unless(500), unless(500).length > 1 ? undefined : "5.5.2");
    if (settings.lmtp ? verb === "EHLO" || verb === "HELO" : verb === "LHLO")
      return refuse(unless(500), null);
    const barred = bar(verb);
    if (barred) return barred;
    switch (verb) {
      case "QUIT":
        // Where mail is refused, this is a QUIT that is wrong, or any other command.
        if (argument !== "") return refuse([...unless(501)], unless(501).length > 1 ? undefined : "5.5.4");
        return say(221, "2.0.0", end(), { close: "quit", reset: cancelled("quit") });
      case "NOOP":
        return say(250, "2.0.0");
      case "RSET":
        if (argument !== "") return refuse(501, "5.5.4");
        return say(250, "2.0.0", { ...state, transaction: null }, { reset: cancelled("rset") });
      case "EHLO":
      case "HELO":
      case "LHLO":
        return hello(verb, argument);
      case "VRFY":
      case "EXPN":
      case "HELP":
      case "ETRN":
        return command(verb, argument);
      case "STARTTLS":
        return startTls(argument, ahead);
      case "AUTH":
        return auth(argument);
      case "MAIL":
        return mail(argument);
      case "RCPT":
        return rcpt(argument);
      case "DATA":
        return data(argument);
      case "BURL":
        return burl(argument);
      default:
        return refuse(502, "5.5.1"); // SEND SOML SAML TURN, and what is not offered
    }
  }

  /** S-LINE-13; §1.2: where mail is refused, an unknown verb is any other command, too. */
  function unless(code: number): readonly number[] {
    if (state.phase === "refused") return [code, 503];
    if (state.phase === "insecure") return [code, 554];
    return [code];
  }

  /** S-BDAT-12. */
  function hangUp(): Step {
    return say([421, 501], undefined, end(), { close: "protocol", reset: cancelled("closed") });
  }

  function hello(verb: string, argument: string): Step {
    // S-EHLO-03: what stands behind the name is ignored.
    const name = argument.split(" ")[0]!;
    if (!isHost(name)) return refuse(501, null);
    const code = ask({ type: "hello", verb, name });
    if (code === 421) return answer(421, state);
    if (code !== 250) return say(code, null);
    const next: State = { ...state, phase: "greeted", hello: { verb, name }, transaction: null };
    const lines = verb === "HELO" ? { all: [], none: everyKeyword } : keywords(settings, state);
    const replies = [{ codes: [250], enhanced: null, lines }];
    return { next, replies, asked, reset: cancelled("hello"), close: null, abuse: "no" };
  }

  function command(verb: string, argument: string): Step {
    if (
      (verb === "EXPN" && !settings.expn) ||
      (verb === "HELP" && !settings.help) ||
      (verb === "ETRN" && !settings.etrn)
    )
      return refuse(502, "5.5.1");
    // X-ETRN-02. ETRN is an extension: there is none before EHLO, and §1.1 has 503 there.
    if (verb === "ETRN" && (state.phase === "start" || state.transaction !== null))
      return refuse(503, "5.5.1");
    if (verb === "ETRN" && state.hello?.verb === "HELO") return refuse([502, 503], "5.5.1");
    if (verb !== "HELP" && argument === "") return refuse(verb === "ETRN" ? [500, 501] : 501, "5.5.4");
    if (verb === "ETRN" && !isHost(argument.replace(/^[@#]/, ""))) return refuse(501, "5.5.4");
    return answer(ask({ type: "command", verb, argument }), state);
  }

  function startTls(argument: string, ahead: boolean): Step {
    if (state.tlsActive) return refuse(withArgument(503, argument), undefined);
    if (settings.tls === "none") return refuse(502, "5.5.1");
    if (state.phase === "start" || state.transaction !== null) return refuse(withArgument(503, argument));
    if (state.hello?.verb === "HELO") return refuse([502, 503], "5.5.1"); // §1.3
    if (argument !== "") return refuse(501, "5.5.4");
    // T-TLS-04. Whether the application is asked before is its own affair.
    if (ahead) {
      asked.push({ type: "starttls", optional: true });
      return say(554, "5.5.0", end(), { close: "protocol" });
    }
    const code = ask({ type: "starttls" });
    if (code === 220) return say(220, undefined, { ...state, phase: "tls" });
    return answer(code, state);
  }

  function auth(argument: string): Step {
    const usable = settings.mechanisms.filter((each) => !each.cleartext || state.tlsActive);
    if (settings.mechanisms.length === 0) return refuse(502, "5.5.1");
    if (state.phase === "start" || state.transaction !== null || state.authenticated !== null)
      return refuse(usable.length === 0 ? [502, 503] : 503, "5.5.1");
    if (state.hello?.verb === "HELO") return refuse([502, 503], "5.5.1"); // §1.3
    const [name = "", ...rest] = argument.split(/ +/);
    const mechanism = name.toUpperCase();
    const sent = rest.length === 0 ? undefined : rest.join(" ");
    const found = settings.mechanisms.find((each) => each.name === mechanism);
    // Which of several faults of one argument is named is left open.
    const faults: Fault[] = [];
    if (argument === "") faults.push([501, "5.5.4"]);
    else if (found === undefined) faults.push([504, "5.5.4"]);
    else if (found.cleartext && !state.tlsActive) faults.push([504, undefined], [538, undefined]);
    else if (sent !== undefined && found.first === "server") faults.push([501, "5.7.0"]);
    if (sent !== undefined && sent !== "=" && !isBase64(sent)) faults.push([501, "5.5.2"]);
    // Not listed, then (A-AUTH-01): not offered, or each mechanism unavailable (A-AUTH-03).
    if (usable.length === 0) faults.push([502, undefined], [504, undefined]);
    if (faults.length > 0) return refuse(codesOf(faults), single(faults));
    if (sent === undefined && found?.first === "client") {
      return say(334, null, { ...state, phase: "auth", exchange: { mechanism, step: 0 } }); // A-AUTH-05
    }
    const response = sent === undefined ? null : sent === "=" ? "" : decode(sent);
    return authenticate(mechanism, response, 0, state);
  }

  function mail(argument: string): Step {
    if (state.phase === "start" || state.transaction !== null) return refuse(503, "5.5.1");
    const parts = /^FROM: *(<[^<>]*>|[^<> ]*)(.*)$/i.exec(argument);
    if (parts === null) return refuse(501, "5.5.4");
    const [, path = "", rest = ""] = parts;
    const faults: Fault[] = [];
    if (path !== "<>" && !isPath(path)) faults.push([501, undefined]);
    const parameters = readParameters(settings, state, rest, faults, mailParameter);
    const domain = /@([^>]*)>$/.exec(path)?.[1];
    if (settings.submission && domain !== undefined && !domain.includes(".")) faults.push([554, undefined]); // X-SUB-02
    if (faults.length > 0) return refuse(codesOf(faults), single(faults));
    const from = path === "<>" ? null : path.slice(1, -1);
    const code = ask({ type: "mail", from, parameters });
    if (code !== 250) return answer(code, state);
    const transaction: Transaction = {
      from,
      parameters,
      recipients: [],
      refused: "nobody",
      chunks: null,
      failed: false,
    };
    return say(250, undefined, { ...state, transaction });
  }

  function rcpt(argument: string): Step {
    const { transaction } = state;
    if (transaction === null || transaction.failed || transaction.chunks !== null)
      return refuse(503, "5.5.1");
    const parts = /^TO: *(<[^<>]*>|[^<> ]*)(.*)$/i.exec(argument);
    if (parts === null) return refuse(501, "5.5.4");
    const [, path = "", rest = ""] = parts;
    const faults: Fault[] = [];
    if (!isPath(path) && path.toLowerCase() !== "<postmaster>") faults.push([501, "5.1.3"]);
    const parameters = readParameters(settings, state, rest, faults, rcptParameter);
    const domain = /@([^>]*)>$/.exec(path)?.[1];
    if (settings.submission && domain !== undefined && !domain.includes(".")) faults.push([554, undefined]);
    const kept = transaction.refused === "nobody" ? "core" : transaction.refused;
    const refused: State = { ...state, transaction: { ...transaction, refused: kept } };
    if (faults.length > 0) return refuse(codesOf(faults), single(faults), refused);
    if (transaction.recipients.length >= settings.limits.recipients)
      return say(452, "4.5.3", { ...refused, doubts: state.doubts + 1 }); // L-EXC-03
    const to = path.slice(1, -1);
    const code = ask({ type: "rcpt", to, parameters });
    if (code !== 250 && code !== 251)
      return answer(code, { ...state, transaction: { ...transaction, refused: "application" } });
    const recipients = [...transaction.recipients, { to, parameters }];
    return say(code, undefined, { ...state, transaction: { ...transaction, recipients } });
  }

  function data(argument: string): Step {
    const { transaction } = state;
    const also = (codes: number | readonly number[]) => refuse(withArgument(codes, argument));
    if (transaction === null || transaction.failed || transaction.chunks !== null) return also(503);
    if (transaction.parameters.BODY === "BINARYMIME") return also(503); // S-BIN-02
    // 02-replies §5: 554 where some recipient was refused, 503 where none was named, or under LMTP (M-LMTP-03). S-DATA-05
    // leaves it open what a RCPT is that never was one.
    const refusals = { nobody: [503], core: [503, 554], application: [554] };
    if (transaction.recipients.length === 0) return also(settings.lmtp ? 503 : refusals[transaction.refused]);
    if (argument !== "") return refuse(501, "5.5.4");
    const code = ask({ type: "data", envelope: shown(transaction) });
    if (code !== 354) return answer(code, state); // S-DATA-06
    return say(354, null, { ...state, phase: "data" });
  }

  function burl(argument: string): Step {
    const { transaction } = state;
    if (settings.burl === null) return refuse(502, "5.5.1");
    if (state.hello?.verb === "HELO") return refuse([502, 503]);
    if (transaction === null || transaction.failed) return refuse(503);
    if (transaction.recipients.length === 0) return refuse([503, 554]);
    const words = argument.split(/ +/);
    const last = words.length === 2 && words[1]!.toUpperCase() === "LAST";
    const [url = ""] = words;
    const malformed = argument === "" || words.length > (last ? 2 : 1);
    // As for a chunk that failed: the message would lack a piece if the next chunk went on (S-BDAT-10).
    const failed: State = last
      ? { ...state, transaction: null }
      : { ...state, transaction: { ...transaction, failed: true } };
    if (malformed || !url.startsWith(settings.burl))
      return { ...refuse(malformed ? 501 : [501, 550, 554], undefined, failed), reset: "any" }; // X-BURL-05
    // A CR at the end of a chunk is no half of a CRLF any more: what is fetched comes between.
    const joined = `${transaction.chunks ?? ""}${fetched}`;
    const { faults } = judge(settings, transaction, joined, false, false);
    if (faults.length > 0) return say(codesOf(faults), single(faults), failed, { reset: "refused" });
    const question = { type: "burl", url, last, envelope: shown(transaction) };
    const code = ask(question);
    if (code === 250 && last) return deliver(transaction, joined, false);
    if (code === 250)
      return say(250, undefined, { ...state, transaction: { ...transaction, chunks: joined } });
    return code === 421 ? answer(421, state) : say(code, undefined, failed, { reset: "any" });
  }

  /** §1.1 has a row for an argument that is not allowed, and the order of checks has the sequence first: either. */
  function withArgument(codes: number | readonly number[], argument: string): readonly number[] {
    const list = typeof codes === "number" ? [codes] : codes;
    return argument === "" ? list : [...list, 501];
  }
}

/** The envelope of a question. */
function shown({ from, parameters, recipients }: Transaction): unknown {
  return { from, parameters, recipients };
}

/** What an EHLO or LHLO reply must list, and must not. */
function keywords(settings: Settings, state: State): { all: readonly string[]; none: readonly string[] } {
  const usable = settings.mechanisms.filter((each) => !each.cleartext || state.tlsActive);
  const all = ["PIPELINING", `SIZE ${settings.limits.message}`, "8BITMIME"];
  const none: string[] = [];
  const put = (keyword: string, on: boolean) => (on ? all : none).push(keyword);
  put("ENHANCEDSTATUSCODES", settings.enhanced);
  put("CHUNKING", settings.chunking);
  put("BINARYMIME", settings.binarymime);
  put("DSN", settings.dsn);
  put("HELP", settings.help);
  put("EXPN", settings.expn);
  put("ETRN", settings.etrn);
  put("STARTTLS", settings.tls !== "none" && !state.tlsActive);
  // Who has authenticated, or has to start TLS first, need not be told of AUTH.
  const blocked = settings.tls === "required" && !state.tlsActive;
  if (usable.length === 0) none.push("AUTH");
  else if (state.authenticated === null && !blocked)
    all.push(`AUTH ${usable.map(({ name }) => name).join(" ")}`);
  return { all, none };
}

const everyKeyword = [
  "PIPELINING",
  "SIZE",
  "8BITMIME",
  "CHUNKING",
  "STARTTLS",
  "AUTH",
  "ENHANCEDSTATUSCODES",
];

// The verbs.

const known = new Set(
  (
    "EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP STARTTLS AUTH ETRN BURL " +
    "SEND SOML SAML TURN ATRN"
  ).split(" "),
);

/** §1.3. HELO, LHLO and RSET are a choice: they are let through. */
const beforeTls = new Set(["NOOP", "EHLO", "HELO", "LHLO", "RSET", "STARTTLS", "QUIT"]);
/** §1.3. */
const beforeAuth = new Set(["EHLO", "HELO", "LHLO", "STARTTLS", "AUTH", "NOOP", "RSET", "QUIT"]);
