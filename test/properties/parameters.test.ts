import {
  type AddresseeParameters,
  decodeXtext,
  encodeUtf8,
  formatMailbox,
  type MailParameters,
  type OutgoingParameters,
  parseAddress,
  type RcptParameters,
  registry,
} from "@sansmtp/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { addresses } from "../../packages/testing/src/arbitraries.ts";
import { readMail, readRcpt } from "../core/arguments.ts";

// What the client writes by a row of the registry, the server reads by the same row.

const seconds = fc.integer({ min: 1, max: 999_999_999 });
const two = (most: number, least = 0) =>
  fc.integer({ min: least, max: most }).map((number) => String(number).padStart(2, "0"));
const day = fc
  .tuple(fc.integer({ min: 1000, max: 9999 }), two(12, 1), two(28, 1))
  .map((parts) => parts.join("-"));
const clock = fc.tuple(two(23), two(59), two(60)).map((parts) => parts.join(":"));
const utc = fc.tuple(day, clock).map(([date, time]) => `${date}T${time}Z`);
const zoned = fc
  .tuple(day, clock, fc.constantFrom("Z", "+00:00", "-05:30", "+14:00"))
  .map(([date, time, zone]) => `${date}T${time}${zone}`);
const printable = fc.string({
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
});
const envid = printable.filter((text) => text !== "" && text.length <= 33);
const solicit = fc.array(fc.stringMatching(/^[a-z]{1,5}(\.[a-z]{1,5}){0,2}:[A-Z0-9][A-Z0-9_.-]{0,5}$/), {
  minLength: 1,
  maxLength: 5,
});
const certifier = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((octets) => Buffer.from(octets).toString("base64"));

const outgoing: fc.Arbitrary<OutgoingParameters> = fc.oneof<fc.Arbitrary<OutgoingParameters>[]>(
  fc.record(
    {
      ret: fc.constantFrom("FULL" as const, "HDRS" as const),
      envid,
      auth: fc.oneof(addresses(), fc.constant("<>")),
      by: fc.oneof(
        fc.record({ seconds, mode: fc.constant("return" as const), trace: fc.boolean() }),
        fc.record({
          seconds: fc.integer({ min: -999_999_999, max: 999_999_999 }),
          mode: fc.constant("notify" as const),
          trace: fc.boolean(),
        }),
      ),
      holdFor: seconds,
      holdUntil: utc,
      priority: fc.integer({ min: -9, max: 9 }),
      requireTls: fc.boolean(),
      solicit,
    },
    { requiredKeys: [] },
  ),
  fc.record({
    envid: fc.constantFrom("1@a.example", "a+b=c@mail.example.com"),
    track: fc.record({ certifier, timeout: fc.option(fc.integer({ min: 0, max: 999_999_999 })) }),
  }),
);

const addressee: fc.Arbitrary<AddresseeParameters> = fc.record(
  {
    notify: fc.oneof(
      fc.constant(["NEVER"] as const),
      fc.uniqueArray(fc.constantFrom("SUCCESS" as const, "FAILURE" as const, "DELAY" as const), {
        minLength: 1,
      }),
    ),
    orcpt: fc.oneof(
      fc.record({
        type: fc.constantFrom("rfc822", "x-400"),
        address: printable.filter((text) => text !== ""),
      }),
      fc.record({
        type: fc.constant("utf-8"),
        address: fc.oneof(addresses(), fc.constant("jürgen+x@bücher.example")),
      }),
    ),
    rrvs: fc.record({ since: zoned, action: fc.constantFrom("continue" as const, "reject" as const) }),
  },
  { requiredKeys: [] },
);

/** `KEYWORD=value` for each parameter that the rows write, in the order of the registry. */
function written(given: OutgoingParameters | AddresseeParameters, command: "mail" | "rcpt"): string[] {
  return registry.flatMap((row) =>
    Object.entries(row[command] ?? {}).flatMap(([keyword, { write }]) => {
      const value = (write as ((given: object) => string | null) | null)?.(given) ?? null;
      return value === null ? [] : [value === "" ? keyword : `${keyword}=${value}`];
    }),
  );
}

