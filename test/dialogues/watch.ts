import type { ServerEvent, ServerSession } from "@sansmtp/core";

/**
 * Watches a session for what must hold at all times, whatever the dialogue: one stream of well-formed replies,
 * ids that are not used twice, getters that agree with what was polled, silence after the close.
 */
export class Watch {
  closed = false;
  #line = "";
  #replyCode: string | null = null;
  #enhanced: string | null = null;
  #upgrading = false;
  #ids = new Set<number>();
  #open = new Set<number>();

  /** To be called with everything that `poll` returns, null too, before it is answered. */
  see(event: ServerEvent | null, session: ServerSession): void {
    if (event === null) return this.#seeNull(session);
    this.#claim(!this.closed, `${event.type} after close`);
    this.#claim(!this.#upgrading || event.type === "close", `${event.type} during the handshake`);
    switch (event.type) {
      case "send":
        this.#claim(event.data.length > 0, "an empty send");
        this.#seeReplies(event.data);
        return;
      case "close":
        this.closed = true;
        this.#upgrading = false;
        this.#open.clear();
        this.#claim(session.waiting === "closed", `waiting is ${session.waiting} after close`);
        return;
      case "turn":
        this.closed = true;
        this.#claim(session.waiting === "closed", `waiting is ${session.waiting} after turn`);
        return;
      case "upgrade":
        this.#upgrading = true;
        this.#claim(session.phase === "upgrading", `the phase is ${session.phase} after upgrade`);
        return;
      case "body":
        this.#claim(event.data.length > 0, "an empty body");
        return;
      case "reset":
      case "violation":
        return;
      default:
        this.#claim(!this.#ids.has(event.id), `id ${event.id} twice`);
        this.#ids.add(event.id);
        this.#open.add(event.id);
    }
  }

  /** The handshake is over. */
  upgraded(): void {
    this.#upgrading = false;
  }

  /** A question was answered. */
  answered(id: number): void {
    this.#open.delete(id);
  }

  copy(): Watch {
    const copy = new Watch();
    copy.closed = this.closed;
    copy.#line = this.#line;
    copy.#replyCode = this.#replyCode;
    copy.#enhanced = this.#enhanced;
    copy.#upgrading = this.#upgrading;
    copy.#ids = new Set(this.#ids);
    copy.#open = new Set(this.#open);
    return copy;
  }

  #seeNull(session: ServerSession): void {
    const { waiting, wantsInput, deadline, deadlineReason } = session;
    this.#claim(
      this.#upgrading === (waiting === "tls"),
      `waiting is ${waiting}, the handshake is ${this.#upgrading ? "" : "not "}pending`,
    );
    if (waiting === "answer") this.#claim(this.#open.size > 0, "waits for an answer, but nothing is asked");
    if (waiting === "input") this.#claim(this.#open.size === 0, "waits for input, but a question is open");
    this.#claim(this.#line === "", `part of a reply line was sent: ${this.#line}`);
    this.#claim(this.#replyCode === null, "part of a reply was sent");
    this.#claim(waiting !== "nothing", "poll gave null, but waits for nothing");
    if (waiting === "closed" || waiting === "tls") this.#claim(!wantsInput, `wants input while ${waiting}`);
    if (waiting === "input") this.#claim(wantsInput, "waits for input and does not want it");
    this.#claim(
      (deadline === null) === (deadlineReason === null),
      "a deadline without a reason, or the reverse",
    );
    if (waiting === "closed") this.#claim(deadline === null, "a deadline after the end");
  }

  #seeReplies(data: Uint8Array): void {
    this.#line += Buffer.from(data).toString("latin1");
    for (;;) {
      const end = this.#line.indexOf("\r\n");
      if (end < 0) return;
      this.#seeReplyLine(this.#line.slice(0, end));
      this.#line = this.#line.slice(end + 2);
    }
  }

  /** R-FMT-01 to 04, R-ENH-01 to 03. */
  #seeReplyLine(line: string): void {
    const [, code, sign, text = ""] = /^([2-5][0-5][0-9])([ -])([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (code === undefined) throw new Error(`not a line of a reply: ${JSON.stringify(line)}`);
    this.#claim(line.length + 2 <= 512, `a reply line of ${line.length + 2} octets`);
    this.#claim(this.#replyCode === null || this.#replyCode === code, `codes differ within a reply: ${line}`);
    const enhanced = /^([245])\.(?:0|[1-9]\d{0,2})\.(?:0|[1-9]\d{0,2})(?= |$)/.exec(text);
    if (enhanced !== null)
      this.#claim(enhanced[1] === code[0], `class of the enhanced code differs: ${line}`);
    const first = this.#replyCode === null;
    this.#claim(
      first || (enhanced?.[0] ?? null) === this.#enhanced || code === "250",
      `enhanced codes differ: ${line}`,
    );
    if (code[0] === "3") this.#claim(enhanced === null, `an enhanced code in an intermediate reply: ${line}`);
    this.#replyCode = sign === "-" ? code : null;
    this.#enhanced = enhanced?.[0] ?? null;
  }

  #claim(holds: boolean, what: string): void {
    if (!holds) throw new Error(`the session breaks its word: ${what}`);
  }
}
