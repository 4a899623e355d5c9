import type {
  CloseReason,
  MessageQuestion,
  Question,
  ResetCause,
  ServerEvent,
  ServerSession,
} from "@sansmtp/core";
import { claim, textOf } from "../core.ts";
import { marksIn } from "../marks.ts";
import { frameNext, type Unit } from "./framing.ts";

/**
 * Hears both sides of a dialogue, as somebody on the line would, and keeps an account of its own: which command is
 * owed a reply, who the client is, what the envelope must be. It knows nothing of the session's state, and says
 * nothing of which reply a command deserves: only that there is one, in its turn, and that everything else follows
 * from what was said.
 */
export class Witness {
  /** What the next octets of the client are. `mute`: nothing is read before the greeting. */
  mode: "proxy" | "mute" | "line" | "sasl" | "dots" | "octets" | "tls" | "over";
  /** What the client has said and nobody has read. */
  unread = "";
  /** The chunk whose octets are awaited. */
  chunk: { readonly size: number; readonly text: string } | null = null;
  /** What is owed a reply: one thing at a time, since what the next octets are depends on it. */
  pending: Unit | null = null;
  /** Replies, or lines of them, of which more is to come. */
  partial = "";
  greeted = false;
  refused = false;
  hello: { readonly verb: string; readonly marks: readonly string[] } | null = null;
  tls: "clear" | "strong" | "weak" = "clear";
  authenticated = false;
  mail: Mail | null = null;
  /** What XFORWARD told of the next message. */
  forwarded: Told = nothing;
  /** What XCLIENT told: where the connection comes from, and the rest. */
  ends: Told = nothing;
  presented: Told = nothing;
  /** A `reset` that no reply has explained yet. */
  reset: ResetCause | null = null;
  /** A `reset` because the session ends: it goes before the last replies. */
  farewell: ResetCause | null = null;
  /** Content that was handed out of the message that is open. */
  body = "";
  /** A verdict that was asked for before the replies had left that go before its own. */
  ahead: MessageQuestion | null = null;
  /** Questions that are open. */
  open: readonly Question[] = [];
  /** The last reply was said: 221, 421, or what stands in their place. */
  last: string | null = null;
  lastCode = 0;
  closed: CloseReason | "turn" | null = null;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  /** The last id of a question. */
  lastId = 0;

  constructor(from: ServerSession["settings"] | Witness) {
    if (from instanceof Witness) {
      this.mode = from.mode;
      this.lmtp = from.lmtp;
      this.chunking = from.chunking;
      Object.assign(this, from);
      return;
    }
    const { lmtp, proxy, tls, extensions } = from;
    this.chunking = extensions.chunking;
    this.lmtp = lmtp;
    this.mode = proxy ? "proxy" : tls === "implicit" ? "tls" : "mute";
  }

  copy(): Witness {
    return new Witness(this);
  }

  /** The client says something. */
  hear(octets: string): void {
    if (this.closed === null) this.unread += octets;
    this.#read();
  }

  /** The session gives something. */
  see(event: ServerEvent, session: ServerSession): void {
    claim(this.closed === null, `${event.type} after the end`);
    switch (event.type) {
      case "send":
        return this.#replies(textOf(event.data));
      case "upgrade":
        claim(this.mode === "tls", "a handshake that nobody has asked for");
        return;
      case "turn":
      case "close":
        return this.#close(event.type === "turn" ? "turn" : event.reason);
      case "body":
        this.body += textOf(event.data);
        return;
      case "reset":
        claim(this.reset === null && this.farewell === null, "two resets for one transaction");
        this.body = "";
        if (!["rset", "hello", "refused"].includes(event.cause)) {
          this.farewell = event.cause;
          return;
        }
        this.reset = event.cause;
        if (this.pending?.owed !== 0) return;
        this.#settled(this.pending, 0);
        return this.#read();
      case "violation":
        return;
      default:
        return this.#asked(event, session);
    }
  }

  /** A question has its answer. */
  answered(id: number): void {
    this.open = this.open.filter((question) => question.id !== id);
  }

