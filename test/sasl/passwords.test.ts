import { createHmac } from "node:crypto";
import { UsageError } from "@sansmtp/core";
import {
  cramMd5Client,
  cramMd5Server,
  deriveScramKeys,
  loginClient,
  mechanismFacts,
  plainClient,
} from "@sansmtp/sasl";
import { describe, expect, it } from "vitest";
import { base64, context, leastTime, octets, octetsFrom, server, shown, text } from "./exchange.ts";

const keys = deriveScramKeys("tanstaaftanstaaf", { salt: octets("0123456789abcdef") });

describe("PLAIN", () => {
  const begin = (message: Uint8Array, changes = {}) => {
    const exchange = server("PLAIN", changes);
    return { exchange, step: exchange.receive(message) };
  };

  it.each([
    ["AHRpbQB0YW5zdGFhZnRhbnN0YWFm", "identity - tim", "tanstaaftanstaaf"],
    ["AGrDvHJnZW4AcMOkJCR3w7ZyZA==", "identity - jürgen", "pä$$wörd"],
    ["dGVzdAB0ZXN0ADEyMzQ=", "identity test test", "1234"],
  ])("A-PLAIN-01 the server reads %s", (message, step, secret) => {
    const { exchange, step: given } = begin(base64(message));
    expect(shown(given)).toBe(step);
    expect(exchange.secret).toBe(secret);
  });

  it("A-PLAIN-01 the client says what the vectors have", () => {
    const { initial, cleartext, name } = plainClient({ user: "tim", pass: "tanstaaftanstaaf" });
    expect({ name, cleartext, initial }).toEqual({
      name: "PLAIN",
      cleartext: true,
      initial: base64("AHRpbQB0YW5zdGFhZnRhbnN0YWFm"),
    });
    expect(plainClient({ user: "jürgen", pass: "pä$$wörd" }).initial).toEqual(
      base64("AGrDvHJnZW4AcMOkJCR3w7ZyZA=="),
    );
    expect(plainClient({ user: "test", pass: "1234", authzid: "test" }).initial).toEqual(
      base64("dGVzdAB0ZXN0ADEyMzQ="),
    );
  });

  it.each([
    ["three NULs", base64("AHUAcAB4")],
    ["one NUL", base64("dQBw")],
    ["no password", base64("AHUA")],
    ["no name", base64("AABw")],
    ["nothing", octets("")],
    ["what is not UTF-8", Uint8Array.of(0, 0x75, 0, 0xff)],
  ])("A-PLAIN-01 the server refuses a message with %s", (_, message) => {
    expect(shown(begin(message).step)).toBe("malformed A-PLAIN-01");
  });

  it.each([
    ["user", { user: "", pass: "p" }],
    ["user", { user: "a\0b", pass: "p" }],
    ["pass", { user: "a", pass: "" }],
    ["pass", { user: "a", pass: "p\0" }],
    ["authzid", { user: "a", pass: "p", authzid: "\0" }],
  ])("A-PLAIN-01 the client is told that the %s cannot be said", (name, given) => {
    expect(() => plainClient(given)).toThrow(UsageError);
    expect(() => plainClient(given)).toThrow(name);
  });

  it("A-PLAIN-02 each part may have 255 octets, and an empty authzid is the user's own", () => {
    const long = "ü".repeat(127);
    const { exchange, step } = begin(octets(`${long}a\0${long}b\0${long}c`));
    expect(shown(step)).toBe(`identity ${long}a ${long}b`);
    expect(exchange.secret).toBe(`${long}c`);
    for (const part of [`${long}aa\0u\0p`, `\0${long}aa\0p`, `\0u\0${long}aa`])
      expect(shown(begin(octets(part)).step)).toBe("malformed A-PLAIN-02");
    expect(begin(octets("\0u\0p")).step).toMatchObject({ identity: { user: "u", authzid: null } });
  });

  it("A-PLAIN-03 names and passwords are prepared before they are compared", () => {
    const { exchange, step } = begin(octets("\0I\u00adX\0\u2168"));
    expect(shown(step)).toBe("identity - IX");
    expect(shown(exchange.verify({ password: "I\u00adX" }))).toBe("success IX");
    expect(shown(begin(octets("\0a\u0007\0p")).step)).toBe("denied A-PLAIN-03");
    expect(shown(begin(octets("\0\u00ad\0p")).step)).toBe("denied A-PLAIN-03");
    const bell = begin(octets("\0u\0p\u0007")).exchange;
    expect(shown(bell.verify({ password: "p\u0007" }))).toBe("denied A-AUTH-13");
    const empty = begin(octets("\0u\0\u00ad")).exchange;
    expect(shown(empty.verify({ password: "\u00ad" }))).toBe("denied A-AUTH-13");
  });

  it("A-PLAIN-04 nobody acts as somebody else, unless the application says so", () => {
    const right = { password: "secret" };
    const act = (mayAct?: boolean, message = "boss\0u\0secret") =>
      shown(begin(octets(message)).exchange.verify(right, mayAct));
    expect(act()).toBe("denied A-PLAIN-04");
    expect(act(false)).toBe("denied A-PLAIN-04");
    expect(act(true)).toBe("success u");
    expect(act(undefined, "u\0u\0secret")).toBe("success u");
    expect(act(true, "boss\0u\0wrong")).toBe("denied A-AUTH-13");
  });

  it.each([
    ["malformed", "a\0\0p", "A-PLAIN-01"],
    ["a control character", "a\u0007b\0u\0p", "A-PLAIN-03"],
    ["nothing when prepared", "\u00ad\0u\0p", "A-PLAIN-03"],
  ])("A-AUTH-16 an authzid that is %s fails", (_, message, rule) => {
    expect(shown(begin(octets(message)).step)).toContain(rule);
  });

  it("A-AUTH-16 the authzid is prepared", () => {
    expect(shown(begin(octets("\u2168\0u\0p")).step)).toBe("identity IX u");
  });

  it("A-AUTH-18 the password is held against a password, keys or a function", () => {
    const ask = (stored: Parameters<ReturnType<typeof server>["verify"]>[0], pass = "tanstaaftanstaaf") =>
      shown(begin(octets(`\0tim\0${pass}`)).exchange.verify(stored));
    expect(ask({ password: "tanstaaftanstaaf" })).toBe("success tim");
    expect(ask(keys)).toBe("success tim");
    expect(ask([keys])).toBe("success tim");
    expect(ask((secret) => secret === "tanstaaftanstaaf")).toBe("success tim");
    for (const stored of [{ password: "tanstaaftanstaaf" }, keys, [keys], () => false, null, false] as const)
      expect(ask(stored, "tanstaaftanstaa")).toBe("denied A-AUTH-13");
    expect(ask(null)).toBe("denied A-AUTH-13");
    expect(ask(false)).toBe("denied A-AUTH-13");
    expect(ask({ password: "" })).toBe("denied A-AUTH-13");
  });

  it("what says nothing of the password is a mistake of the application", () => {
    expect(() => begin(octets("\0tim\0p")).exchange.verify(true)).toThrow(UsageError);
    expect(() => begin(octets("\0tim\0p")).exchange.verify([])).toThrow(UsageError);
  });

  it("A-AUTH-13 an unknown user is refused as a wrong password is, at the same cost", () => {
    const refused = [null, keys].map((stored) => begin(octets("\0tim\0wrong")).exchange.verify(stored));
    expect(refused[0]).toEqual(refused[1]);
    const cost = (stored: null | typeof keys) =>
      leastTime(() => begin(octets("\0tim\0wrong")).exchange.verify(stored));
    const [unknown, wrong] = [cost(null), cost(keys)];
    expect(unknown / wrong).toBeGreaterThan(0.25);
    expect(unknown / wrong).toBeLessThan(4);
  });

  it("A-PLAIN-05 it is for TLS only", () => {
    expect(mechanismFacts.PLAIN.cleartext).toBe(true);
    expect(mechanismFacts.LOGIN.cleartext).toBe(true);
  });
});

