import { reply, type ServerConfig, type ServerEvent, ServerSession, settle, UsageError } from "@sansmtp/core";
import { simd } from "@sansmtp/core/simd";
import { describe, expect, test } from "vitest";

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

/** All events; questions are answered as they would be by themselves, a message is taken. */
function polled(session: ServerSession): ServerEvent[] {
  const events: ServerEvent[] = [];
  for (let event = session.poll(); event !== null; event = session.poll()) {
    events.push(event);
    if ("id" in event) session.answer(event.id, event.type === "message" ? reply(250, "ok") : undefined);
  }
  return events;
}

function hears(session: ServerSession, text: string): ServerEvent[] {
  session.receive(octets(text));
  return polled(session);
}

function after(text: string, config: Partial<ServerConfig> = {}): ServerSession {
  const session = new ServerSession({ name: "mx.example.com", ...config });
  polled(session);
  hears(session, text);
  return session;
}

const said = (events: readonly ServerEvent[]): number[] =>
  events.flatMap((event) => (event.type === "send" ? [event.data.length] : []));
const mechanisms = [{ name: "X", cleartext: false, first: "client" }] as const;
const mail = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n";

describe("what is kept from view", () => {
  const redacted = (session: ServerSession): boolean => {
    session.receive(octets("secret"));
    polled(session);
    return session.snapshot().redacted;
  };

  test("G13 is what follows an AUTH that has not succeeded, and nothing else", () => {
    expect(redacted(after("EHLO c\r\nNOOP\r\n", { mechanisms }))).toBe(false);
    expect(redacted(after("EHLO c\r\nAUTH X\r\n", { mechanisms }))).toBe(true);
    const session = new ServerSession({ name: "mx.example.com", mechanisms });
    polled(session);
    hears(session, "EHLO c\r\n");
    session.receive(octets("AUTH X abcd\r\n"));
    const asked = session.poll();
    if (asked?.type !== "auth") throw new Error("nobody has asked");
    session.answer(asked.id, reply(235, "2.7.0", "ok"));
    polled(session);
    // Refused: there was one already.
    hears(session, "AUTH X\r\n");
    expect(redacted(session)).toBe(false);
  });

  test("G13 and not what follows XCLIENT, with which the session begins anew", () => {
    const session = new ServerSession({
      name: "mx.example.com",
      mechanisms,
      extensions: { xclient: { trusted: ["192.0.2.1"] } },
    });
    session.connected("192.0.2.1");
    polled(session);
    hears(session, "EHLO c\r\nAUTH X\r\n");
    hears(session, "*\r\n");
    hears(session, "XCLIENT NAME=d.example\r\n");
    expect(redacted(session)).toBe(false);
  });
});

describe("what is held", () => {
  test("G6 is no domain of a recipient where their number has no bound", () => {
    const { held } = after(`EHLO c\r\n${mail}`).snapshot();
    expect(held).toMatchObject({ state: { domains: null } });
  });

  test("G6 is no more than 16 KiB of replies, and one", () => {
    const session = after("EHLO c\r\n", { limits: { idleCommands: 1e9 } });
    session.receive(octets("RSET\r\n".repeat(1800)));
    const lengths = said(polled(session));
    expect(lengths.length).toBeGreaterThan(1);
    expect(Math.max(...lengths)).toBeLessThan(16_384 + 512);
    // As soon as there is as much, at an octet more or less.
    expect(Math.min(...lengths.slice(0, -1))).toBeGreaterThanOrEqual(16_384);
  });

  test("S-BDAT-02 a chunk that goes on in another session has its dots", () => {
    const config = { name: "mx.example.com" };
    const session = after(`EHLO c\r\n${mail}BDAT 10 LAST\r\na\r\n`, config);
    const again = ServerSession.restore(config, session.snapshot());
    const body = hears(again, "b\r\n.c\r\n").flatMap((event) =>
      event.type === "body" ? [...event.data] : [],
    );
    expect(new TextDecoder().decode(Uint8Array.from(body))).toBe("b\r\n.c\r\n");
  });
});

describe("the rest of what a session does", () => {
  test("content that came and was not read yet is not counted twice", () => {
    const session = new ServerSession({
      name: "mx.example.com",
      limits: { dataBlock: 100 },
      timers: { dataBlock: 1000 },
    });
    polled(session);
    hears(session, `EHLO c\r\n${mail}DATA\r\n`);
    const { deadline } = session;
    session.receive(octets(`${"x".repeat(58)}\r\n`), 500);
    session.receive(octets(`${"x".repeat(28)}\r\n`), 500);
    polled(session);
    expect(session.deadline).toBe(deadline);
    session.receive(octets(`${"x".repeat(28)}\r\n`), 500);
    polled(session);
    expect(session.deadline).toBe(Number(deadline) + 500);
  });

  test("T-TLS-08 a command before TLS that is demanded is told of by this rule", () => {
    const session = after("EHLO c\r\n", { tls: "required" });
    expect(hears(session, "MAIL FROM:<a@example.net>\r\n")).toContainEqual(
      expect.objectContaining({ type: "violation", rule: "T-TLS-08" }),
    );
  });

  test("G9 what is no time, and what is no extension, is the caller's error", () => {
    const session = after("EHLO c\r\n");
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => session.advance(time)).toThrow(UsageError);
    for (const wrong of [undefined, null, "XEXAMPLE", 1])
      expect(() => settle({ name: "mx.example.com", custom: [wrong as never] })).toThrow(UsageError);
  });

  test("the scanner with SIMD is one for all", () => {
    const scanner = simd();
    expect(scanner).not.toBeNull();
    expect(scanner).toBeDefined();
    expect(simd()).toBe(scanner);
  });
});