  /** The handshake is over. What was said before it is forgotten (RFC 3207 §4.2). */
  upgraded(sufficient: boolean): void {
    claim(this.mail === null, "a transaction across the handshake");
    this.tls = sufficient ? "strong" : "weak";
    this.hello = null;
    this.authenticated = false;
    this.forwarded = nothing;
    this.presented = nothing;
    this.unread = "";
    this.mode = this.greeted ? "line" : "mute";
  }

  /** What may be found in the session now: everything else was forgotten, or never taken. */
  live(): Set<string> {
    const { pending, chunk, mail, hello, forwarded, ends, presented, unread, open } = this;
    return new Set([
      ...marksIn(unread),
      ...marksIn(pending?.text ?? ""),
      ...marksIn(chunk?.text ?? ""),
      ...(mail?.marks ?? []),
      ...(mail?.recipients.flat() ?? []),
      ...(hello?.marks ?? []),
      ...open.flatMap((question) => marksIn(JSON.stringify(question))),
      ...(mail?.forwarded.values() ?? []),
      ...forwarded.values(),
      ...ends.values(),
      ...presented.values(),
    ]);
  }

  /** The getters of a session that has said everything must tell what was heard. */
  compare(session: ServerSession): void {
    if (this.closed !== null) return;
    const { hello, pending } = this;
    const { client, envelope, transaction, reader } = session;
    claim(this.partial === "", "half a reply was sent");
    claim(pending === null || this.open.length > 0, () => `no reply to ${pending?.text}`);
    claim(this.reset === null || pending !== null, "a reset that nothing explains");
    claim(
      client.hello?.verb === hello?.verb,
      `the client said ${hello?.verb}, the session ${client.hello?.verb}`,
    );
    claim((client.tls !== null) === (this.tls !== "clear"), "TLS is not what it was");
    claim((client.authenticated !== null) === this.authenticated, "who has authenticated is not who did");
    claim(session.phase === this.#phase(), () => `the phase is ${session.phase}, not ${this.#phase()}`);
    const transactions = this.#transactions();
    claim(transactions.includes(transaction), () => `the transaction is ${transaction}, not ${transactions}`);
    const readers = this.mode === "octets" ? ["octets", "drain"] : [this.mode];
    const reads = ["line", "sasl", "dots", "octets"].includes(this.mode) && pending === null;
    claim(!reads || readers.includes(reader), `reads ${reader} in place of ${this.mode}`);
    this.#sameEnvelope(envelope);
    claim(
      client.hello === null || marksIn(client.hello.name).join() === hello?.marks.join(),
      "another hello",
    );
  }

  /** The part of the account that decides on what is to be expected: with the session's snapshot it names a state. */
  key(): string {
    const { mail, hello, pending } = this;
    return [
      this.mode,
      this.greeted,
      this.refused,
      hello?.verb,
      this.tls,
      this.authenticated,
      mail && [
        mail.stage,
        Math.min(mail.recipients.length, 2),
        mail.prdr,
        mail.marks.length > 0,
        mail.binary,
      ],
      pending && [pending.kind, pending.verb, pending.owed, pending.asked],
      this.reset,
      this.closed,
    ].join(" ");
  }

  #phase(): string {
    if (this.mode === "proxy") return "proxy";
    if (this.mode === "tls") return "upgrading";
    if (!this.greeted) return "greeting";
    if (this.refused) return "refused";
    if (this.tls === "weak") return "insecure";
    return this.hello === null ? "unidentified" : "ready";
  }

