import type { ClientEvent, ClientSession, Outcome } from "@sansmtp/core";
import { claim, textOf } from "../core.ts";
import { marksIn } from "../marks.ts";

/**
 * Hears both sides of a dialogue, and knows what the caller has asked for: which replies are owed, what the server has
 * announced, what became of each recipient. It decides on nothing that the client may choose, only on what it must not.
 */
export class Witness {
  readonly lmtp: boolean;
  /** Commands and ends of content whose reply has not come, in order. */
  owed: readonly Owed[];
  /** Replies that were read, and are to be told of. */
  tls = false;
  upgrading = false;
  /** The keywords of the last EHLO, with the words behind them; null: no hello was answered. */
  announced: ReadonlyMap<string, readonly string[]> | null = null;
  authenticated = false;
  /** Octets of the client that are not a whole line yet, or content. */
  unread = "";
  /** Content is being sent: by DATA up to the dot, or so many octets of a chunk. */
  content: "dots" | number | null = null;
  lastChunk = false;
  /** The transaction on the wire. */
  mail: Mail | null = null;
  /** What the caller waits for, by id. */
  asked: ReadonlyMap<number, Asked> = new Map();
  /** The server has a transaction open, which only RSET or the end of content ends. */
  begun = false;
  failed = false;
  quitting = false;
  closed = false;
  /** A 421, or something that is no reply: nothing more may be said. */
  fatal = false;

  constructor(from: { readonly protocol: string; readonly tls: string } | Witness) {
    this.lmtp = false;
    this.owed = [];
    if (from instanceof Witness) {
      Object.assign(this, from);
      return;
    }
    this.lmtp = from.protocol === "lmtp";
    this.owed = from.tls === "implicit" ? [] : [greeting];
  }

  copy(): Witness {
    return new Witness(this);
  }

  /** The server replies: to the first thing that is owed a reply, or to nothing. */
  hear(code: number, lines: readonly string[] = []): void {
    const [first, ...rest] = this.owed;
    this.owed = rest;
    if (code === 421) this.fatal = true;
    if (first === undefined || code === 421) return;
    const { mail } = this;
    switch (first.verb) {
      case "EHLO":
      case "HELO":
      case "LHLO":
        if (code !== 250) return;
        this.announced = new Map(
          first.verb === "HELO" ? [] : lines.map((line) => [line.split(" ")[0]!, line.split(" ").slice(1)]),
        );
        return;
      case "AUTH":
        if (code === 235) this.authenticated = true;
        this.exchange = code === 334;
        return;
      case "XCLIENT":
        if (code === 220) {
          this.announced = null;
          this.authenticated = false;
        }
        return;
      case "MAIL":
        this.mail = mail!.with({ mailCode: code });
        this.begun = isGood(code);
        return;
      case "RCPT":
        this.mail = mail!.with({ rcptCodes: replaced(mail!.rcptCodes, first.index, code) });
        return;
      case "DATA":
        if (code === 354) this.content = "dots";
        this.mail = mail!.with({ dataCode: code });
        return;
      case "BDAT":
        if (code >= 400 && mail!.chunkCode === null) this.mail = mail!.with({ chunkCode: code });
        return;
      case "end":
        if (code === 353 && mail!.prdr && !mail!.each) {
          // PRDR: a verdict for each, and then one for the message.
          const each = mail!.rcptCodes.filter(isGood).length + 1;
          this.owed = Array.from({ length: each }, (_, index) => ({ verb: "end", index }));
          this.mail = mail!.with({ each: true });
          return;
        }
        if (Math.trunc(code / 100) === 3) return;
        this.mail = mail!.with({ verdicts: [...mail!.verdicts, code] });
        return;
      default:
    }
  }

  /** The handshake is over: what was known is not known any more (RFC 3207 §4.2). */
  upgraded(): void {
    this.tls = true;
    this.upgrading = false;
    this.announced = null;
    this.authenticated = false;
    if (!this.greetedInside) this.owed = [greeting];
  }

  /** The greeting came before TLS did. */
  greetedInside = false;

