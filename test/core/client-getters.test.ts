import { type ClientConfig, type ClientEvent, ClientSession, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";

const octets = (text: string): Uint8Array => new TextEncoder().encode(text.replaceAll("\n", "\r\n"));

function begun(config: Partial<ClientConfig> = {}): ClientSession {
  return new ClientSession({ name: "client.example.net", tls: "never", ...config });
}

/** All events until there are no more. */
function polled(session: ClientSession, full = false): ClientEvent[] {
  const events: ClientEvent[] = [];
  for (let event = session.poll(full); event !== null; event = session.poll(full)) events.push(event);
  return events;
}

function hears(session: ClientSession, text: string): ClientEvent[] {
  session.receive(octets(text));
  return polled(session);
}

/** What was said, a text for each piece that leaves. */
function said(events: readonly ClientEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "send" ? [new TextDecoder().decode(event.data).replaceAll("\r\n", "\n")] : [],
  );
}

function ready(offered: readonly string[] = [], config: Partial<ClientConfig> = {}): ClientSession {
  const session = begun(config);
  polled(session);
  hears(session, "220 mx\n");
  const lines = ["mx", ...offered];
  hears(session, lines.map((line, at) => `250${at < lines.length - 1 ? "-" : " "}${line}\n`).join(""));
  return session;
}

const envelope = { from: "a@example.net", to: ["b@example.com", "c@example.com"] };

describe("what a client session waits for", () => {
  test("G3 is nothing while there are events, and then what has to happen next", () => {
    const seen: string[] = [];
    const look = (session: ClientSession): void => {
      for (let event = session.poll(); event !== null; event = session.poll())
        if (session.waiting !== "nothing") seen.push(`${event.type}: ${session.waiting}`);
      seen.push(session.waiting);
    };
    const session = begun();
    expect([session.waiting, session.settings.chunking]).toEqual(["nothing", "prefer"]);
    look(session);
    for (const text of ["220 mx\n", "250 mx\n"]) {
      session.receive(octets(text));
      expect(session.waiting).toBe("nothing");
      look(session);
    }
    session.transaction({ ...envelope, to: ["b@example.com"] });
    expect(session.waiting).toBe("nothing");
    look(session);
    for (const text of ["250 ok\n", "250 ok\n", "354 go\n"]) {
      session.receive(octets(text));
      look(session);
    }
    session.write(octets("x\n"));
    session.finish();
    look(session);
    session.receive(octets("250 ok\n"));
    look(session);
    session.quit();
    look(session);
    session.receive(octets("221 bye\n"));
    look(session);
    expect(seen).toEqual([
      ...["input", "input", "work"],
      ...["input", "input", "input", "body"],
      ...["input", "work", "input"],
      ...["close: closed", "closed"],
    ]);
    session.advance(1);
    expect(session.waiting).toBe("closed");
  });

  test("G3 is the handshake, a response, and nothing more once the roles have turned", () => {
    const secured = begun({ tls: "implicit" });
    expect(polled(secured).map(({ type }) => type)).toEqual(["upgrade"]);
    expect(secured.waiting).toBe("tls");
    const session = ready(["AUTH X"]);
    session.auth("X");
    polled(session);
    hears(session, "334 \n");
    expect(session.waiting).toBe("response");
    const turning = ready(["ATRN"]);
    turning.atrn([]);
    polled(turning);
    turning.receive(octets("250 now\n"));
    expect(turning.poll()?.type).toBe("turn");
    expect(turning.waiting).toBe("closed");
  });
});