  /** A chunk that is on its way may have begun a message, if it is taken. */
  #transactions(): readonly string[] {
    const { mail, open } = this;
    if (open.some(({ type }) => type === "message")) return ["verdict"];
    if (mail === null) return ["none"];
    if (this.mode === "dots") return ["data"];
    const stage = mail.stage !== "open" ? mail.stage : mail.recipients.length > 0 ? "recipients" : "sender";
    return this.mode === "octets" && stage === "recipients" ? ["recipients", "chunks"] : [stage];
  }

  #sameEnvelope(envelope: ServerSession["envelope"]): void {
    const { mail } = this;
    const from = marksIn(JSON.stringify([envelope.from, envelope.parameters]));
    const expected = mail?.marks ?? [];
    claim(
      [...new Set(from)].sort().join() === [...new Set(expected)].sort().join(),
      () => `the sender is ${from}, not ${expected}`,
    );
    const to = envelope.recipients.map((recipient) =>
      [...new Set(marksIn(JSON.stringify(recipient)))].join(),
    );
    const accepted = (mail?.recipients ?? []).map((marks) => [...new Set(marks)].join());
    claim(to.join(" ") === accepted.join(" "), () => `the recipients are ${to}, not ${accepted}`);
    const forwarded = [...new Set(marksIn(JSON.stringify(envelope.forwarded)))].sort().join();
    const told = [...new Set((mail?.forwarded ?? this.forwarded).values())].sort().join();
    claim(forwarded === told, () => `XFORWARD told ${told}, not ${forwarded}`);
  }

  #read(): void {
    while (this.pending === null && this.last === null) {
      const unit = frameNext(this);
      if (unit === null) return;
      this.pending = unit;
      if (unit.content && this.ahead !== null) this.#verdict(unit, this.ahead);
      if (unit.owed === 0 && this.reset !== null) this.#settled(unit, 0);
    }
  }

  #replies(text: string): void {
    const lines = (this.partial + text).split("\r\n");
    this.partial = "";
    claim(lines.pop() === "", "half a line was sent");
    let begun = "";
    for (const line of lines) {
      const [, code, sign] = /^(\d{3})([ -])/.exec(line) ?? [];
      claim(code !== undefined, `not a line of a reply: ${line}`);
      claim(begun === "" || begun === code, `codes differ within a reply: ${line}`);
      begun = sign === "-" ? code! : "";
      if (begun === "") this.#reply(Number(code));
    }
    this.partial = begun;
  }

  #reply(code: number): void {
    claim(this.last === null, `${code} after the last word`);
    const unit = this.pending;
    if (code === 421 || code === 221) this.last = String(code);
    if (unit === null) {
      if (!this.greeted) return this.#greeted(code);
      claim(code === 421, `a ${code} that nobody is owed`);
      return;
    }
    if (code === 421) {
      this.pending = null;
      return;
    }
    let { owed } = unit;
    if (code === 353) {
      claim(unit.content && unit.said === 0 && this.mail?.prdr === true, "353 where nobody said PRDR");
      // For each recipient, and at last for the message.
      owed = this.mail.recipients.length + 2;
    }
    this.pending = { ...unit, owed, said: unit.said + 1 };
    if (this.pending.said < owed) return;
    claim(code !== 221 || unit.verb === "QUIT", "221 to something else than QUIT");
    this.#settled(unit, code);
    this.#read();
  }

  #greeted(code: number): void {
    this.greeted = true;
    claim(this.mode === "mute", `greeted while ${this.mode}`);
    if (code === 521 || code === 421) this.last = String(code);
    this.refused = code !== 220;
    this.mode = "line";
    this.#read();
  }

  /** A question belongs to what is owed a reply, or was sent ahead while the replies before it are being collected. */
  #asked(question: Question, session: ServerSession): void {
    claim(question.id > this.lastId, `the id ${question.id} again`);
    this.lastId = question.id;
    this.open = [...this.open, question];
    const { pending } = this;
    const { type } = question;
    claim(this.mode !== "tls" && this.mode !== "proxy", `asks ${type} in the handshake`);
    if (pending === null) return claim(type === "connect" && !this.greeted, `asks ${type} for nothing`);
    if (!asks(question, pending) || this.open.length > 1) {
      claim(this.open.length > 1 || holdsReplies(session), () => `asks ${type} at ${pending.text}`);
      if (type === "message") this.ahead = question;
      return;
    }
    claim(
      type === "hello" || type === "connect" || this.hello !== null || type === "command",
      `${type} before hello`,
    );
    if (type === "connect") this.#presented(pending);
    if (type === "message" || type === "data" || type === "burl") this.#sameEnvelope(question.envelope);
    if (type === "message") this.#verdict(pending, question);
  }

  /** A message is whole: its content is what was said. */
  #verdict(unit: Unit, { content }: MessageQuestion): void {
    claim(this.reset === null, "a verdict on what was reset");
    const said = (this.mail?.content ?? "") + (unit.octets ?? "");
    claim(
      this.body === said,
      () => `the content is ${JSON.stringify(this.body)}, not ${JSON.stringify(said)}`,
    );
    claim(content.size === said.length, `the size is said to be ${content.size}`);
    this.pending = { ...unit, asked: true };
    this.body = "";
    this.ahead = null;
  }

  /** XCLIENT: the session begins anew. Who is behind the proxy is told, and nothing else is known. */
  #presented({ text }: Unit): void {
    this.pending = { ...this.pending!, asked: true };
    const isEnd = (name: string): boolean => ["NAME", "ADDR", "PORT", "DESTADDR", "DESTPORT"].includes(name);
    const before = this.hello === null;
    const another = / ADDR=/.test(text);
    this.ends = tell(before || !another ? this.ends : nothing, text, isEnd);
    this.presented = tell(before ? this.presented : nothing, text, (name) => !isEnd(name));
    this.authenticated = / LOGIN=/.test(text) || (before && this.authenticated);
    this.hello = null;
    this.forwarded = nothing;
  }

  /** What follows from the reply to something, the last one where it has several. */
  #settled(unit: Unit, code: number): void {
    this.pending = null;
    this.lastCode = code;
    const { verb } = unit;
    const positive = code >= 200 && code < 400;
    if (this.mode === "sasl") {
      this.mode = code === 334 ? "sasl" : "line";
      if (code === 235) this.authenticated = true;
      return;
    }
    if (unit.kind === "chunk" || verb === "BURL") return this.#chunked(unit, positive);
    if (unit.kind === "data") {
      this.mode = "line";
      return this.#ended(unit.asked ? null : "refused");
    }
    switch (verb) {
      case "EHLO":
      case "HELO":
      case "LHLO":
        if (!positive) return;
        this.#ended("hello");
        this.hello = { verb, marks: marksIn(unit.text) };
        return;
      case "MAIL":
        if (!positive) return;
        claim(this.mail === null, "a transaction within a transaction");
        claim(this.hello !== null, "a transaction before hello");
        this.mail = {
          marks: marksIn(unit.text),
          recipients: [],
          prdr: / PRDR\b/.test(unit.text),
          binary: / BODY=BINARYMIME\b/.test(unit.text),
          stage: "open",
          content: "",
          forwarded: this.forwarded,
        };
        this.forwarded = nothing;
        return;
      case "RCPT":
        if (!positive) return;
        claim(this.mail !== null, "a recipient without a sender");
        this.mail = { ...this.mail, recipients: [...this.mail.recipients, marksIn(unit.text)] };
        return;
      case "DATA":
        if (code === 354) this.mode = "dots";
        return;
      case "RSET":
        if (positive) this.#ended("rset");
        return;
      case "QUIT":
        return;
      case "STARTTLS":
        if (code === 220) this.mode = "tls";
        return;
      case "AUTH":
        if (code === 334) this.mode = "sasl";
        if (code === 235) this.authenticated = true;
        return;
      case "XCLIENT":
        if (!unit.asked) return;
        this.refused = code !== 220;
        if (code === 521) this.last = "521";
        return;
      case "XFORWARD":
        if (positive) this.forwarded = tell(this.forwarded, unit.text, () => true);
        return;
    }
  }

  /** A piece of a message in chunks was answered (RFC 3030 §2, 11-state-tables §1.1). */
  #chunked({ verb, last, octets, asked, owed }: Unit, positive: boolean): void {
    const { mail } = this;
    const legal =
      this.chunking &&
      mail !== null &&
      (mail.recipients.length > 0 || owed === 0) &&
      this.hello?.verb !== "HELO";
    if (!legal) return claim(this.reset === null, "what is out of order ends no transaction");
    // Out of order as it is, a BURL changes nothing; a last BDAT is the end of what cannot be saved.
    if (verb === "BURL" && mail.stage === "failed") return;
    if (last) return this.#ended(asked ? null : "refused");
    if (positive) {
      claim(mail.stage !== "failed", "a chunk behind one that was refused is taken");
      this.mail = { ...mail, stage: "chunks", content: mail.content + (octets ?? "") };
    } else if (mail.stage !== "failed" && this.reset !== null) {
      this.reset = null;
      this.mail = { ...mail, stage: "failed" };
    }
  }

  /** The transaction is over. Who has taken content, and was not asked for a verdict, has been told why. */
  #ended(cause: ResetCause | null): void {
    const { mail } = this;
    const due = mail !== null && mail.stage !== "failed" ? cause : null;
    claim(this.reset === due, () => `a transaction ended by ${due}, told is ${this.reset}`);
    this.reset = null;
    this.body = "";
    this.mail = null;
    this.forwarded = nothing;
  }

  #close(reason: CloseReason | "turn"): void {
    const { pending } = this;
    const silent = reason === "lost" || reason === "tls" || reason === "proxy";
    // What was sent ahead of a protocol error stays unanswered: whose it is nobody knows.
    const broken = reason === "protocol" && this.lastCode === 554;
    claim(silent || broken || pending === null, () => `closed without a reply to ${pending?.text}`);
    if (["quit", "refused", "abuse"].includes(reason))
      claim(this.last !== null, `closed for ${reason} without a word`);
    const open = this.mail !== null && this.mail.stage !== "failed";
    const told = this.farewell ?? this.reset;
    claim(
      open === (told !== null),
      () => `closed ${open ? "with" : "without"} a transaction, told is ${told}`,
    );
    this.closed = reason;
    this.open = [];
    this.mail = null;
    this.mode = "over";
  }
}

