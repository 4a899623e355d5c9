import {
  type AuthMechanism,
  defaultExtensions,
  defaultLimits,
  defaultTimers,
  type ExtensionName,
  type Extensions,
  registry,
  type ServerConfig,
  type ServerLimits,
  ServerSession,
  settle,
  strict,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { standardParameters } from "../../packages/core/src/extensions/registry.ts";
import { plain } from "../../packages/core/src/wire/plain.ts";
import { Client, ehlo } from "../dialogues/client.ts";

const name = "mx.example.com";
const settled = (given: object) => settle({ name, ...given } as ServerConfig);
const refused = (given: object) => expect(() => settled(given), JSON.stringify(given)).toThrow(UsageError);

/** All that is offered by default, and else, off. */
const off = Object.fromEntries(Object.keys(defaultExtensions).map((each) => [each, false]));

/** Options that an extension cannot do without; the others are on with true. */
const options: Partial<Record<ExtensionName, object>> = {
  burl: { urls: ["imap"] },
  futurerelease: { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" },
  xclient: { trusted: ["10.0.0.1"] },
  xforward: { trusted: ["10.0.0.1"] },
};

/** A configuration in which one extension is on, and what it needs. */
function alone(extension: keyof Extensions): ServerConfig {
  const { needs = [], services = ["relay"] } = registry.find(({ name }) => name === extension) ?? {};
  const on = [extension, ...needs.filter((need) => need !== "auth")];
  const extensions = Object.fromEntries(on.map((each) => [each, options[each] ?? true]));
  const service = services.includes("relay") ? "relay" : services[0];
  return { name, service, extensions: { ...off, ...extensions } };
}

describe("defaults", () => {
  test("L-LEN-23 L-TIME-17 a name alone makes a server, and the rest is what it is by default", () => {
    expect(settled({})).toEqual({
      name,
      lmtp: false,
      service: "relay",
      banner: ["ESMTP"],
      extensions: defaultExtensions,
      tls: "none",
      mechanisms: [],
      authRequired: false,
      trustAuthParameter: false,
      proxy: false,
      bareCr: "reject",
      bareLf: "reject",
      lenient: strict,
      concurrentRecipients: 1,
      strictPipelining: false,
      closeOnBareLineEnds: false,
      scanner: null,
      custom: [],
      hostileVerbs: [],
      limits: defaultLimits,
      timers: defaultTimers,
      parameters: standardParameters,
      verbs: {},
    });
    expect(settled({}).limits).toMatchObject({ message: 26_214_400, commandLine: 4096, unread: 65_536 });
    expect(settled({}).parameters).toBe(standardParameters);
    const on = Object.entries(defaultExtensions).filter(([, given]) => given !== false);
    expect(on.sort()).toEqual(
      ["8bitmime", "chunking", "enhancedStatusCodes", "help", "pipelining", "size"].map((each) => [
        each,
        true,
      ]),
    );
  });

  test("G9 and what is given counts in the place of it", () => {
    const given = {
      banner: ["one", "two"],
      tls: "required",
      trustAuthParameter: true,
      proxy: true,
      bareCr: "space",
      bareLf: "keep",
      concurrentRecipients: 7,
      strictPipelining: true,
      closeOnBareLineEnds: true,
      scanner: plain,
    };
    expect(settled(given)).toMatchObject(given);
    expect(settled({ banner: "hello" }).banner).toEqual(["hello"]);
    expect(settled({ banner: "" }).banner).toEqual([""]);
    expect(settled({ protocol: "lmtp" })).toMatchObject({ lmtp: true, banner: ["LMTP"] });
    expect(settled({ protocol: "smtp" })).toMatchObject({ lmtp: false, banner: ["ESMTP"] });
    expect(settled({ hostileVerbs: ["get", "Post"] }).hostileVerbs).toEqual(["GET", "POST"]);
    expect(settled({ lenient: { trailingDot: true } }).lenient).toEqual({
      ...strict,
      trailingDot: true,
    });
    expect(settled({ limits: { errors: 3 } }).limits).toEqual({ ...defaultLimits, errors: 3 });
    expect(settled({ timers: { tls: 3 } }).timers).toEqual({ ...defaultTimers, tls: 3 });
    expect(settled({ mechanisms: ["PLAIN"], authRequired: true }).authRequired).toBe(true);
    expect(settled({ extensions: { etrn: true } }).extensions).toEqual({ ...defaultExtensions, etrn: true });
  });

  test("G9 X-GEN-01 what is undefined counts as left out: it turns on nothing", () => {
    const none = (value: object) => Object.fromEntries(Object.keys(value).map((key) => [key, undefined]));
    const plain = settled({});
    expect(settled({ extensions: none(defaultExtensions) }).extensions).toEqual(defaultExtensions);
    expect(settled({ limits: none(defaultLimits) }).limits).toEqual(defaultLimits);
    expect(settled({ timers: none(defaultTimers) }).timers).toEqual(defaultTimers);
    expect(settled({ lenient: none(strict) }).lenient).toEqual(strict);
    expect(settled({ ...none(plain), name })).toEqual(plain);
    expect(settled({ extensions: { ...off, dsn: undefined } }).limits.commandLine).toBe(512);
    const onDemand = { service: "on-demand", mechanisms: ["CRAM-MD5"] };
    expect(settled({ ...onDemand, extensions: { atrn: undefined } }).extensions.atrn).toBe(true);
    expect(settled({ ...onDemand, timers: { command: undefined } }).timers.command).toBe(600_000);
    expect(settled({ extensions: { deliverby: { minimum: undefined } } }).extensions.deliverby).toEqual({});
  });

  test("G9 X-GEN-01 an extension is on or off, or has options, and nothing between", () => {
    for (const odd of [null, 0, 1, "", "yes", "false", Number.NaN, () => true])
      refused({ extensions: { dsn: odd } });
    for (const [dsn, listed] of [
      [true, true],
      [false, false],
      [{}, true],
    ])
      expect(new Client(settled({ extensions: { dsn } })).say(ehlo).includes("250-DSN\r\n")).toBe(listed);
  });

  test("X-SUB-03 X-ATRN-02 L-TIME-15 a service has defaults of its own", () => {
    const submission = { service: "submission", mechanisms: ["PLAIN"] };
    expect(settled(submission)).toMatchObject({ authRequired: true, timers: defaultTimers });
    expect(settled(submission).extensions.atrn).toBe(false);
    expect(settled({ ...submission, authRequired: false }).authRequired).toBe(false);
    const onDemand = settled({ service: "on-demand", mechanisms: ["CRAM-MD5"] });
    expect(onDemand).toMatchObject({
      authRequired: true,
      extensions: { ...defaultExtensions, atrn: true },
      timers: { ...defaultTimers, command: 600_000 },
    });
    expect(settled({ mechanisms: ["CRAM-MD5"] }).authRequired).toBe(false);
  });

  test("A-AUTH-01 A-AUTH-04 A-EXT-02 A-SCRAM-14 a mechanism that is known by name has its own way", () => {
    const ways: readonly AuthMechanism[] = [
      { name: "PLAIN", first: "client", cleartext: true },
      { name: "LOGIN", first: "either", cleartext: true },
      { name: "XOAUTH2", first: "client", cleartext: true },
      { name: "OAUTHBEARER", first: "client", cleartext: true },
      { name: "CRAM-MD5", first: "server", cleartext: false },
      { name: "EXTERNAL", first: "client", cleartext: false, needs: "certificate" },
      { name: "SCRAM-SHA-1-PLUS", first: "client", cleartext: false, needs: "channel-binding" },
      { name: "SCRAM-SHA-256-PLUS", first: "client", cleartext: false, needs: "channel-binding" },
      { name: "SCRAM-SHA-1", first: "client", cleartext: false },
      { name: "X-OTHER", first: "client", cleartext: false },
    ];
    expect(settled({ mechanisms: ways.map(({ name }) => name) }).mechanisms).toEqual(ways);
    const own: AuthMechanism = { name: "PLAIN", first: "server", cleartext: false, needs: null };
    const [kept] = settled({ mechanisms: [own] }).mechanisms;
    expect(kept).toEqual(own);
    expect(kept).not.toBe(own);
  });

  test("L-LEN-04 L-LEN-21 a command line has 512 octets, and more where an extension that is on lengthens it", () => {
    expect(settled({ extensions: off }).limits.commandLine).toBe(512);
    expect(settled({ extensions: off, mechanisms: [], custom: [] }).limits.commandLine).toBe(512);
    expect(settled({ extensions: off, tls: "offered" }).limits.commandLine).toBe(512);
    expect(settled({ extensions: off, mechanisms: ["PLAIN"] }).limits.commandLine).toBe(4096);
    expect(settled({ extensions: off, custom: [{ keyword: "XX" }] }).limits.commandLine).toBe(4096);
    expect(settled({ extensions: off, limits: { commandLine: 700 } }).limits.commandLine).toBe(700);
    const short = ["pipelining", "enhancedStatusCodes", "chunking", "limits", "etrn", "vrfy", "expn", "help"];
    for (const extension of Object.keys(off) as (keyof Extensions)[]) {
      // ATRN is not without AUTH, and burl, futurerelease not without submission, which is not without it either.
      if (["atrn", "burl", "futurerelease"].includes(extension)) continue;
      const { commandLine } = settled(alone(extension)).limits;
      expect([extension, commandLine]).toEqual([extension, short.includes(extension) ? 512 : 4096]);
    }
  });

  test("G9 what was settled cannot be changed, and of what was given only a scanner is not frozen", () => {
    const scanner = { begin: () => {}, next: () => 0 } as never;
    const settings = settled({ scanner, custom: [{ keyword: "XX", mail: [{ keyword: "YY" }] }] });
    const deep = (value: unknown, path: string): void => {
      if (typeof value !== "object" || value === null || value === scanner) return;
      expect([path, Object.isFrozen(value)]).toEqual([path, true]);
      for (const [key, each] of Object.entries(value)) deep(each, `${path}.${key}`);
    };
    deep(settings, "settings");
    expect(Object.isFrozen(scanner)).toBe(false);
    expect(settings.scanner).toBe(scanner);
    expect(new ServerSession(settings).settings).toBe(settings);
  });
});

describe("bounds", () => {
  /** The least that each limit can be. */
  const least: Readonly<Record<keyof ServerLimits, number>> = {
    message: 65_536,
    commandLine: 512,
    authLine: 12_288,
    textLine: 998,
    recipients: 100,
    recipientDomains: 1,
    parameters: 8,
    localPart: 64,
    domain: 255,
    path: 256,
    unread: 1024,
    errors: 1,
    idleCommands: 1,
    refusedRecipients: 1,
    authFailures: 3,
    transactions: 1,
    dataBlock: 1,
  };

  test("G9 L-LEN-01 L-LEN-02 L-LEN-03 L-LEN-04 L-LEN-06 L-LEN-07 L-LEN-08 L-LEN-10 L-LEN-23 of each limit", () => {
    expect(Object.keys(least).sort()).toEqual(Object.keys(defaultLimits).sort());
    for (const [limit, bound] of Object.entries(least)) {
      const given = (value: unknown) => ({ limits: { [limit]: value } });
      for (const fits of [bound, bound + 1, 1e9]) {
        expect(settled(given(fits)).limits[limit as keyof ServerLimits]).toBe(fits);
      }
      for (const wrong of [bound - 1, bound - 0.5, bound + 0.5, -1, Number.NaN, "5000000", null, 2 ** 53]) {
        refused(given(wrong));
      }
      if (limit === "message") refused(given(Number.POSITIVE_INFINITY));
      else
        expect(settled(given(Number.POSITIVE_INFINITY)).limits[limit as keyof ServerLimits]).toBe(
          Number.POSITIVE_INFINITY,
        );
      if (limit === "message") expect(settled(given(0)).limits.message).toBe(0);
      else refused(given(0));
    }
  });

  test("G9 L-TIME-17 of each timer", () => {
    for (const timer of Object.keys(defaultTimers)) {
      const given = (value: unknown) => ({ timers: { [timer]: value } });
      for (const fits of [0, 0.5, 1, 1e12, Number.POSITIVE_INFINITY])
        expect(settled(given(fits)).timers[timer as keyof typeof defaultTimers]).toBe(fits);
      for (const wrong of [-1, -0.5, Number.NaN, Number.NEGATIVE_INFINITY, "5", null]) refused(given(wrong));
    }
  });

  test("G9 of how many recipients are asked about at a time", () => {
    for (const fits of [1, 2, Number.POSITIVE_INFINITY])
      expect(settled({ concurrentRecipients: fits }).concurrentRecipients).toBe(fits);
    for (const wrong of [0, 0.5, -1, Number.NaN, "2"]) refused({ concurrentRecipients: wrong });
  });

  test("A-AUTH-01 S-EHLO-04 L-LEN-05 of the mechanisms together: their line of the EHLO reply is one line", () => {
    // `250-AUTH ` and CRLF make 11 octets of the 512.
    const names = Array.from({ length: 50 }, (_, at) => `${"X".repeat(7)}${at + 10}`);
    const all = (last: string) => ({ mechanisms: [...names, last] });
    expect(names.join(" ")).toHaveLength(499);
    expect(settled(all("A")).mechanisms).toHaveLength(51);
    refused(all("AB"));
  });
});

describe("words", () => {
  test.each<[string, readonly unknown[], object]>([
    ["protocol", ["smtp", "lmtp"], {}],
    ["service", ["relay", "submission", "on-demand"], { mechanisms: ["CRAM-MD5"] }],
    ["tls", ["none", "offered", "required", "implicit"], {}],
    ["bareCr", ["reject", "normalize", "space", "keep"], {}],
    ["bareLf", ["reject", "normalize", "space", "keep"], {}],
  ])("G9 %s is one of those that there are", (option, words, others) => {
    for (const word of words) expect(() => settled({ ...others, [option]: word })).not.toThrow();
    for (const word of ["", "Smtp", "none ", "rejected", 1, true]) refused({ ...others, [option]: word });
  });

  test("G9 A-AUTH-04 A-EXT-02 so are who speaks first in a mechanism, and what it needs", () => {
    const given = (more: object) => ({
      mechanisms: [{ name: "X", first: "client", cleartext: false, ...more }],
    });
    for (const first of ["client", "server", "either"]) expect(() => settled(given({ first }))).not.toThrow();
    for (const first of ["", "clint", undefined, null]) refused(given({ first }));
    for (const needs of [null, undefined, "certificate", "channel-binding"])
      expect(() => settled(given({ needs }))).not.toThrow();
    for (const needs of ["", "certifcate", false]) refused(given({ needs }));
  });

  test("S-SES-01 G12 a banner has lines, of printable ASCII and tabs", () => {
    expect(settled({ banner: ["a\tb", "~ "] }).banner).toEqual(["a\tb", "~ "]);
    for (const banner of [[], ["a", "\x7f"], ["\x1f"], ["a\nb"], ["é"], [1], ["fine", null]])
      refused({ banner });
    for (const none of [undefined, null, 5, {}, "a b", "[192.0.2.300]"]) {
      expect(() => settle({ name: none } as never), String(none)).toThrow(UsageError);
    }
    expect(settle({ name: "[192.0.2.1]" }).name).toBe("[192.0.2.1]");
  });

  test("M-LMTP-02 R-ENH-07 LMTP goes with pipelining and enhanced status codes", () => {
    const lmtp = (extensions: object) => ({ protocol: "lmtp", extensions });
    refused(lmtp({ pipelining: false }));
    refused(lmtp({ enhancedStatusCodes: false }));
    refused(lmtp({ pipelining: false, enhancedStatusCodes: false }));
    expect(settled(lmtp({})).lmtp).toBe(true);
    expect(settled({ extensions: { pipelining: false, enhancedStatusCodes: false } }).lmtp).toBe(false);
  });

  test("G9 what should be a list, or a text, and is none is named", () => {
    const no = ["x", 1, true, {}, [1], [null], [{}]];
    const lists = ["mechanisms", "custom", "hostileVerbs"].flatMap((each) =>
      no.map((given) => [{ [each]: given }, each] as const),
    );
    const ofExtensions = (
      [
        ["xclient", "trusted"],
        ["xforward", "trusted"],
        ["burl", "urls"],
        ["noSoliciting", "keywords"],
      ] as const
    ).flatMap(([each, list]) =>
      [{}, ...no.map((given) => ({ [list]: given }))].map(
        (given) =>
          [
            {
              ...(each === "burl" ? { service: "submission", mechanisms: ["PLAIN"] } : {}),
              extensions: { chunking: true, [each]: given },
            },
            `extensions.${each}.${list}`,
          ] as const,
      ),
    );
    const banners = [1, true, {}, [1]].map((banner) => [{ banner }, "banner"] as const);
    for (const [given, named] of [...lists, ...ofExtensions, ...banners]) {
      refused(given);
      expect(() => settled(given), JSON.stringify(given)).toThrow(named);
    }
    refused({ custom: [{ keyword: 1 }] });
    for (const address of [undefined, null, 1, {}, ""])
      expect(() => new ServerSession({ name }).connected(address as never)).toThrow(UsageError);
  });

  test("A-AUTH-15 to demand AUTH there has to be a mechanism", () => {
    refused({ authRequired: true });
    refused({ authRequired: true, mechanisms: [] });
    expect(settled({ authRequired: true, mechanisms: ["PLAIN"] }).authRequired).toBe(true);
    expect(settled({ authRequired: false }).authRequired).toBe(false);
  });

  test("G9 X-GEN-01 an extension is on where what it needs is on, and where it may be", () => {
    for (const { name: extension, needs = [], services } of registry) {
      if (extension === "starttls" || extension === "auth") continue;
      const on = alone(extension);
      const mechanisms = ["CRAM-MD5"];
      // On-demand relay is ATRN.
      const fits = { ...on, mechanisms };
      expect(() => settle(fits), extension).not.toThrow();
      for (const need of needs) {
        if (need === "auth") continue;
        refused({ ...fits, extensions: { ...fits.extensions, [need]: false } });
      }
      for (const service of ["relay", "submission", "on-demand"] as const) {
        if (services === undefined || services.includes(service)) continue;
        const atrn = service === "on-demand" ? { atrn: true } : {};
        refused({ ...fits, service, extensions: { ...fits.extensions, ...atrn } });
      }
    }
  });

  test("G9 X-GEN-01 what two extensions of the application's own add is told apart by its kind", () => {
    const own = (...custom: object[]) => ({ custom });
    const same = {
      keyword: "XX",
      mail: [{ keyword: "XX" }],
      rcpt: [{ keyword: "XX" }],
      verbs: [{ verb: "XX" }],
    };
    expect(settled(own(same)).custom).toHaveLength(1);
    expect(settled(own(same, { keyword: "XY" }, { keyword: null }, { keyword: null })).custom).toHaveLength(
      4,
    );
    const two = [{ keyword: "XA" }, { keyword: "XB" }];
    const several = { keyword: "XY", mail: two, rcpt: two, verbs: [{ verb: "XA" }, { verb: "XB" }] };
    expect(settled(own(same, several)).custom).toHaveLength(2);
    refused(own(same, { keyword: "XX" }));
    refused(own(same, { keyword: "xX" }));
    refused(own(same, { keyword: null, mail: [{ keyword: "XX" }] }));
    refused(own(same, { keyword: null, rcpt: [{ keyword: "XX" }] }));
    refused(own(same, { keyword: null, verbs: [{ verb: "XX" }] }));
  });
});