  see(event: ClientEvent, session: ClientSession): void {
    claim(!this.closed, `${event.type} after the end`);
    switch (event.type) {
      case "send":
        claim(event.data.length > 0, "an empty send");
        return this.#said(textOf(event.data));
      case "upgrade":
        claim(this.mail === null && this.owed.length === 0, "TLS begins within something");
        this.upgrading = true;
        return;
      case "close":
      case "turn":
        return this.#close();
      case "done":
        return this.#done(event.id, event.outcomes, event.safeToRetry);
      case "reply":
        if (event.id !== 0 && event.verb !== "XFORWARD") this.#end(event.id, event.verb);
        return;
      case "skipped":
        return this.#end(event.id, event.verb);
      case "recipient":
        claim(this.mail?.id === event.id, "a recipient of another transaction");
        claim(
          this.mail.rcptCodes[event.index] === event.reply.code || this.fatal,
          () =>
            `recipient ${event.index} is told ${event.reply.code}, was told ${this.mail?.rcptCodes[event.index]}`,
        );
        return;
      case "body":
        claim(this.mail?.id === event.id && this.mail.acceptedNow, "content for nobody");
        return;
      case "failed":
        claim(!this.failed, "it fails twice");
        this.failed = true;
        return;
      case "ready":
        claim(this.mail === null && this.owed.every(({ verb }) => verb === "RSET"), "ready within something");
        return;
      case "challenge":
        claim(this.asked.get(event.id)?.verb === "AUTH", "a challenge that nobody asked for");
        return;
      case "greeting":
        this.greetedInside = true;
        return;
      case "hello":
        claim(
          session.capabilities === event.capabilities ||
            session.capabilities.all.length === event.capabilities.all.length,
          "other capabilities than told",
        );
        return;
    }
  }

  /** The getters of a session that has said everything. */
  compare(session: ClientSession): void {
    const { waiting, deadline, deadlineReason, wantsInput, phase } = session;
    claim(waiting !== "nothing", "null was polled, and it waits for nothing");
    claim((waiting === "closed") === this.closed, `waiting is ${waiting}`);
    claim((waiting === "tls") === (phase === "upgrading"), `${waiting} while ${phase}`);
    claim((deadline === null) === (deadlineReason === null), "a deadline without a name");
    if (this.closed) return claim(deadline === null && !wantsInput && this.asked.size === 0, "not over yet");
    claim(!this.fatal || this.failed, "told that it is over, and goes on");
    if (waiting === "tls")
      return claim(deadline !== null && !wantsInput, "nothing ends the wait for the handshake");
    claim(wantsInput || this.ended, "the server is not listened to");
    claim(
      (deadline !== null) === this.owed.length > 0,
      () => `${this.owed.length} replies owed, the deadline is ${deadline}`,
    );
    claim(waiting !== "input" || deadline !== null, "nothing ends the wait for a reply");
    claim(session.secure === this.tls, "TLS is not what it was");
    const known = session.capabilities.all.map(({ keyword }) => keyword).sort();
    const announced = [...(this.announced?.keys() ?? [])].sort();
    claim(
      phase === "hello" || known.join() === announced.join(),
      () => `knows ${known}, was told ${announced}`,
    );
    claim(this.unread === "" || this.content !== null, "half a command was said");
  }

  /** The server has ended its side. */
  ended = false;

  /** What may be found in the session, or be said, now: what was asked for, and is not over. */
  live(): Set<string> {
    return new Set([...this.asked.values()].flatMap(({ marks }) => marks));
  }

  key(): string {
    const { mail } = this;
    return JSON.stringify([
      this.owed,
      this.tls,
      this.content,
      this.unread.length > 0,
      mail && [
        mail.mailCode,
        mail.rcptCodes,
        mail.dataCode,
        mail.chunkCode,
        mail.verdicts,
        mail.each,
        mail.ended,
      ],
      this.begun,
      this.failed,
      this.quitting,
      this.closed,
      this.fatal,
    ]);
  }

