/**
 * A model of the client, made from 08-client.md and the client tables of 11-state-tables.md (§2) and from nothing else.
 *
 * THEORY. What a client does is half its own choice: it may pipeline or not, say RSET or QUIT behind a failure. What it
 * must never do is not. So the model is a judge who reads along: it keeps what was said and is not answered (`awaiting`),
 * what the server has offered, and for each message the replies that belong to it, and nothing else.
 *
 *   sent(plan, state, unit)      the client says something: the state behind it, or an objection with its requirement
 *   received(plan, state, ...)   the server has answered what was said first and not answered: the state behind it
 *   outcomes(plan, state, at)    what has to be told of each recipient of a message, from the replies alone
 *
 * An outcome is a function of the record of replies, whatever way the session took: MAIL decides for all; RCPT for one;
 * then DATA or a chunk; then the verdict. What has no reply of its own was not tried as long as the message had not left
 * as a whole, and is unknown from there on (RFC 1047).
 */

/** What is to be done, and with what kind of server. */
export interface Plan {
  readonly lmtp: boolean;
  readonly tls: "never" | "offered" | "required";
  readonly heloFallback: boolean;
  readonly pipelineData: boolean;
  readonly chunking: "prefer" | "avoid" | "require";
  /** EHLO keywords, before and inside TLS. */
  readonly offers: readonly string[];
  readonly offersInside: readonly string[];
  readonly messages: readonly Message[];
}

export interface Message {
  /** How many recipients. */
  readonly to: number;
  readonly body: "7BIT" | "8BITMIME" | "BINARYMIME";
  /** With CRLF line ends. */
  readonly content: string;
  /** Its size is told beforehand. */
  readonly declared: boolean;
}

/** Something that the client says. */
export type Unit =
  | { readonly kind: "line"; readonly text: string }
  /** What follows a 354, as it stands on the wire, the final dot included. */
  | { readonly kind: "content"; readonly octets: string }
  | { readonly kind: "chunk"; readonly octets: string; readonly last: boolean };

/** What waits for its reply: a verb, `greeting`, or `.` for the content. */
export interface Awaited {
  readonly verb: string;
  /** The message, and the recipient, that it belongs to. */
  readonly message: number;
  readonly recipient: number;
}

export interface Answer {
  readonly code: number;
  /** The enhanced status code. */
  readonly enhanced: string | null;
}

/** All that is known of a message. */
export interface Record {
  /** MAIL was said. */
  readonly begun: boolean;
  readonly mail: Answer | null;
  /** A place for each RCPT that was said. */
  readonly rcpt: readonly (Answer | null)[];
  readonly data: Answer | null;
  /** The first refusal of a chunk. */
  readonly refusedChunk: Answer | null;
  /** Chunks as they were sent, joined. */
  readonly chunks: string | null;
  /** All of it has left. */
  readonly whole: boolean;
  readonly verdicts: readonly Answer[];
  /** RSET was said behind it. */
  readonly forgotten: boolean;
}

export interface State {
  readonly awaiting: readonly Awaited[];
  /** The last EHLO reply; null: there was none on this side of TLS. */
  readonly offered: readonly string[] | null;
  readonly helo: boolean;
  readonly tlsActive: boolean;
  readonly tlsRefused: boolean;
  /** The handshake is pending. */
  readonly upgrading: boolean;
  /** A verb that has to be the next; null: none has. */
  readonly must: string | null;
  /** RSET or QUIT has to come before the next message (C-SES-10). */
  readonly dirty: boolean;
  /** The session came to nothing: QUIT may be said (`polite`), or nothing any more. */
  readonly over: "no" | "polite" | "broken";
  readonly records: readonly Record[];
}

const fresh: Record = {
  begun: false,
  mail: null,
  rcpt: [],
  data: null,
  refusedChunk: null,
  chunks: null,
  whole: false,
  verdicts: [],
  forgotten: false,
};

export const initial: State = {
  awaiting: [{ verb: "greeting", message: -1, recipient: -1 }],
  offered: null,
  helo: false,
  tlsActive: false,
  tlsRefused: false,
  upgrading: false,
  must: null,
  dirty: false,
  over: "no",
  records: [],
};

