/** What a client session holds and says of itself behind each step, row by row. */
import {
  type ClientConfig,
  type ClientEvent,
  ClientSession,
  type OutgoingEnvelope,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";

interface State {
  readonly phase: string;
  readonly expected: readonly { kind: string; verb: string; index: number; timer: string }[];
  readonly readyTold: boolean;
  readonly authenticated: boolean;
}

class Play {
  readonly session: ClientSession;
  readonly events: ClientEvent[] = [];
  sent = "";

  constructor(offered: readonly string[] | null = [], config: Partial<ClientConfig> = {}) {
    this.session = new ClientSession({ name: "client.example.net", tls: "never", ...config });
    this.drain();
    if (offered === null) return;
    const lines = ["mx", ...offered];
    this.hear("220 mx").hear(...lines.map((line, at) => `250${at < lines.length - 1 ? "-" : " "}${line}`));
  }

  drain(full = false): this {
    for (let event = this.session.poll(full); event !== null; event = this.session.poll(full)) {
      this.events.push(event);
      if (event.type === "send") this.sent += Buffer.from(event.data).toString();
    }
    return this;
  }

  hear(...lines: readonly string[]): this {
    this.session.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join("")));
    return this.drain();
  }

  send(envelope: Partial<OutgoingEnvelope> = {}): this {
    this.session.transaction({ from: "a@example.net", to: ["b@example.com"], ...envelope });
    return this.drain();
  }

  write(text: string): this {
    this.session.write(Buffer.from(text));
    return this.drain();
  }

  finish(): this {
    this.session.finish();
    return this.drain();
  }

  get state(): State {
    return (this.session.snapshot({ secrets: true }).held as unknown as { state: State }).state;
  }

  /** The phase, and what replies are expected. */
  get owed(): string {
    const { phase, expected } = this.state;
    return [
      phase,
      ...expected.map(({ kind, verb, index, timer }) => `${kind} ${verb || "-"} ${index} ${timer}`),
    ].join(", ");
  }

  get failed(): string | null {
    const event = this.events.find(({ type }) => type === "failed");
    return event?.type === "failed" ? event.failure.code : null;
  }
}

const two = { to: ["b@example.com", "c@example.com"] };
const upTo = (
  offered: readonly string[],
  more: Partial<OutgoingEnvelope> = {},
  config: Partial<ClientConfig> = {},
) => new Play(offered, config).send(more);