describe("what a client session wants", () => {
  test("G3 is no input once it closes, and nothing that comes then is kept", () => {
    const session = ready();
    session.transaction(envelope);
    polled(session);
    expect(session.wantsInput).toBe(true);
    session.close();
    expect(session.phase).toBe("closing");
    expect(session.wantsInput).toBe(false);
    session.receive(octets("250 ok\n"));
    const unread = (): unknown => (session.snapshot().held as { input: { $octets: string } }).input.$octets;
    expect(unread()).toBe("");
    expect(() => session.noop()).toThrow(UsageError);
    polled(session);
    expect(session.phase).toBe("closed");
    session.receive(octets("250 ok\n"));
    expect(unread()).toBe("");
    expect(session.wantsInput).toBe(false);
    // Once more changes nothing.
    session.close();
    expect(polled(session)).toEqual([]);
  });

  test("G3 is content from 354 on until all of it was written", () => {
    for (const offered of [[], ["CHUNKING"]]) {
      const session = ready(offered);
      expect(session.wantsBody).toBe(false);
      session.transaction({ ...envelope, to: ["b@example.com"] });
      polled(session);
      expect(session.wantsBody).toBe(false);
      expect(() => session.write(octets("x"))).toThrow(UsageError);
      hears(session, "250 ok\n");
      hears(session, "250 ok\n");
      if (offered.length === 0) hears(session, "354 go\n");
      expect(session.wantsBody).toBe(true);
      session.write(octets("x\n"));
      polled(session);
      expect(session.wantsBody).toBe(true);
      session.finish();
      polled(session);
      expect(session.wantsBody).toBe(false);
      expect(() => session.write(octets("x"))).toThrow(UsageError);
    }
  });

  test("G3 is to be woken no more once it closes, with content on its way, too", () => {
    const session = ready();
    session.transaction({ ...envelope, to: ["b@example.com"] });
    polled(session);
    for (const text of ["250 ok\n", "250 ok\n", "354 go\n"]) hears(session, text);
    session.write(octets("x\n"));
    expect(said([session.poll()!])).toEqual(["x\n"]);
    expect(session.deadlineReason).toBe("dataBlock");
    session.close();
    expect([session.phase, session.deadline]).toEqual(["closing", null]);
    polled(session);
    expect([session.phase, session.deadline]).toEqual(["closed", null]);
  });
});

describe("what leaves together", () => {
  test("G5 is a group of commands, in one piece", () => {
    const session = ready(["PIPELINING", "XFORWARD NAME"]);
    session.transaction({ ...envelope, forwarded: { name: "d.example" } });
    expect(said(polled(session))).toEqual([
      "XFORWARD NAME=d.example\nMAIL FROM:<a@example.net>\nRCPT TO:<b@example.com>\nRCPT TO:<c@example.com>\nDATA\n",
    ]);
  });

  test("G5 and a full transport holds back content, but no command", () => {
    const session = begun();
    session.receive(octets("220 mx\n"));
    expect(said(polled(session, true))).toEqual(["EHLO client.example.net\n"]);
    hears(session, "250 mx\n");
    session.transaction({ ...envelope, to: ["b@example.com"] });
    expect(said(polled(session, true))).toEqual(["MAIL FROM:<a@example.net>\n"]);
    for (const text of ["250 ok\n", "250 ok\n", "354 go\n"]) hears(session, text);
    session.write(octets("x\n"));
    expect(polled(session, true)).toEqual([]);
    expect(said(polled(session))).toEqual(["x\n"]);
  });

  test("the end of an empty message for nobody is a command, too", () => {
    const session = ready(["PIPELINING"]);
    session.transaction(envelope);
    polled(session);
    session.receive(octets("250 ok\n550 no\n550 no\n354 go\n"));
    expect(said(polled(session, true))).toEqual([".\n"]);
  });
});

describe("the time of a client session", () => {
  test("a command that follows another unanswered one does not put off its deadline", () => {
    const session = ready(["PIPELINING"], { timers: { other: 1000, mail: 1000 } });
    session.reset();
    expect(said(polled(session))).toEqual(["RSET\n"]);
    const { deadline } = session;
    session.advance(900);
    session.transaction(envelope);
    expect(said(polled(session))[0]).toContain("MAIL FROM");
    expect(session.deadline).toBe(deadline);
  });

  test.each([true, false])(
    "L-TIME-18 content that does not leave in time ends the session at its deadline, full: %s",
    (full) => {
      const session = ready([], { timers: { dataBlock: 1000 } });
      session.transaction({ ...envelope, to: ["b@example.com"] });
      polled(session);
      for (const text of ["250 ok\n", "250 ok\n", "354 go\n"]) hears(session, text);
      session.write(octets("x\n"));
      expect(said([session.poll()!])).toEqual(["x\n"]);
      expect(session.poll(true)).toBeNull();
      session.advance(999);
      expect(session.poll(true)).toBeNull();
      session.advance(1000);
      const failed = polled(session, full).find(({ type }) => type === "failed");
      expect(failed).toMatchObject({ failure: { code: "timeout" } });
    },
  );
});