describe("LOGIN", () => {
  it("A-LOGIN-01 the server asks for the name, then the password, as the vector has it", () => {
    const exchange = server("LOGIN");
    expect(exchange.receive(null)).toEqual({ type: "challenge", octets: base64("VXNlcm5hbWU6") });
    expect(exchange.receive(base64("dGlt"))).toEqual({ type: "challenge", octets: base64("UGFzc3dvcmQ6") });
    expect(shown(exchange.receive(base64("dGFuc3RhYWZ0YW5zdGFhZg==")))).toBe("identity - tim");
    expect(shown(exchange.verify({ password: "tanstaaftanstaaf" }))).toBe("success tim");
  });

  it("A-LOGIN-01 an empty name or password, or NUL, is none", () => {
    expect(shown(server("LOGIN").receive(octets("")))).toBe("malformed A-LOGIN-01");
    const exchange = server("LOGIN");
    exchange.receive(octets("tim"));
    expect(shown(exchange.receive(octets("a\0b")))).toBe("malformed A-LOGIN-01");
  });

  it("A-LOGIN-02 a name that comes with the command is the first answer", () => {
    expect(mechanismFacts.LOGIN.first).toBe("either");
    expect(shown(server("LOGIN").receive(octets("tim")))).toBe("challenge Password:");
  });

  it("A-LOGIN-03 the client says the name and then the password, whatever it is asked", () => {
    const client = loginClient({ user: "tim", pass: "tanstaaftanstaaf" });
    expect(client.initial).toBeNull();
    expect(text(client.respond(octets("Password\0")))).toBe("tim");
    expect(client.complete).toBe(false);
    expect(text(client.respond(octets("")))).toBe("tanstaaftanstaaf");
    expect(client.complete).toBe(true);
    expect(client.respond(octets("again"))).toBeNull();
  });
});