  #said(octets: string): void {
    claim(!this.upgrading, "something is said in the handshake");
    this.unread += octets;
    for (;;) {
      if (this.content === "dots") {
        const at = `\r\n${this.unread}`.indexOf("\r\n.\r\n");
        this.#onlyLive(at < 0 ? this.unread : this.unread.slice(0, at));
        if (at < 0) {
          // So much that an end which is cut in two is still found.
          this.unread = this.unread.slice(-4);
          return;
        }
        this.unread = this.unread.slice(at + 3);
        this.content = null;
        this.#contentEnds();
        continue;
      }
      if (typeof this.content === "number") {
        if (this.unread.length < this.content) return;
        this.#onlyLive(this.unread.slice(0, this.content));
        this.unread = this.unread.slice(this.content);
        this.content = null;
        if (this.lastChunk) this.#contentEnds();
        else this.#owe({ verb: "BDAT", index: 0 });
        continue;
      }
      const end = this.unread.indexOf("\r\n");
      if (end < 0) return;
      const line = this.unread.slice(0, end);
      this.unread = this.unread.slice(end + 2);
      this.#onlyLive(line);
      this.#command(line);
    }
  }

  #command(line: string): void {
    const [verb = ""] = line.split(" ");
    const last = this.owed.at(-1);
    const response = last === undefined && this.exchange;
    claim(!this.fatal && !this.quitting, `${line} after the end`);
    claim(!this.failed || verb === "QUIT", `${line} after it has failed`);
    if (response) {
      this.exchange = false;
      return this.#owe({ verb: "AUTH", index: 0 });
    }
    // RFC 2920 §3.1: what may stand behind something that is not answered.
    const envelope = ["MAIL", "RCPT", "DATA", "XFORWARD"];
    const chunks = ["BDAT", "BURL"];
    const ahead =
      last === undefined ||
      (this.announced?.has("PIPELINING") === true &&
        (([...envelope].includes(verb) && ["MAIL", "RCPT", "RSET", "XFORWARD"].includes(last.verb)) ||
          (chunks.includes(verb) && last.verb === "BDAT")));
    claim(ahead, () => `${line} before the reply to ${last?.verb}`);
    const has = (keyword: string): boolean => this.announced?.has(keyword) === true;
    switch (verb) {
      case "EHLO":
      case "LHLO":
      case "HELO":
        claim((verb === "LHLO") === this.lmtp, `${verb} in the wrong protocol`);
        break;
      case "STARTTLS":
        claim(!this.tls && has("STARTTLS") && this.mail === null, "STARTTLS that was not offered");
        break;
      case "AUTH": {
        const [, mechanism = ""] = line.split(" ");
        claim(this.announced?.get("AUTH")?.includes(mechanism) === true, "AUTH that was not offered");
        claim(!this.authenticated && this.mail === null, "AUTH twice, or within a transaction");
        claim(this.tls || !["PLAIN", "LOGIN"].includes(mechanism), "credentials in the clear");
        break;
      }
      case "MAIL":
        claim(this.announced !== null && this.mail === null, "MAIL before hello, or within a transaction");
        claim(!this.begun, "MAIL within a transaction of the server");
        this.#mail(line, has);
        break;
      case "RCPT": {
        const index = this.mail!.envelope.findIndex((mark) => line.includes(mark));
        claim(
          (index >= 0 && this.mail!.rcptCodes[index] === null && this.mail!.mailCode !== null) ||
            has("PIPELINING"),
          `${line} out of order`,
        );
        return this.#owe({ verb, index });
      }
      case "DATA":
        claim(this.mail !== null && this.mail.dataCode === null, "DATA without MAIL");
        claim(has("PIPELINING") || this.mail.acceptedNow, "DATA for nobody");
        break;
      case "BDAT": {
        claim(has("CHUNKING") && this.mail?.acceptedNow === true, "BDAT that was not offered, or for nobody");
        const [, size, word] = line.split(" ");
        this.content = Number(size);
        this.lastChunk = word === "LAST";
        return;
      }
      case "QUIT":
        this.quitting = true;
        break;
      case "RSET":
        this.begun = false;
        break;
      case "NOOP":
      case "VRFY":
        claim(this.announced !== null, `${verb} before hello`);
        break;
      case "XCLIENT":
      case "ATRN":
      case "XFORWARD":
        claim(has(verb), `${verb} that was not offered`);
        break;
      default:
        claim(false, `who has asked for ${line}?`);
    }
    this.#owe({ verb, index: 0 });
  }

  /** A challenge is open. */
  exchange = false;

  #mail(line: string, has: (keyword: string) => boolean): void {
    const needs: Record<string, string> = {
      SIZE: "SIZE",
      SMTPUTF8: "SMTPUTF8",
      PRDR: "PRDR",
      RET: "DSN",
      ENVID: "DSN",
    };
    for (const word of line.split(" ").slice(2)) {
      const keyword = word.split("=")[0]!;
      const need = keyword === "BODY" ? word.slice(5) : needs[keyword];
      claim(need !== undefined && has(need), `${word} that was not offered`);
    }
    const [entry] = [...this.asked].filter(([, { verb }]) => verb === "MAIL");
    claim(entry !== undefined, "MAIL that nobody asked for");
    const [id, { envelope }] = entry;
    this.mail = new Mail(id, envelope).with({ prdr: / PRDR$/.test(line) });
  }

  /** All content has left: from here on it may be delivered. */
  #contentEnds(): void {
    const { mail } = this;
    this.begun = false;
    // Under LMTP there is no reply to an empty message for nobody, so that the transaction is over already.
    if (mail === null) return claim(this.lmtp, "content of nothing");
    this.mail = mail.with({ ended: true });
    const accepted = mail.rcptCodes.filter((code) => code !== null && code < 300).length;
    // An empty message to nobody is answered once, and under LMTP not at all.
    for (let time = 0; time < (this.lmtp ? accepted : 1); time++) this.#owe({ verb: "end", index: time });
  }

  #owe(owed: Owed): void {
    this.owed = [...this.owed, owed];
  }

  #onlyLive(text: string): void {
    const live = this.live();
    for (const mark of marksIn(text)) claim(live.has(mark), () => `${mark} is over, and is said: ${text}`);
  }

  #end(id: number, verb: string): void {
    const { asked } = this;
    claim(
      asked.has(id) && asked.get(id)!.verb !== "MAIL",
      () => `${verb} ${id} ends twice, or was never begun`,
    );
    this.asked = new Map([...asked].filter(([each]) => each !== id));
  }

  /** Each recipient has one outcome, and it is the one that follows from the replies. */
  #done(id: number, outcomes: readonly Outcome[], safeToRetry: boolean): void {
    const asked = this.asked.get(id);
    claim(asked?.verb === "MAIL", `transaction ${id} is done twice, or was never begun`);
    claim(outcomes.length === asked.envelope.length, "not an outcome for each recipient");
    const mail = this.mail?.id === id ? this.mail : null;
    for (const [index, outcome] of outcomes.entries()) {
      const text = (): string => `recipient ${index} is ${JSON.stringify(outcome)}`;
      const verdict = mail === null ? null : this.#verdict(mail, index);
      const sent = mail?.ended === true && isGood(mail.mailCode) && isGood(mail.rcptCodes[index]);
      if (outcome.status === "accepted") claim(sent && isGood(verdict) && isGood(outcome.reply.code), text);
      if (outcome.status === "unknown") claim(sent && verdict === null, text);
      if (outcome.status === "refused") claim(outcome.reply.code >= 500, text);
      if (outcome.status === "deferred") claim(outcome.reply.code >= 400, text);
      // Nothing that may have been delivered is called anything else, until the verdict is there.
      if (sent && verdict === null) claim(outcome.status === "unknown", text);
      if (sent && isGood(verdict)) claim(outcome.status === "accepted", text);
      if (sent && verdict !== null && verdict >= 400)
        claim(outcome.status === "refused" || outcome.status === "deferred", text);
    }
    const risky = outcomes.some(({ status }) => status === "accepted" || status === "unknown");
    claim(safeToRetry === !risky, "safeToRetry does not follow");
    this.asked = new Map([...this.asked].filter(([each]) => each !== id));
    if (mail !== null) this.mail = null;
  }

  /** The verdict on a recipient, as far as it has come. */
  #verdict({ rcptCodes, verdicts, each }: Mail, index: number): number | null {
    if (!this.lmtp && !each) return verdicts[0] ?? null;
    const own = verdicts[rcptCodes.slice(0, index).filter(isGood).length] ?? null;
    if (!each) return own;
    const overall = verdicts[rcptCodes.filter(isGood).length] ?? null;
    return overall === null && !isGood(own) ? own : isGood(overall) ? own : overall;
  }

  #close(): void {
    this.closed = true;
    // What was said, and not answered, ends with the connection.
    const left = [...this.asked.values()].filter(({ verb }) => verb === "MAIL");
    claim(left.length === 0, "a transaction has no end");
    this.asked = new Map();
    this.mail = null;
    this.owed = [];
  }
}