describe("AUTH", () => {
  const long = new Uint8Array(600).fill(0x61);

  test("what was too long for its line is the first response, and is not said again", () => {
    for (const [verdict, code] of [
      ["235 ok\n", 235],
      ["535 no\n", 535],
    ] as const) {
      const session = ready(["AUTH X"]);
      const id = session.auth("X", long);
      session.noop();
      expect(said(polled(session))).toEqual(["AUTH X\n"]);
      expect(said(hears(session, "334 \n"))[0]).toHaveLength(801);
      const events = hears(session, verdict);
      expect(events.filter(({ type }) => type === "skipped")).toEqual([]);
      expect(events).toContainEqual(
        expect.objectContaining({
          type: "reply",
          id,
          verb: "AUTH",
          reply: expect.objectContaining({ code }),
        }),
      );
      expect(said(events)).toEqual(["NOOP\n"]);
    }
  });

  test("nothing but a refusal is an answer to a cancelled exchange", () => {
    for (const text of ["235 ok\n", "334 \n"]) {
      const session = ready(["AUTH X"]);
      session.auth("X");
      polled(session);
      hears(session, "334 \n");
      session.respond(null);
      expect(said(polled(session))).toEqual(["*\n"]);
      expect(hears(session, text)).toContainEqual(
        expect.objectContaining({
          type: "failed",
          failure: expect.objectContaining({ code: "reply-unexpected" }),
        }),
      );
    }
  });

  test("the reply behind a challenge has the id of its AUTH", () => {
    const session = ready(["AUTH X"]);
    const id = session.auth("X");
    polled(session);
    hears(session, "334 \n");
    session.respond(octets("secret"));
    polled(session);
    expect(hears(session, "235 ok\n")).toContainEqual(expect.objectContaining({ type: "reply", id }));
  });
});

describe("operations", () => {
  test("G9 nothing is taken behind QUIT, however much waits before it", () => {
    const session = ready();
    session.noop();
    session.noop();
    session.noop();
    session.quit();
    session.quit();
    expect(() => session.noop()).toThrow(UsageError);
  });

  test("a 3yz to RSET leaves nothing to say, a refusal QUIT", () => {
    for (const [text, last] of [
      ["354 go\n", []],
      ["400 no\n", ["QUIT\n"]],
      ["500 no\n", ["QUIT\n"]],
    ] as const) {
      const session = ready();
      session.reset();
      polled(session);
      const events = hears(session, text);
      expect(events.some(({ type }) => type === "failed")).toBe(true);
      expect(said(events)).toEqual(last);
    }
  });

  test("of a RSET that the session says for itself nothing is told", () => {
    const session = ready();
    session.transaction({ ...envelope, to: ["b@example.com"] });
    polled(session);
    hears(session, "250 ok\n");
    expect(said(hears(session, "550 no\n"))).toEqual(["RSET\n"]);
    expect(hears(session, "250 ok\n").map(({ type }) => type)).toEqual(["ready"]);
  });

  test("a message that was to be sent has the refusal of the greeting for a reason, whatever its last digits", () => {
    const session = begun();
    session.transaction(envelope);
    const done = hears(session, "400 not now\n").find(({ type }) => type === "done");
    expect(done).toMatchObject({
      outcomes: Array(2).fill({ status: "notTried", reason: expect.objectContaining({ code: 400 }) }),
    });
  });

  test("what is left of XCLIENT is not said behind a refusal, and AUTH begins anew behind it", () => {
    const name = `${`${"a".repeat(60)}.`.repeat(4)}example`;
    const attributes = { name, helo: name, login: "dana" };
    const offered = ["XCLIENT NAME HELO LOGIN", "AUTH X"];
    const refused = ready(offered);
    refused.xclient(attributes);
    expect(said(polled(refused))).toHaveLength(1);
    expect(said(hears(refused, "550 no\n"))).toEqual([]);
    const session = ready(offered);
    session.auth("X", octets("me"));
    polled(session);
    hears(session, "235 ok\n");
    session.xclient({ login: "dana" });
    polled(session);
    hears(session, "220 mx\n");
    hears(session, "250-mx\n250 AUTH X\n");
    session.auth("X", octets("me"));
    expect(said(polled(session))).toEqual(["AUTH X bWU=\n"]);
  });

  test("X-XCL-06 attributes share a line of 510 octets, and no longer one", () => {
    const label = (length: number): string =>
      `${"a".repeat(60)}.`.repeat(Math.floor(length / 61)) + "b".repeat(length % 61);
    for (const [helo, lines] of [
      [241, 1],
      [242, 2],
    ] as const) {
      const session = ready(["XCLIENT NAME HELO"]);
      session.xclient({ name: label(250), helo: label(helo) });
      const [first] = said(polled(session));
      expect(first).toHaveLength(lines === 1 ? 511 : 264);
    }
  });
});