class Objection extends Error {}

function object(rule: string, what: string): never {
  throw new Objection(`${rule}: ${what}`);
}

/** C-TXN-01: why a message cannot be sent to this server; none: it can. */
export function unmet({ chunking }: Plan, { offered }: State, message: Message): readonly string[] {
  const has = (keyword: string) => offered?.some((line) => line.split(" ")[0] === keyword) ?? false;
  const limit = Number(offered?.find((line) => line.startsWith("SIZE "))?.slice(5) ?? 0);
  const needs: readonly (readonly [boolean, string])[] = [
    [message.body === "8BITMIME" && !has("8BITMIME"), "8bitmime-missing"],
    [message.body === "BINARYMIME" && !(has("BINARYMIME") && has("CHUNKING")), "binarymime-missing"],
    [chunking === "require" && !has("CHUNKING"), "chunking-missing"],
    [message.declared && limit > 0 && message.content.length > limit, "size-exceeded"],
  ];
  return needs.filter(([lacks]) => lacks).map(([, code]) => code);
}

/** Whether the content goes by BDAT. */
export function byChunks(plan: Plan, state: State, message: Message): boolean {
  if (!(state.offered ?? []).includes("CHUNKING")) return false;
  return plan.chunking !== "avoid" || message.body === "BINARYMIME";
}