describe("CRAM-MD5", () => {
  const challenge = "<1896.697170952@postoffice.reston.mci.net>";
  const answer = "tim b913a602c7eda7a495b4e6e7334d3890";
  const begin = (response: string) => {
    const exchange = cramMd5Server(challenge, context());
    expect(exchange.receive(null)).toEqual({
      type: "challenge",
      octets: base64("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"),
    });
    return { exchange, step: exchange.receive(octets(response)) };
  };

  it("A-CRAM-01 each challenge is another, of the form <random.time@host>", () => {
    const random = octetsFrom("x");
    const made = Array.from({ length: 20 }, () => shown(server("CRAM-MD5", { random }).receive(null)));
    for (const each of made) expect(each).toMatch(/^challenge <[0-9a-f]{32}\.1000@mx\.example\.com>$/);
    expect(new Set(made).size).toBe(20);
  });

  it("A-CRAM-02 both sides have the answer of the vector", () => {
    const client = cramMd5Client({ user: "tim", pass: "tanstaaftanstaaf" });
    expect(client.initial).toBeNull();
    expect(client.complete).toBe(false);
    const response = client.respond(octets(challenge));
    expect(response).toEqual(base64("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"));
    expect(client.complete).toBe(true);
    const { exchange, step } = begin(answer);
    expect(shown(step)).toBe("identity - tim");
    expect(shown(exchange.verify({ password: "tanstaaftanstaaf" }))).toBe("success tim");
  });

  it("A-CRAM-02 a name may hold spaces", () => {
    const client = cramMd5Client({ user: "tim o reilly", pass: "p" });
    const { exchange, step } = begin(text(client.respond(octets(challenge)) as Uint8Array) as string);
    expect(shown(step)).toBe("identity - tim o reilly");
    expect(shown(exchange.verify({ password: "p" }))).toBe("success tim o reilly");
  });

  it.each([
    "tim",
    answer.toUpperCase(),
    `${answer}0`,
    answer.slice(0, -1),
    " b913a602c7eda7a495b4e6e7334d3890",
    "",
  ])("A-CRAM-02 %j is no answer", (response) => {
    expect(shown(begin(response).step)).toBe("malformed A-CRAM-02");
  });

  it("A-CRAM-03 another answer, another password and an unknown user are refused alike", () => {
    const wrong = begin(answer.replace("3890", "3891")).exchange.verify({ password: "tanstaaftanstaaf" });
    expect(shown(wrong)).toBe("denied A-AUTH-13");
    for (const stored of [{ password: "other" }, null, false] as const)
      expect(begin(answer).exchange.verify(stored)).toEqual(wrong);
  });

  it("A-CRAM-03 it cannot do without the password", () => {
    expect(() => begin(answer).exchange.verify(keys)).toThrow(UsageError);
    expect(() => begin(answer).exchange.verify(() => true)).toThrow(UsageError);
  });

  it("A-CRAM-03 nobody gets in by an empty password", () => {
    const answer = createHmac("md5", "").update(challenge).digest("hex");
    for (const stored of [null, false, { password: "" }] as const)
      expect(shown(begin(`tim ${answer}`).exchange.verify(stored))).toBe("denied A-AUTH-13");
  });
});