describe("what replies are owed", () => {
  test.each<[string, () => Play, string]>([
    ["before the greeting", () => new Play(null), "greeting, greeting - 0 greeting"],
    ["behind the greeting", () => new Play(null).hear("220 mx"), "hello, hello EHLO 0 other"],
    ["of LMTP", () => new Play(null, { protocol: "lmtp" }).hear("220 mx"), "hello, hello LHLO 0 other"],
    [
      "when EHLO was refused",
      () => new Play(null).hear("220 mx").hear("500 no"),
      "hello, hello HELO 0 other",
    ],
    ["when all is said", () => new Play(), "ready"],
    [
      "of STARTTLS, as the policy has it",
      () => new Play(["STARTTLS"], { tls: "offered" }),
      "starttls, starttls STARTTLS 0 other",
    ],
    ["behind the 220 to it", () => new Play(["STARTTLS"], { tls: "required" }).hear("220 go"), "upgrading"],
    [
      "of TLS from the start",
      () => {
        const play = new Play(null, { tls: "implicit" });
        play.session.upgraded();
        return play.drain();
      },
      "greeting, greeting - 0 greeting",
    ],
    [
      "of STARTTLS that was asked for",
      () => {
        const play = new Play(["STARTTLS"]);
        play.session.startTls();
        return play.drain();
      },
      "starttls, starttls STARTTLS 0 other",
    ],
    [
      "of XCLIENT",
      () => {
        const play = new Play(["XCLIENT NAME"]);
        play.session.xclient({ name: "a.example" });
        return play.drain();
      },
      "presenting, xclient XCLIENT 0 greeting",
    ],
    [
      "of ATRN",
      () => {
        const play = new Play(["ATRN", "AUTH X"]);
        play.session.atrn(["a.example"]);
        return play.drain();
      },
      "ready, atrn ATRN 0 other",
    ],
    [
      "of AUTH",
      () => {
        const play = new Play(["AUTH X"]);
        play.session.auth("x");
        return play.drain();
      },
      "ready, auth X 0 other",
    ],
    [
      "of NOOP",
      () => {
        const play = new Play();
        play.session.noop();
        return play.drain();
      },
      "ready, command NOOP 0 other",
    ],
    [
      "of RSET",
      () => {
        const play = new Play();
        play.session.reset();
        return play.drain();
      },
      "ready, reset RSET 0 other",
    ],
    [
      "of QUIT",
      () => {
        const play = new Play();
        play.session.quit();
        return play.drain();
      },
      "quitting, quit QUIT 0 quit",
    ],
    ["of an envelope", () => upTo([], two), "ready, mail MAIL 0 mail"],
    [
      "of an envelope in a group",
      () => upTo(["PIPELINING"], two),
      "ready, mail MAIL 0 mail, rcpt RCPT 0 rcpt, rcpt RCPT 1 rcpt, data DATA 0 dataInit",
    ],
    [
      "of a group without DATA",
      () => upTo(["PIPELINING"], two, { pipelineData: false }),
      "ready, mail MAIL 0 mail, rcpt RCPT 0 rcpt, rcpt RCPT 1 rcpt",
    ],
    [
      "of XFORWARD",
      () =>
        upTo(["PIPELINING", "XFORWARD NAME"], { forwarded: { name: "a.example" } }, { pipelineData: false }),
      "ready, xforward XFORWARD 0 other, mail MAIL 0 mail, rcpt RCPT 0 rcpt",
    ],
    ["of DATA", () => upTo([]).hear("250 ok").hear("250 ok"), "ready, data DATA 0 dataInit"],
    ["of content", () => upTo([]).hear("250 ok").hear("250 ok").hear("354 go"), "ready"],
    [
      "of a message",
      () => upTo([]).hear("250 ok").hear("250 ok").hear("354 go").write("x\r\n").finish(),
      "ready, verdict - 0 dataDone",
    ],
    [
      "of a message to two by LMTP",
      () =>
        upTo(["PIPELINING"], two, { protocol: "lmtp" }).hear("250 ok", "250 ok", "250 ok", "354 go").finish(),
      "ready, verdict - 0 dataDone, verdict - 1 dataDone",
    ],
    [
      "of a message under PRDR",
      () =>
        upTo(["PIPELINING", "PRDR"], two)
          .hear("250 ok", "250 ok", "250 ok", "354 go")
          .finish()
          .hear("353 each"),
      "ready, verdict - 0 dataDone, verdict - 1 dataDone, verdict - 2 dataDone",
    ],
    [
      "of a message for nobody",
      () => upTo(["PIPELINING"], two).hear("250 ok", "550 no", "550 no", "354 go"),
      "ready, empty . 0 dataDone",
    ],
    [
      "of a chunk",
      () =>
        upTo(["PIPELINING", "CHUNKING"], {}, { limits: { chunk: 3 } })
          .hear("250 ok", "250 ok")
          .write("abcde"),
      "ready, chunk BDAT 0 chunk",
    ],
    [
      "of the last chunk",
      () =>
        upTo(["PIPELINING", "CHUNKING"], {}, { limits: { chunk: 3 } })
          .hear("250 ok", "250 ok")
          .write("abcde")
          .finish(),
      "ready, chunk BDAT 0 chunk, verdict - 0 dataDone",
    ],
    [
      "of a URL and a chunk",
      () => {
        const play = upTo(["PIPELINING", "CHUNKING", "BURL imap", "AUTH X"], { burl: true }).hear(
          "250 ok",
          "250 ok",
        );
        play.session.burl("imap://a/b");
        return play.write("x\r\n").finish();
      },
      "ready, chunk BURL 0 dataDone, verdict - 0 dataDone",
    ],
    [
      "of RSET behind a refused chunk",
      () =>
        upTo(["CHUNKING"], {}, { limits: { chunk: 3 } })
          .hear("250 ok")
          .hear("250 ok")
          .write("abcde")
          .hear("552 no"),
      "ready, reset RSET 0 other",
    ],
  ])("%s", (_, made, owed) => {
    expect(made().owed).toBe(owed);
  });
});