test("S-PARM-04 X-MTRK-01 what the client writes on MAIL is what the server reads", () => {
  fc.assert(
    fc.property(outgoing, (given) => {
      const words = written(given, "mail");
      expect(words).toHaveLength(Object.values(given).filter((value) => value !== false).length);
      for (const word of words) expect(word).toMatch(/^[A-Z-]+(=[\x21-\x3c\x3e-\x7e]+(={0,2}(:\d+)?)?)?$/);
      const read = readMail(`MAIL FROM:<a@b.example> ${words.join(" ")}`);
      if (isFault(read)) throw new Error(`${read.detail}: ${words.join(" ")}`);
      expect(mailAsGiven(read.parameters)).toEqual({
        ...given,
        ...(given.requireTls === false ? { requireTls: undefined } : {}),
        ...(given.by && { by: { ...given.by, seconds: given.by.seconds + 0 } }),
        ...(given.auth && given.auth !== "<>" ? { auth: canonical(given.auth) } : {}),
      });
    }),
    { numRuns: 500 },
  );
});

test("S-PARM-04 X-RRVS-01 what the client writes on RCPT is what the server reads", () => {
  fc.assert(
    fc.property(addressee, (given) => {
      const words = written(given, "rcpt");
      expect(words).toHaveLength(Object.keys(given).length);
      for (const word of words) expect(word).toMatch(/^[A-Z]+=[\x21-\x3c\x3e-\x7e]+$/);
      const read = readRcpt(`RCPT TO:<a@b.example> ${words.join(" ")}`);
      if (isFault(read)) throw new Error(`${read.detail}: ${words.join(" ")}`);
      expect(rcptAsGiven(read.parameters)).toEqual(given);
    }),
    { numRuns: 500 },
  );
});

const keywords = (command: "mail" | "rcpt") =>
  fc.constantFrom(...registry.flatMap((row) => Object.keys(row[command] ?? {})));
const values = fc.oneof(
  fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    maxLength: 30,
  }),
  fc.string({ unit: fc.constantFrom(..."0123456789+-;:,TZRNCX=@.<>\\{}"), maxLength: 40 }),
  fc.string({
    unit: fc.constantFrom("\xff", "+0D", "+0A", "+00", "ü", " ", "\t", "=", ";", "a"),
    maxLength: 20,
  }),
  fc.constantFrom("999999999999999999999", "2027-01-01T00:00:00Z", "125;R", "org.example:ADV", "a;b"),
);

test.each(["mail", "rcpt"] as const)(
  "G1 S-PARM-04 whatever stands on %s is read, or is 501 or 555",
  (command) => {
    const [begin, read] =
      command === "mail"
        ? (["MAIL FROM:<a@b.example>", readMail] as const)
        : (["RCPT TO:<a@b.example>", readRcpt] as const);
    const parameter = fc
      .tuple(keywords(command), fc.option(values))
      .map(([keyword, value]) => (value === null ? keyword : `${keyword}=${value}`));
    fc.assert(
      fc.property(
        fc.array(parameter, { minLength: 1, maxLength: 4 }),
        fc.constantFrom("absent" as const, "offered" as const),
        (parameters, utf8) => {
          const found = read(`${begin} ${parameters.join(" ")}`, { utf8 });
          if (!isFault(found)) return;
          expect([501, 555]).toContain(found.reply.code);
          expect(["5.5.2", "5.5.4"]).toContain(found.reply.enhanced);
        },
      ),
      { numRuns: 2000 },
    );
  },
);

/** The parameters as a client would have given them; undefined for those that were not. */
function mailAsGiven(read: MailParameters): OutgoingParameters {
  const { ret, envid, auth, by, holdFor, holdUntil, priority, requireTls, solicit, track } = read;
  const given = {
    ret,
    envid: envid && decoded(envid),
    auth,
    by,
    holdFor,
    holdUntil,
    priority,
    requireTls: requireTls || null,
    solicit,
    track,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

function rcptAsGiven({ notify, orcpt, rrvs }: RcptParameters): AddresseeParameters {
  const original = orcpt && { type: orcpt.type, address: orcpt.address };
  return Object.fromEntries(
    Object.entries({ notify, orcpt: original, rrvs }).filter(([, value]) => value !== null),
  );
}

/** An address with the quotes that it needs, and no others. */
function canonical(address: string): string {
  const mailbox = parseAddress(address);
  if (mailbox === null) throw new Error(`not an address: ${address}`);
  return formatMailbox(mailbox);
}

function decoded(xtext: string): string {
  const octets = encodeUtf8(xtext);
  return Buffer.from(decodeXtext(octets, 0, octets.length) ?? []).toString();
}