/** A transaction, by what was said of it and accepted. */
interface Mail {
  readonly marks: readonly string[];
  readonly recipients: readonly (readonly string[])[];
  readonly prdr: boolean;
  readonly binary: boolean;
  readonly stage: "open" | "chunks" | "failed";
  /** The chunks that were accepted. */
  readonly content: string;
  readonly forwarded: Told;
}

/** The marks of attributes, by their names. */
type Told = ReadonlyMap<string, string>;

const nothing: Told = new Map();

/** What a line tells beside what was told before, and in its place. */
function tell(before: Told, line: string, wanted: (name: string) => boolean): Told {
  const words = [...line.matchAll(/ ([A-Z]+)=(\S+)/g)].map(
    ([, name, value]) => [name!, marksIn(value!)[0] ?? ""] as const,
  );
  return new Map([...before, ...words.filter(([name]) => wanted(name))]);
}

/** Whether a question is one that a command, or content, brings about: it asks of what was said there, all of it. */
function asks(question: Question, { verb, content, text, last }: Unit): boolean {
  const { type } = question;
  switch (type) {
    case "mail":
    case "rcpt": {
      const asked = [...new Set(marksIn(JSON.stringify(question)))].join();
      return verb.toLowerCase() === type && asked === [...new Set(marksIn(text))].join();
    }
    case "hello":
      return verb === "EHLO" || verb === "HELO" || verb === "LHLO";
    case "connect":
      return verb === "XCLIENT";
    case "auth":
      return verb === "AUTH" || verb === "response";
    case "message":
      return content || (verb === "BURL" && last);
    case "command":
      return ["VRFY", "EXPN", "HELP", "ETRN"].includes(verb);
    default:
      return verb.toLowerCase() === type;
  }
}

/** Replies to a pipelined group are collected (RFC 2920 §3.2): until they leave, the questions are ahead of them. */
function holdsReplies(session: ServerSession): boolean {
  const { output } = session.snapshot({ secrets: true }).held as { output: { $octets: string } };
  return output.$octets !== "";
}