describe("where a transaction is", () => {
  const stage = (play: Play) => {
    const { state } = play.session.snapshot().held as unknown as {
      state: { transfer: { stage: string; chunksOut: number } | null };
    };
    return state.transfer === null ? null : [state.transfer.stage, state.transfer.chunksOut];
  };
  const chunks = () =>
    upTo(["PIPELINING", "CHUNKING"], {}, { limits: { chunk: 3 } }).hear("250 ok", "250 ok");
  const burl = (chunk: string) => {
    const play = upTo(["PIPELINING", "CHUNKING", "BURL imap"], { burl: true }).hear("250 ok", "250 ok");
    play.session.burl("imap://a/b");
    return (chunk === "" ? play : play.write(chunk)).finish();
  };

  test.each<[string, () => Play, [string, number] | null]>([
    ["in its envelope", () => upTo([]), ["envelope", 0]],
    ["in its content", () => upTo([]).hear("250 ok").hear("250 ok").hear("354 go"), ["body", 0]],
    [
      "behind its content",
      () => upTo([]).hear("250 ok").hear("250 ok").hear("354 go").finish(),
      ["verdict", 0],
    ],
    ["in its chunks", () => chunks().write("abcdefgh"), ["body", 2]],
    ["behind a chunk", () => chunks().write("abcdefgh").hear("250 ok"), ["body", 1]],
    ["behind its last chunk", () => chunks().write("abcdefgh").finish(), ["verdict", 2]],
    ["behind a URL that is the last", () => burl(""), ["verdict", 0]],
    ["behind a chunk that follows a URL", () => burl("x"), ["verdict", 1]],
    [
      "refused, while another reply is owed",
      () => upTo(["PIPELINING"], two, { pipelineData: false }).hear("550 no"),
      ["envelope", 0],
    ],
    ["over", () => upTo([]).hear("550 no"), null],
  ])("%s", (_, made, expected) => {
    expect(stage(made())).toEqual(expected);
  });

  test("behind its end nobody knows what became of it, and before nobody can have it", () => {
    for (const [made, outcome] of [
      [
        chunks().write("abcd").finish(),
        { status: "unknown", phase: "verdict", reply: null, reason: "ended" },
      ],
      [chunks().write("abcd"), { status: "notTried", reason: { code: "ended" } }],
    ] as const) {
      made.session.receiveEnd();
      made.drain();
      expect(made.events.find(({ type }) => type === "done")).toMatchObject({ outcomes: [outcome] });
    }
  });

  test("when a session has failed nothing is held of what was queued", () => {
    const play = upTo(["PIPELINING", "AUTH X"]);
    play.session.noop();
    play.session.transaction({ from: null, to: ["c@d"] });
    play.drain().hear("999 what");
    const { held } = play.session.snapshot();
    expect((held as { state: object }).state).toMatchObject({
      phase: "closed",
      operations: [],
      expected: [],
      transfer: null,
      challenged: null,
      closing: { broken: true },
    });
    expect(play.events.filter(({ type }) => type === "done" || type === "skipped")).toMatchObject([
      { type: "done", outcomes: [{ status: "notTried" }] },
      { type: "skipped", verb: "NOOP" },
      { type: "done", outcomes: [{ status: "notTried" }] },
    ]);
  });

  test("QUIT without a reply in time ends in a broken connection, and with one in order", () => {
    for (const answered of [true, false]) {
      const play = new Play();
      play.session.quit();
      play.drain();
      if (answered) play.hear("221 bye");
      else play.session.advance(play.session.deadline ?? 0);
      play.drain();
      expect(play.events.at(-1)).toEqual({ type: "close", broken: !answered });
    }
  });

  test("RFC 9422 domains beyond those that the server takes on a connection are not tried", () => {
    const play = upTo(["LIMITS RCPTDOMAINMAX=1"], { to: ["b@d.example", "c@D.example", "d@e.example"] });
    play.hear("250 ok").hear("250 ok").hear("250 ok").hear("354 go").finish().hear("250 ok");
    expect(play.events.find(({ type }) => type === "done")).toMatchObject({
      outcomes: [
        { status: "accepted" },
        { status: "accepted" },
        { status: "notTried", reason: { code: "limit-exceeded" } },
      ],
    });
  });
});