export interface Owed {
  readonly verb: string;
  readonly index: number;
}

const greeting: Owed = { verb: "greeting", index: 0 };

/** What the caller has asked for. */
export interface Asked {
  readonly verb: string;
  readonly marks: readonly string[];
  /** A mark for each recipient. */
  readonly envelope: readonly string[];
}

/** A transaction on the wire. */
class Mail {
  readonly id: number;
  readonly envelope: readonly string[];
  readonly mailCode: number | null = null;
  readonly rcptCodes: readonly (number | null)[];
  readonly dataCode: number | null = null;
  readonly chunkCode: number | null = null;
  readonly verdicts: readonly number[] = [];
  /** PRDR was said; and each recipient has a verdict. */
  readonly prdr: boolean = false;
  readonly each: boolean = false;
  /** Its last octet was sent. */
  readonly ended: boolean = false;

  constructor(id: number, envelope: readonly string[]) {
    this.id = id;
    this.envelope = envelope;
    this.rcptCodes = envelope.map(() => null);
  }

  get acceptedNow(): boolean {
    return this.rcptCodes.some(isGood);
  }

  with(changed: Partial<Mail>): Mail {
    return Object.assign(new Mail(this.id, this.envelope), this, changed);
  }
}

function isGood(code: number | null | undefined): boolean {
  return code !== null && code !== undefined && code >= 200 && code < 300;
}

function replaced<T>(list: readonly T[], index: number, value: T): readonly T[] {
  return list.map((each, at) => (at === index ? value : each));
}