/** The client has said something. @throws what is wrong with that */
export function sent(plan: Plan, state: State, unit: Unit): State {
  const { awaiting } = state;
  const at = state.records.length - 1;
  const record = state.records[at];
  if (state.upgrading) object("T-TLS-10", "something before the handshake");
  if (state.over === "broken") object("C-SES-06", "something behind the end");
  if (unit.kind === "content") return content(unit.octets);
  if (awaiting.some(({ verb }) => verb === "DATA") && unit.kind === "line")
    object("X-PIPE-02", `${unit.text} behind DATA`);
  if (unit.kind === "chunk") return chunk(unit.octets, unit.last);
  const { text } = unit;
  const [verb = ""] = text.split(" ");
  if (awaiting.length > 0) {
    if (!(state.offered ?? []).includes("PIPELINING")) object("X-PIPE-01", `${text} ahead of a reply`);
    const before = awaiting.at(-1)!.verb;
    if (!["RSET", "MAIL", "RCPT", "."].includes(before)) object("X-PIPE-02", `${text} behind ${before}`);
  }
  if (awaiting.some((each) => each.verb === "QUIT")) object("C-SES-09", "something behind QUIT");
  if (verb === "QUIT") {
    if (text !== "QUIT") object("S-LINE-07", text);
    return { ...say("QUIT"), must: null, over: "polite" };
  }
  if (state.over !== "no") object("C-SES-03", `${text}, where only QUIT is left`);
  if (state.must !== null && verb !== state.must) object("11 §2", `${text}, where ${state.must} has to be`);
  const next: State = { ...say(verb), must: null };
  switch (verb) {
    case "EHLO":
    case "LHLO":
    case "HELO":
      if (text !== `${verb} client.example.net`) object("S-EHLO-12", text);
      if (state.must !== verb) object("S-EHLO-13", text);
      return next;
    case "STARTTLS":
      if (plan.tls === "never" || state.tlsActive) object("T-TLS-09", text);
      if (!(state.offered ?? []).includes("STARTTLS")) object("X-GEN-02", text);
      if (state.tlsRefused) object("11 §2", "STARTTLS once more");
      return next;
    case "RSET":
      return put({ ...next, dirty: false }, { forgotten: true });
    case "MAIL":
      return mail();
    case "RCPT":
      return rcpt();
    case "DATA":
      return data();
    default:
      return object("S-LINE-08", text);
  }

  function say(verb: string, recipient = -1, message = at): State {
    return { ...state, awaiting: [...awaiting, { verb, message, recipient }] };
  }
  function put(next: State, changed: Partial<Record>, index = at): State {
    const records = next.records.map((each, other) => (other === index ? { ...each, ...changed } : each));
    return { ...next, records };
  }

  function mail(): State {
    if (state.offered === null && !state.helo) object("S-EHLO-13", "MAIL before EHLO");
    if (plan.tls === "required" && !state.tlsActive) object("T-TLS-14", "MAIL in the clear");
    if (
      plan.tls === "offered" &&
      !state.tlsActive &&
      !state.tlsRefused &&
      state.offered?.includes("STARTTLS")
    )
      object("T-TLS-13", "MAIL in the clear");
    if (state.dirty) object("C-SES-10", "MAIL without RSET behind a failure");
    if (record !== undefined && !isOver(plan, state)) object("S-MAIL-12", "MAIL within a transaction");
    const index = plan.messages.findIndex(
      (message, each) => each > at && unmet(plan, state, message).length === 0,
    );
    const message = plan.messages[index];
    if (message === undefined) return object("C-TXN-01", "MAIL for no message");
    const parameters = text.split(" ").slice(2);
    if (!text.startsWith(`MAIL FROM:<m${index}@example.net>`)) object("S-MAIL-01", text);
    const size = state.offered?.some((line) => line.startsWith("SIZE")) && message.declared;
    const expected = [
      ...(size ? [`SIZE=${message.content.length}`] : []),
      ...(message.body === "7BIT" ? [] : [`BODY=${message.body}`]),
    ];
    // X-SIZE-06; BODY=7BIT may be said where it is known.
    const said = parameters.filter((each) => !(each === "BODY=7BIT" && state.offered?.includes("8BITMIME")));
    if (said.sort().join(" ") !== expected.sort().join(" ")) object("S-RCPT-12", text);
    const passed = Array.from({ length: index - at - 1 }, () => fresh);
    return { ...say("MAIL", -1, index), records: [...state.records, ...passed, { ...fresh, begun: true }] };
  }

  function rcpt(): State {
    if (record === undefined || isOver(plan, state)) return object("S-SEQ-02", "RCPT without MAIL");
    if (record.mail !== null && record.mail.code >= 300) object("C-TXN-02", "RCPT behind a refused MAIL");
    const index = record.rcpt.length;
    if (text !== `RCPT TO:<r${index}@example.com>` || index >= plan.messages[at]!.to)
      object("S-RCPT-14", text);
    return put(say("RCPT", index), { rcpt: [...record.rcpt, null] });
  }

  function data(): State {
    if (record === undefined) return object("S-SEQ-02", "DATA without MAIL");
    const message = plan.messages[at]!;
    if (byChunks(plan, state, message)) object("S-BDAT-22", "DATA, where BDAT has to be");
    if (record.rcpt.length < message.to) object("S-RCPT-14", "DATA before the last RCPT");
    if (!plan.pipelineData && awaiting.length > 0) object("C-TXN-04", "DATA ahead of the replies to RCPT");
    if (awaiting.length === 0 && isForNobody(record)) object("C-TXN-04", "DATA for nobody");
    if (record.mail !== null && record.mail.code >= 300) object("C-TXN-02", "DATA behind a refused MAIL");
    if (record.data !== null) object("S-SEQ-02", "DATA once more");
    return say("DATA");
  }

  function content(octets: string): State {
    if (record?.data?.code !== 354 || record.whole) return object("S-DATA-19", "content without 354");
    if (isForNobody(record)) {
      if (octets !== ".\r\n") object("C-TXN-04", "content for nobody");
    } else if (unstuffed(octets) !== ended(plan.messages[at]!.content)) {
      object("S-DOT-01", `content ${JSON.stringify(octets)}`);
    }
    // State `empty`, too, leads to `ready`: the end of data ends the transaction.
    // Under LMTP nobody is told of no recipient (M-LMTP-04); a RCPT accepted behind a refused MAIL is none (C-TXN-02).
    const replies = !plan.lmtp || !isForNobody(record);
    return put({ ...(replies ? say(".") : state), dirty: false }, { whole: true });
  }

  function chunk(octets: string, last: boolean): State {
    if (record === undefined || !byChunks(plan, state, plan.messages[at]!))
      return object("S-BDAT-17", "BDAT");
    if (awaiting.some(({ verb }) => verb !== "BDAT"))
      object("S-BDAT-17", "BDAT ahead of the envelope's replies");
    if (awaiting.length > 0 && !(state.offered ?? []).includes("PIPELINING")) object("S-BDAT-20", "BDAT");
    if (record.rcpt.length < plan.messages[at]!.to || isForNobody(record))
      object("S-BDAT-17", "BDAT for nobody");
    if (record.refusedChunk !== null) object("S-BDAT-19", "BDAT behind a refusal");
    if (record.whole) object("S-BDAT-07", "BDAT behind LAST");
    const joined = (record.chunks ?? "") + octets;
    const { content } = plan.messages[at]!;
    if (last ? joined !== content && joined !== ended(content) : !ended(content).startsWith(joined))
      object("S-BDAT-18", `chunks ${JSON.stringify(joined)}`);
    return put(say(last ? "LAST" : "BDAT"), { chunks: joined, whole: last });
  }
}

