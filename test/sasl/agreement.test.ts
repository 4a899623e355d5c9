import {
  chooseMechanism,
  deriveScramKeys,
  isMechanism,
  loginClient,
  mechanismFacts,
  plainClient,
  type ServerContext,
  type StepMechanism,
  type Stored,
  saslprep,
  serverExchange,
} from "@sansmtp/sasl";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { context, meet, octets, octetsFrom, text } from "./exchange.ts";

const salt = octets("0123456789abcdef");
const bindings = { "tls-exporter": octets("x".repeat(32)) };
const world: Partial<ServerContext> = { bindings, plus: true, certificate: "relay.example.net" };
const passwords = Object.keys(mechanismFacts).filter((name) => /SCRAM|CRAM|PLAIN|LOGIN/.test(name));

/** Text that a name or password can be: of any script, prepared as itself so that any mechanism takes it. */
const texts = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 40 }),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }),
  )
  .map((given) => saslprep(given, "stored") ?? "")
  .filter((given) => given !== "" && Buffer.byteLength(given) <= 255 && saslprep(given, "stored") === given);

function clientOf(name: string, user: string, pass: string): StepMechanism {
  const { mechanism } = chooseMechanism(
    [name],
    { user, pass },
    { random: octetsFrom("client"), secure: true, bindings: name.endsWith("-PLUS") ? bindings : {} },
  );
  if (mechanism === null) throw new Error(name);
  return mechanism;
}

/** What the application keeps, in a form that the mechanism can do with. */
function storedFor(name: string, pass: string): Stored[] {
  const password = { password: pass };
  if (name === "CRAM-MD5") return [password];
  const keys = (["SHA-1", "SHA-256"] as const).map((hash) => deriveScramKeys(pass, { hash, salt }));
  return name.startsWith("SCRAM") ? [password, keys] : [password, keys, (secret) => secret === pass];
}

describe.each(passwords)("%s", (name) => {
  const ids = isMechanism(name) && name.startsWith("SCRAM") ? "A-SCRAM-01" : "A-AUTH-18";

  it(`${ids} client and server agree on any credentials`, () => {
    fc.assert(
      fc.property(texts, texts, (user, pass) => {
        for (const stored of storedFor(name, pass)) {
          const exchange = serverExchange(name, context(world));
          const result = meet(clientOf(name, user, pass), exchange, (asked) =>
            asked === user ? stored : null,
          );
          expect(result).toMatchObject({ step: { type: "success", identity: { user } }, complete: true });
        }
      }),
      { numRuns: 8 },
    );
  });

  it("A-AUTH-13 any other password, and any unknown user, are refused alike", () => {
    fc.assert(
      fc.property(texts, texts, texts, (user, pass, other) => {
        fc.pre(pass !== other);
        const refused = [...storedFor(name, other), null, false].map((stored) =>
          meet(clientOf(name, user, pass), serverExchange(name, context(world)), () => stored),
        );
        for (const { step, complete, said } of refused) {
          expect(step).toEqual(refused[0].step);
          expect(step.type).toBe("failure");
          expect(complete).toBe(false);
          expect(said.length).toBe(refused[0].said.length);
        }
      }),
      { numRuns: 8 },
    );
  });

  it("no octet of any message can be changed", { timeout: 60_000 }, () => {
    const [password, stored] = storedFor(name, "pencil");
    const keys = stored ?? password;
    const run = (tamper?: (octets: Uint8Array, index: number) => Uint8Array) => {
      const exchange = serverExchange(name, context(world));
      return meet(
        clientOf(name, "user", "pencil"),
        exchange,
        (user) => (user === "user" ? keys : null),
        tamper,
      );
    };
    const { said, step } = run();
    expect(step.type).toBe("success");
    fc.assert(
      fc.property(
        fc.nat({ max: said.length - 1 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (index, place, change) => {
          const { length } = said[index].octets;
          const asked = said[index].by === "server" && /LOGIN/.test(name);
          fc.pre(length > 0 && !asked);
          const result = run((message, at) =>
            at === index
              ? message.map((octet, where) => (where === place % length ? octet ^ change : octet))
              : message,
          );
          expect(result.step.type === "success" && result.complete).toBe(false);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("A-AUTH-29 A-AUTH-13 no failure has a secret in it", () => {
    const secret = "xyzzy-plugh-plover";
    const stored = storedFor(name, "another");
    for (const kept of [...stored, null, false]) {
      const exchange = serverExchange(name, context(world));
      const { step } = meet(clientOf(name, "user", secret), exchange, () => kept);
      expect(step.type).toBe("failure");
      expect(JSON.stringify(step)).not.toMatch(/xyzzy|another|user\b.*"detail"/);
    }
  });
});

describe("octets that nobody expects", () => {
  it.each(Object.keys(mechanismFacts))("G1 G13 make %s fail, and neither throw nor show", (name) => {
    const pieces = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.string({ unit: fc.constantFrom(..."npy,=armcsivd@ \0\x01Bearuth") }).map(octets),
      fc
        .constantFrom("n,,n=user,r=C", "c=biws,r=C", "user=a\x01auth=Bearer xyzzy\x01\x01", "\0u\0xyzzy")
        .map(octets),
    );
    fc.assert(
      fc.property(fc.array(fc.option(pieces), { maxLength: 4 }), (responses) => {
        const exchange = serverExchange(name, context(world));
        for (const response of responses) {
          let step = exchange.receive(response);
          if (step.type === "identity") step = exchange.verify(null);
          if (step.type === "failure") {
            expect(step.detail).toMatch(/^[a-zA-Z0-9 ,=&[\]-]+$/);
            expect(step.detail).not.toContain("xyzzy");
            return;
          }
          expect(step.type).toBe("challenge");
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each(["PLAIN", "LOGIN", "SCRAM-SHA-256", "CRAM-MD5"])(
    "G1 %s: no challenge makes the client throw",
    (name) => {
      fc.assert(
        fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 }), (challenges) => {
          const client = clientOf(name, "user", "pencil");
          for (const challenge of challenges) client.respond(challenge);
          if (name.startsWith("SCRAM")) expect(client.complete).toBe(false);
        }),
      );
    },
  );

  it("A-AUTH-25 only mechanisms that say so show the password", () => {
    for (const name of passwords) {
      const shown = meet(clientOf(name, "user", "xyzzy"), serverExchange(name, context(world)), () => ({
        password: "xyzzy",
      })).said.some(({ octets: message }) => text(message)?.includes("xyzzy"));
      expect(shown).toBe(isMechanism(name) && mechanismFacts[name].cleartext);
    }
    expect(
      plainClient({ user: "a", pass: "b" }).cleartext && loginClient({ user: "a", pass: "b" }).cleartext,
    ).toBe(true);
  });
});