describe("transactions", () => {
  test("DATA is not said ahead once MAIL was refused", () => {
    const session = ready(["PIPELINING"], { limits: { outstanding: 2 } });
    session.transaction({ ...envelope, to: ["b@example.com"] });
    expect(said(polled(session))).toEqual(["MAIL FROM:<a@example.net>\nRCPT TO:<b@example.com>\n"]);
    expect(said(hears(session, "550 no\n"))).toEqual([]);
    expect(said(hears(session, "503 no\n"))).toEqual([]);
  });

  test("a recipient that was not tried stays so when MAIL is refused", () => {
    const session = ready(["LIMITS RCPTMAX=1"]);
    session.transaction(envelope);
    polled(session);
    const done = hears(session, "550 no\n").find(({ type }) => type === "done");
    expect(done).toMatchObject({ outcomes: [{ status: "refused" }, { status: "notTried" }] });
  });

  test("a last word on a message stands, also behind a chunk that was refused", () => {
    const session = ready(["CHUNKING", "PIPELINING"], { limits: { chunk: 3 } });
    session.transaction({ ...envelope, to: ["b@example.com"] });
    polled(session);
    hears(session, "250 ok\n250 ok\n");
    session.write(octets("x\n"));
    session.write(octets("y\n"));
    session.finish();
    expect(said(polled(session)).join("")).toBe("BDAT 3\nx\nBDAT 3\ny\nBDAT 0 LAST\n");
    const done = hears(session, "451 no\n503 no\n250 ok\n").find(({ type }) => type === "done");
    expect(done).toMatchObject({ outcomes: [{ status: "accepted" }] });
  });
});

describe("who answers in place of a mail server", () => {
  test.each([
    [[0x15, 0x03], "tls-on-plain-port"],
    [[0x16, 0x03], "tls-on-plain-port"],
    [[0x2b, 0x4f, 0x4b], "pop3"],
  ])("shows by its first octets: %j", (first, code) => {
    const session = begun();
    polled(session);
    session.receive(Uint8Array.from(first));
    expect(polled(session)).toContainEqual(
      expect.objectContaining({ type: "failed", failure: expect.objectContaining({ code }) }),
    );
  });

  test("and not by the second alone", () => {
    const session = begun();
    polled(session);
    session.receive(Uint8Array.of(0x17, 0x03, 0x0d, 0x0a));
    expect(polled(session)).toContainEqual(
      expect.objectContaining({ type: "failed", failure: expect.objectContaining({ code: "not-smtp" }) }),
    );
  });
});