/** The first of what is awaited has its reply. */
export function received(plan: Plan, state: State, answer: Answer): State {
  const [first, ...awaiting] = state.awaiting;
  const digit = Math.floor(answer.code / 100);
  const broken: State = { ...state, over: "broken", awaiting: [] };
  if (first === undefined || answer.code === 421) return broken; // C-SES-08, R-FMT-17
  const next: State = { ...state, awaiting };
  const { verb, message, recipient } = first;
  const record = state.records[message];
  const put = (changed: Partial<Record>, also: Partial<State> = {}): State => ({
    ...next,
    records: state.records.map((each, index) => (index === message ? { ...each, ...changed } : each)),
    ...also,
  });
  if (verb === "QUIT") return { ...broken, awaiting: [] };
  if (digit === 3 && !(verb === "DATA" && answer.code === 354)) return broken;
  const polite: State = { ...next, over: "polite" };
  const isGoodCode = digit === 2;
  switch (verb) {
    case "greeting":
      return isGoodCode ? { ...next, must: plan.lmtp ? "LHLO" : "EHLO" } : polite;
    case "EHLO":
    case "LHLO": {
      // S-EHLO-16: not where the policy demands an extension.
      const demands = plan.tls === "required" || plan.chunking === "require";
      if (digit === 5 && verb === "EHLO" && plan.heloFallback && !demands) return { ...next, must: "HELO" };
      if (!isGoodCode) return polite;
      const offered = state.tlsActive ? plan.offersInside : plan.offers;
      // T-TLS-14, SEC-TLS-04.
      if (plan.tls === "required" && !state.tlsActive && !offered.includes("STARTTLS"))
        return { ...polite, offered };
      return { ...next, offered };
    }
    case "HELO":
      return isGoodCode ? { ...next, helo: true } : polite;
    case "STARTTLS":
      // The table has 220; another 2yz is as good (R-FMT-09).
      if (isGoodCode) return { ...next, upgrading: true };
      return plan.tls === "required" ? polite : { ...next, tlsRefused: true };
    case "RSET":
      return isGoodCode ? next : polite;
    case "MAIL":
      // The table has `reset` here, too; but no transaction was opened (S-MAIL-06), so RSET may be left out.
      return put({ mail: answer });
    case "RCPT": {
      const rcpt = record!.rcpt.map((each, index) => (index === recipient ? answer : each));
      const all = rcpt.length === plan.messages[message]!.to && rcpt.every((each) => each !== null);
      const nobody = all && !rcpt.some(isGood) && isGood(record!.mail);
      return put({ rcpt }, nobody ? { dirty: true } : {});
    }
    case "DATA":
      if (digit === 2) return { ...put({ data: answer }), over: "broken", awaiting: [] }; // C-TXN-06
      return put({ data: answer }, digit === 3 || !isGood(record!.mail) ? {} : { dirty: true });
    case "BDAT":
      if (isGoodCode) return next;
      return put({ refusedChunk: record!.refusedChunk ?? answer }, { dirty: true });
    default: {
      // The verdict; LMTP has one for each accepted recipient.
      const verdicts = [...record!.verdicts, answer];
      const times = plan.lmtp ? record!.rcpt.filter(isGood).length : 1; // M-LMTP-12
      return put({ verdicts }, verdicts.length < times ? { awaiting: [first, ...awaiting] } : {});
    }
  }
}