describe("after each call there is something to poll, perhaps", () => {
  const waiting = (play: Play, call: (session: ClientSession) => void) => {
    const before = play.session.waiting;
    call(play.session);
    return [before, play.session.waiting];
  };
  const body = () => upTo([]).hear("250 ok").hear("250 ok").hear("354 go");

  test.each<[string, () => Play, (session: ClientSession) => void, string]>([
    ["receive", () => new Play(), (session) => session.receive(Buffer.from("2")), "work"],
    ["receiveEnd", () => new Play(), (session) => session.receiveEnd(), "work"],
    ["advance", () => new Play(), (session) => session.advance(1), "work"],
    ["transaction", () => new Play(), (session) => session.transaction({ from: null, to: ["b@c"] }), "work"],
    ["noop", () => new Play(), (session) => session.noop(), "work"],
    ["quit", () => new Play(), (session) => session.quit(), "work"],
    ["close", () => new Play(), (session) => session.close(), "work"],
    ["write", body, (session) => session.write(Buffer.from("x")), "body"],
    ["finish", body, (session) => session.finish(), "body"],
    ["abandon", body, (session) => session.abandon(1), "body"],
    [
      "burl",
      () => upTo(["CHUNKING", "BURL imap"], { burl: true }).hear("250 ok").hear("250 ok"),
      (session) => session.burl("imap://a/b"),
      "body",
    ],
    [
      "respond",
      () => {
        const play = new Play(["AUTH X"]);
        play.session.auth("X");
        return play.drain().hear("334 ");
      },
      (session) => session.respond(null),
      "response",
    ],
    [
      "upgraded",
      () => new Play(["STARTTLS"], { tls: "offered" }).hear("220 go"),
      (session) => session.upgraded(),
      "tls",
    ],
  ])("G3 %s", (_, made, call, before) => {
    expect(waiting(made(), call)).toEqual([before, "nothing"]);
  });

  test("G3 of a transaction that was queued and is given up", () => {
    const play = upTo([]);
    const id = play.session.transaction({ from: null, to: ["b@c"] });
    play.drain();
    expect(waiting(play, (session) => expect(session.abandon(id)).toBe(true))).toEqual(["input", "nothing"]);
    expect(waiting(play.drain(), (session) => expect(session.abandon(99)).toBe(false))).toEqual([
      "input",
      "input",
    ]);
  });

  test("G3 when all is over it stays so, whatever comes", () => {
    const play = new Play();
    play.session.quit();
    play.drain().hear("221 bye");
    expect(play.session.waiting).toBe("closed");
    play.session.advance(5);
    play.session.receive(Buffer.from("250 ok\r\n"));
    play.session.receiveEnd();
    play.session.close();
    expect([play.session.waiting, play.session.poll(), play.session.deadline]).toEqual([
      "closed",
      null,
      null,
    ]);
    for (const call of [
      () => play.session.noop(),
      () => play.session.transaction({ from: null, to: ["b@c"] }),
      () => play.session.quit(),
    ])
      try {
        call();
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError);
      }
    expect(() => play.session.noop()).toThrow(UsageError);
  });
});

describe("words", () => {
  test.each(["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER", "plain"])(
    "%s shows the credentials, which is not done in the clear",
    (mechanism) => {
      const play = new Play([`AUTH ${mechanism}`]);
      play.session.auth(mechanism, Buffer.from("x"));
      play.drain();
      expect(play.events.at(-2)).toMatchObject({
        type: "skipped",
        verb: "AUTH",
        reason: { code: "auth-in-the-clear" },
      });
      const other = new Play([`AUTH ${mechanism}`], { allowInsecureAuth: true });
      other.session.auth(mechanism, Buffer.from("x"));
      expect(other.drain().sent).toContain(`AUTH ${mechanism.toUpperCase()} eA==\r\n`);
    },
  );

  test.each(
    "EHLO HELO LHLO MAIL RCPT DATA BDAT AUTH STARTTLS QUIT SEND SOML SAML TURN ATRN BURL XCLIENT XFORWARD".split(
      " ",
    ),
  )("C-SES-11 %s is not said as a command of its own", (verb) => {
    const play = new Play();
    expect(() => play.session.command(verb)).toThrow(UsageError);
    expect(() => play.session.command(verb.toLowerCase())).toThrow(UsageError);
  });

  test("an initial response is said with AUTH as long as the line has 512 octets", () => {
    for (const [octets, said] of [
      [372, true],
      [375, false],
    ] as const) {
      const play = new Play(["AUTH SCRAM"]);
      play.session.auth("SCRAM", new Uint8Array(octets));
      const line = play.drain().sent.split("\r\n").at(-2) as string;
      expect([line.length + 2 <= 512, line.length > 10]).toEqual([true, said]);
    }
    // 512 octets, to the octet: AUTH, a mechanism of 5, two blanks, 496 of base64 and CRLF are 509; of 8 they are 512.
    const play = new Play(["AUTH ABCDEFGH"]);
    play.session.auth("ABCDEFGH", new Uint8Array(372));
    expect(play.drain().sent.split("\r\n").at(-2)).toHaveLength(510);
    const other = new Play(["AUTH ABCDEFGHI"]);
    other.session.auth("ABCDEFGHI", new Uint8Array(372));
    expect(other.drain().sent.split("\r\n").at(-2)).toBe("AUTH ABCDEFGHI");
    expect(other.hear("334 ").sent.split("\r\n").at(-2)).toHaveLength(496);
  });

  test.each([
    ["552 5.2.2 full", "refused"],
    ["552 5.2.3 large", "refused"],
    ["552 5.3.4 large", "refused"],
    ["552 5.5.3 many", "deferred"],
    ["552 many", "deferred"],
    ["550 5.5.3 many", "refused"],
  ])("of a recipient behind another, to whom is said %s: %s", (reply, status) => {
    const play = upTo([], two)
      .hear("250 ok")
      .hear("250 ok")
      .hear(reply)
      .hear("354 go")
      .finish()
      .hear("250 ok");
    const done = play.events.find(({ type }) => type === "done");
    expect(done?.type === "done" && done.outcomes.map((outcome) => outcome.status)).toEqual([
      "accepted",
      status,
    ]);
  });

  test.each([
    [{ size: 0 }, true],
    [{ size: -1 }, false],
    [{ size: 1.5 }, false],
    [{ to: ["Postmaster"] }, true],
    [{ to: ["POSTMASTER"] }, true],
    [{ to: ["xpostmaster"] }, false],
    [{ to: ["postmasterx"] }, false],
    [{ from: "postmaster" }, false],
    [{ to: ["a@b", "c"] }, false],
  ])("C-SES-11 an envelope with %j can be said: %s", (given, can) => {
    const play = new Play(["SIZE"]);
    if (can) expect(() => play.send(given)).not.toThrow();
    else expect(() => play.send(given)).toThrow(UsageError);
  });

  test.each([
    [{ from: "x" }, "from: not an address"],
    [{ to: ["a@b", "x"] }, "to[1]: not an address"],
    [{ body: "9BIT" as "7BIT" }, "body"],
    [{ size: -1 }, "size: -1"],
  ])("G9 of an envelope with %j it is told what cannot be", (given, words) => {
    expect(() => new Play().send(given)).toThrow(words);
  });
});

describe("limits and defaults", () => {
  test.each([
    [{ limits: { line: 511 } }, false],
    [{ limits: { line: 512 } }, true],
    [{ limits: { chunk: 0 } }, false],
    [{ limits: { chunk: 1 } }, true],
    [{ timers: { greeting: 0 } }, true],
    [{ timers: { greeting: -1 } }, false],
    [{ timers: { greeting: Number.NaN } }, false],
    [{ timers: { greeting: Number.POSITIVE_INFINITY } }, true],
  ])("G9 a session is made with %j: %s", (config, can) => {
    if (can) expect(() => new Play(null, config)).not.toThrow();
    else expect(() => new Play(null, config)).toThrow(UsageError);
  });

  test("G6 no more is read when 65,536 octets wait", () => {
    const play = new Play(null);
    play.session.receive(new Uint8Array(65_536 - 256 - 1));
    expect(play.session.wantsInput).toBe(true);
    const other = new Play(null);
    other.session.receive(new Uint8Array(65_536 - 256));
    expect(other.session.wantsInput).toBe(false);
  });

  test("what does not leave for the time of a data block is given up, and not sooner", () => {
    for (const [passed, failed] of [
      [179_999, null],
      [180_000, "timeout"],
    ] as const) {
      const play = upTo([]).hear("250 ok").hear("250 ok").hear("354 go");
      play.session.advance(1000);
      play.session.write(Buffer.from("x\r\n"));
      expect(play.session.poll()).toMatchObject({ type: "send" });
      // The connection is full: what was given has not left.
      play.drain(true);
      expect(play.session.deadline).toBe(181_000);
      play.session.advance(1000 + passed);
      play.drain(true);
      expect([passed, play.failed]).toEqual([passed, failed]);
    }
  });
});