/** The handshake has succeeded (T-TLS-12). */
export function secured(plan: Plan, state: State): State {
  const next = { ...state, upgrading: false, tlsActive: true, offered: null };
  return { ...next, must: plan.lmtp ? "LHLO" : "EHLO" };
}

/** How a transaction has to end for each recipient: its status, and the code that decided it. */
export interface Expected {
  readonly status: "accepted" | "refused" | "deferred" | "unknown" | "notTried";
  readonly code: number | null;
}

/** What has to be told of each recipient of a message, by what was said. */
export function outcomes(plan: Plan, state: State, at: number): readonly Expected[] {
  const message = plan.messages[at]!;
  const record = state.records[at] ?? fresh;
  let verdict = 0;
  return Array.from({ length: message.to }, (_, index): Expected => {
    const { mail, data, refusedChunk, whole, verdicts } = record;
    if (mail !== null && mail.code >= 400) return result(mail); // C-TXN-02
    const own = record.rcpt[index] ?? null;
    if (own !== null && !isGood(own)) return result(own, tooMany(own, record.rcpt.slice(0, index)));
    if (own === null) return { status: "notTried", code: null };
    if (data !== null && data.code >= 400) return result(data);
    const said = verdicts[plan.lmtp ? verdict++ : 0];
    // A server that has refused a chunk refuses the last one (S-BDAT-10). One that takes it has said that it has the
    // message, and one whose reply is lost may have it: the table knows neither, and what can be doubled is told so.
    if (refusedChunk !== null && said === undefined && whole) return { status: "unknown", code: null };
    if (refusedChunk !== null && !isGood(said ?? null)) return result(refusedChunk);
    if (said !== undefined) return result(said);
    return { status: whole ? "unknown" : "notTried", code: null };
  });
}

function result({ code }: Answer, temporary = false): Expected {
  if (code < 300) return { status: "accepted", code };
  return { status: code >= 500 && !temporary ? "refused" : "deferred", code };
}

/** C-TXN-03: 552 behind accepted recipients may say that there are too many. */
function tooMany({ code, enhanced }: Answer, earlier: readonly (Answer | null)[]): boolean {
  if (code !== 552 || !earlier.some(isGood)) return false;
  return !["5.2.2", "5.2.3", "5.3.4"].includes(enhanced ?? "");
}

/** Nothing more belongs to the message that was begun last. */
function isOver({ messages }: Plan, { records }: State): boolean {
  const { mail, data, refusedChunk, rcpt, whole, forgotten } = records.at(-1)!;
  const failed =
    (mail !== null && mail.code >= 300) ||
    (data !== null && data.code >= 400) ||
    refusedChunk !== null ||
    (rcpt.length === messages[records.length - 1]!.to &&
      rcpt.every((each) => each !== null && !isGood(each)) &&
      data === null);
  return whole || failed || forgotten;
}

/** MAIL was refused, whatever was said of what was sent ahead (C-TXN-02), or every RCPT. */
function isForNobody({ mail, rcpt }: Record): boolean {
  return !isGood(mail) || !rcpt.some(isGood);
}

function isGood(answer: Answer | null): boolean {
  return answer !== null && answer.code < 300;
}

/** S-DATA-20, S-BDAT-23: content that ends in CRLF. */
function ended(content: string): string {
  return content === "" || content.endsWith("\r\n") ? content : `${content}\r\n`;
}

/** The content of what stands on the wire, the final dot included; null: that is not right. */
function unstuffed(octets: string): string | null {
  const end = `\r\n${octets}`.indexOf("\r\n.\r\n");
  if (end < 0 || end + 3 !== octets.length) return null;
  const text = octets.slice(0, end);
  const lines = text.split("\r\n");
  if (lines.some((line) => line.startsWith(".") && line.length === 1)) return null;
  return lines.map((line) => line.replace(/^\./, "")).join("\r\n");
}
