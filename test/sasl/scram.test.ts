import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { UsageError } from "@sansmtp/core";
import {
  deriveScramKeys,
  formatScramKeys,
  parseScramKeys,
  type ScramClientOptions,
  type ScramHash,
  type ServerContext,
  type Stored,
  scramClient,
  scramServer,
} from "@sansmtp/sasl";
import { describe, expect, it } from "vitest";
import { base64, context, leastTime, meet, octets, shown, text } from "./exchange.ts";

const exporter = Uint8Array.from({ length: 32 }, (_, at) => at);
const salt256 = base64("W22ZaJ0SNY7soEsUEjb6gQ==");

/** The dialogues of the catalogue. */
const vectors = [
  {
    name: "SCRAM-SHA-1 of RFC 5802",
    variant: { hash: "SHA-1", plus: false },
    user: "user",
    salt: base64("QSXCR+Q6sek8bf92"),
    nonces: ["fyko+d2lbbFgONRv9qkxdawL", "3rfcNHYJY1ZVvWVs7j"],
    binding: "none",
    said: [
      "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
      "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
      "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
      "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
    ],
  },
  {
    name: "SCRAM-SHA-256 of RFC 7677",
    variant: { hash: "SHA-256", plus: false },
    user: "user",
    salt: salt256,
    nonces: ["rOprNGfwEbeRWgbNEkqO", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"],
    binding: "none",
    said: [
      "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
      "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
    ],
  },
  {
    name: "SCRAM-SHA-256-PLUS with tls-exporter",
    variant: { hash: "SHA-256", plus: true },
    user: "us=er,1",
    salt: salt256,
    nonces: ["clientNONCE01", "serverNONCE02"],
    binding: { type: "tls-exporter", data: exporter },
    said: [
      "p=tls-exporter,,n=us=3Der=2C1,r=clientNONCE01",
      "r=clientNONCE01serverNONCE02,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "c=cD10bHMtZXhwb3J0ZXIsLAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f,r=clientNONCE01serverNONCE02,p=bkmwsHFVofM6fqQn5vFLpiMa5lWQNvzHJEJUBxVSNnU=",
      "v=+xGVt0wiAOKqeGQbWyL88+cqhqmilNNn2CuAVM/a5IE=",
    ],
  },
  {
    name: "SCRAM-SHA-256 of a client that could bind",
    variant: { hash: "SHA-256", plus: false },
    user: "user",
    salt: salt256,
    nonces: ["clientNONCE01", "serverNONCE02"],
    binding: "unlisted",
    said: [
      "y,,n=user,r=clientNONCE01",
      "r=clientNONCE01serverNONCE02,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
      "c=eSws,r=clientNONCE01serverNONCE02,p=8B1lQIYtVFyCODHNbTqk2zav59iM1xJQ65mM8jSX0gE=",
      "v=n58wAW4kPQnMSLO4sZZj5rwPUzl/s2HEZNehbd0e7Qc=",
    ],
  },
] as const;

const [sha1, sha256, plus] = vectors;
const bindings = { "tls-exporter": exporter };
const keys = deriveScramKeys("pencil", { salt: salt256 });

function client(changes: Partial<ScramClientOptions> = {}, hash: ScramHash = "SHA-256", bound = false) {
  return scramClient({ hash, plus: bound }, { user: "user", pass: "pencil", nonce: "C", ...changes });
}

function server(changes: Partial<ServerContext> = {}, bound = false) {
  return scramServer({ hash: "SHA-256", plus: bound }, "S", context(changes));
}

/** What the server makes of a first message. */
function first(message: string, changes: Partial<ServerContext> = {}, bound = false): string {
  return shown(server(changes, bound).receive(octets(message)));
}

describe("the dialogues of the RFCs", () => {
  it.each(vectors)(
    "A-SCRAM-01 A-SCRAM-08 $name, both sides",
    ({ variant, user, salt, nonces, binding, said }) => {
      const stored = deriveScramKeys("pencil", { hash: variant.hash, salt });
      const result = meet(
        scramClient(variant, { user, pass: "pencil", nonce: nonces[0], binding }),
        scramServer(variant, nonces[1], context({ bindings })),
        (name) => (name === user ? stored : null),
      );
      expect(result.said.map(({ octets }) => text(octets))).toEqual(said);
      expect(result).toMatchObject({ step: { type: "success" }, complete: true });
    },
  );

  it("A-SCRAM-15 the keys are those of RFC 5802, of which none is the password's", () => {
    const made = deriveScramKeys("pencil", { hash: "SHA-1", salt: sha1.salt });
    const hex = (given: Uint8Array) => Buffer.from(given).toString("hex");
    expect(hex(made.storedKey)).toBe("e9d94660c39d65c38fbad91c358f14da0eef2bd6");
    expect(hex(made.serverKey)).toBe("0fe09258b3ac852ba502cc62ba903eaacdbf7d31");
    expect(JSON.stringify(made)).not.toContain("pencil");
  });

  it("A-SCRAM-15 keys become a line of text and back", () => {
    const line = formatScramKeys(keys);
    expect(line).toMatch(/^SCRAM-SHA-256\$4096:W22ZaJ0SNY7soEsUEjb6gQ==\$[A-Za-z0-9+/]+=:[A-Za-z0-9+/]+=$/);
    expect(parseScramKeys(line)).toEqual(keys);
    const old = deriveScramKeys("pencil", { hash: "SHA-1", salt: salt256, iterations: 5000 });
    expect(parseScramKeys(formatScramKeys(old))).toEqual(old);
    const broken = [
      "",
      line.slice(1),
      `${line}=`,
      line.replace("4096", "0"),
      line.replace("256", "1"),
      `${line}\n`,
    ];
    for (const each of broken) {
      expect(() => parseScramKeys(each)).toThrow(UsageError);
      expect(() => parseScramKeys(each)).toThrow(/^not the stored keys of SCRAM$/);
    }
  });

  it.each([
    ["SHA-1", 5000],
    ["SHA-256", 4096],
  ] as const)("A-SCRAM-01 keys of %s are what node:crypto makes of the definition", (hash, iterations) => {
    const name = hash.replace("-", "").toLowerCase();
    const salt = octets("a salt of 16 oct");
    const salted = pbkdf2Sync("pä$$wörd", salt, iterations, hash === "SHA-1" ? 20 : 32, name);
    const clientKey = createHmac(name, salted).update("Client Key").digest();
    expect(deriveScramKeys("pä$$wörd", { hash, salt, iterations })).toEqual({
      hash,
      salt,
      iterations,
      storedKey: new Uint8Array(createHash(name).update(clientKey).digest()),
      serverKey: new Uint8Array(createHmac(name, salted).update("Server Key").digest()),
    });
  });
});

describe("the server", () => {
  it.each([
    ["n,,n=a=2Cb=3D,r=C", "identity - a,b="],
    ["n,a=x=3Dy,n=user,r=C", "identity x=y user"],
    ["n,,n=a=2cb,r=C", "malformed A-SCRAM-03"],
    ["n,,n=a=b,r=C", "malformed A-SCRAM-03"],
    ["n,,n=a=3,r=C", "malformed A-SCRAM-03"],
    ["n,,n=,r=C", "malformed A-SCRAM-03"],
    ["n,a=x=y,n=user,r=C", "malformed A-SCRAM-02"],
    ["n,a=,n=user,r=C", "identity - user"],
    ["n,b=x,n=user,r=C", "malformed A-SCRAM-02"],
  ])("A-SCRAM-02 the names of %j give %s", (message, step) => {
    expect(first(message)).toBe(step);
  });

  it.each([
    ["n,,r=C,n=user", "malformed A-SCRAM-03"],
    ["n,,N=user,r=C", "malformed A-SCRAM-03"],
    ["n,,n=user,R=C", "malformed A-SCRAM-03"],
    ["n,,m=x,n=user,r=C", "malformed A-SCRAM-03"],
    ["n,,n=user,r=C,m=x", "malformed A-SCRAM-03"],
    ["n,,n=user", "malformed A-SCRAM-03"],
    ["n,,n=user,r=C,", "malformed A-SCRAM-03"],
    ["n,,n=user,r=C,x=1,Y=2", "identity - user"],
  ])("A-SCRAM-03 the attributes of %j give %s", (message, step) => {
    expect(first(message)).toBe(step);
  });

  it("A-SCRAM-03 an extension that nobody knows is ignored, and signed", () => {
    const finish = (said: string) => {
      const exchange = server();
      exchange.receive(octets("n,,n=user,r=C,x=1"));
      const challenge = exchange.verify(keys) as { octets: Uint8Array };
      const withoutProof = "c=biws,r=CS,y=2";
      const signed = `${said},${text(challenge.octets)},${withoutProof}`;
      const salted = pbkdf2Sync("pencil", salt256, 4096, 32, "sha256");
      const key = createHmac("sha256", salted).update("Client Key").digest();
      const stored = createHash("sha256").update(key).digest();
      const proof = createHmac("sha256", stored).update(signed).digest();
      for (let at = 0; at < 32; at++) proof[at] ^= key[at];
      return exchange.receive(octets(`${withoutProof},p=${proof.toString("base64")}`)).type;
    };
    expect(finish("n=user,r=C,x=1")).toBe("success");
    expect(finish("n=user,r=C")).toBe("failure");
  });

  it.each(["n,,n=user,r=", "n,,n=user,r=C D", "n,,n=user,r=C\u00e4", "n,,n=user,r=C\x7f"])(
    "A-SCRAM-04 %j has no nonce",
    (message) => {
      expect(first(message)).toBe("malformed A-SCRAM-03");
    },
  );

  it("A-SCRAM-04 the whole nonce has to come back", () => {
    for (const nonce of ["C", "CSX", "S", "cS"]) {
      const exchange = server();
      exchange.receive(octets("n,,n=user,r=C"));
      exchange.verify(keys);
      const step = exchange.receive(octets(`c=biws,r=${nonce},p=${"A".repeat(43)}=`));
      expect(shown(step)).toBe("denied A-SCRAM-04");
    }
  });

  it("A-SCRAM-04 the nonces of an exchange are 18 random octets in base64, and never the same", async () => {
    const { serverExchange, chooseMechanism } = await import("@sansmtp/sasl");
    const random = (count: number) => new Uint8Array(count).map(() => Math.random() * 256);
    const made = Array.from({ length: 10 }, () => {
      const exchange = serverExchange("SCRAM-SHA-256", context({ random }));
      const { mechanism } = chooseMechanism(
        ["SCRAM-SHA-256"],
        { user: "user", pass: "pencil" },
        { random, secure: false },
      );
      const initial = text(mechanism?.initial) ?? "";
      exchange.receive(octets(initial));
      const challenge = shown(exchange.verify(keys));
      const own = /r=(.*)$/.exec(initial)?.[1] ?? "";
      const both = /r=([^,]*)/.exec(challenge)?.[1] ?? "";
      expect(own).toMatch(/^[A-Za-z0-9+/]{24}$/);
      expect(both.slice(0, 24)).toBe(own);
      expect(both.slice(24)).toMatch(/^[A-Za-z0-9+/]{24}$/);
      return [own, both.slice(24)];
    }).flat();
    expect(new Set(made).size).toBe(20);
  });

  it.each(["", "N,,n=user,r=C", "x,,n=user,r=C", ",,n=user,r=C", "\u00e4"])(
    "A-SCRAM-05 %j begins with none of n, y and p",
    (message) => {
      expect(first(message)).toBe("malformed A-SCRAM-05");
    },
  );

  it("A-SCRAM-05 nor does what is not UTF-8", () => {
    expect(shown(server().receive(Uint8Array.of(0x6e, 0x2c, 0xff)))).toBe("malformed A-SCRAM-05");
  });

  it.each([
    ["y while -PLUS is listed", "y,,n=user,r=C", { plus: true }, false, "denied A-SCRAM-07"],
    ["y while it is not", "y,,n=user,r=C", {}, false, "identity - user"],
    ["p= in a mechanism without", "p=tls-exporter,,n=user,r=C", { bindings }, false, "denied A-SCRAM-07"],
    ["n in a -PLUS", "n,,n=user,r=C", { bindings, plus: true }, true, "denied A-SCRAM-07"],
    ["y in a -PLUS", "y,,n=user,r=C", { bindings, plus: true }, true, "denied A-SCRAM-07"],
    ["an unknown type", "p=tls-unique,,n=user,r=C", { bindings, plus: true }, true, "denied A-SCRAM-07"],
    [
      "a type with the name of a method",
      "p=toString,,n=user,r=C",
      { bindings, plus: true },
      true,
      "denied A-SCRAM-07",
    ],
    ["a known one", "p=tls-exporter,,n=user,r=C", { bindings, plus: true }, true, "identity - user"],
    ["n while -PLUS is listed", "n,,n=user,r=C", { bindings, plus: true }, false, "identity - user"],
  ])("A-SCRAM-07 %s", (_, message, changes, bound, step) => {
    expect(first(message, changes as Partial<ServerContext>, bound)).toBe(step);
  });

  it("A-SCRAM-07 A-SCRAM-10 another channel fails, though the password is right", () => {
    const data = exporter.map((octet) => octet ^ 1);
    const bound = client({ binding: { type: "tls-exporter", data } }, "SHA-256", true);
    const { step, complete } = meet(bound, server({ bindings, plus: true }, true), () => keys);
    expect(shown(step)).toBe("denied A-SCRAM-07");
    expect(complete).toBe(false);
  });

  it("A-SCRAM-07 c= is held against what was said first", () => {
    for (const [claim, rule] of [
      ["eSws", "A-SCRAM-07"],
      ["biwsAA==", "A-SCRAM-07"],
      ["biw", "A-SCRAM-03"],
    ]) {
      const exchange = server();
      exchange.receive(octets("n,,n=user,r=C"));
      exchange.verify(keys);
      expect(shown(exchange.receive(octets(`c=${claim},r=CS,p=${"A".repeat(43)}=`)))).toContain(rule);
    }
  });

  it("A-SCRAM-10 a wrong proof is refused at once, with nothing of e=", () => {
    const exchange = server();
    exchange.receive(octets("n,,n=user,r=C"));
    exchange.verify(keys);
    const step = exchange.receive(octets(`c=biws,r=CS,p=${"A".repeat(43)}=`));
    expect(step).toEqual({
      type: "failure",
      reason: "denied",
      rule: "A-AUTH-13",
      detail: expect.any(String),
    });
  });

  it.each(["AAAA", "A===", "", `${"A".repeat(44)}AA==`])("A-SCRAM-10 %j is no proof", (proof) => {
    const exchange = server();
    exchange.receive(octets("n,,n=user,r=C"));
    exchange.verify(keys);
    expect(exchange.receive(octets(`c=biws,r=CS,p=${proof}`)).type).toBe("failure");
  });

  it("A-SCRAM-11 names are prepared, but signed as they came", () => {
    const stored = deriveScramKeys("IX", { salt: salt256 });
    const result = meet(
      client({ user: "\u2168", pass: "\u2168", prepare: (given, kind) => (kind === "query" ? given : "IX") }),
      server(),
      (user) => (user === "IX" ? stored : null),
    );
    expect(result).toMatchObject({ step: { type: "success", identity: { user: "IX" } }, complete: true });
    expect(first("n,,n=\u0007,r=C")).toBe("denied A-SCRAM-11");
    expect(first("n,,n=\u00ad,r=C")).toBe("denied A-SCRAM-11");
    expect(first("n,a=\u00ad,n=user,r=C")).toBe("denied A-SCRAM-11");
  });

  it("A-SCRAM-13 a user who does not exist has a salt of his own, the same each time", () => {
    const challenge = (user: string, stored: Stored, secret = 7) => {
      const exchange = server({ secret: new Uint8Array(32).fill(secret) });
      exchange.receive(octets(`n,,n=${user},r=C`));
      return shown(exchange.verify(stored));
    };
    expect(challenge("nobody", null)).toMatch(/^challenge r=CS,s=[A-Za-z0-9+/]{22}==,i=4096$/);
    expect(challenge("nobody", null)).toBe(challenge("nobody", null));
    expect(challenge("nobody", null)).toBe(challenge("nobody", false));
    expect(challenge("nobody", null)).toBe(challenge("nobody", { password: "pencil" }));
    expect(challenge("nobody", null)).not.toBe(challenge("noone", null));
    expect(challenge("nobody", null)).not.toBe(challenge("nobody", null, 8));
  });

  it("A-SCRAM-13 and is refused like a wrong password, whatever he says", () => {
    const refused = (stored: Stored, pass: string) => meet(client({ pass }), server(), () => stored);
    const wrong = refused(keys, "wrong");
    for (const stored of [null, false, { password: "pencil" }, []] as const)
      expect(refused(stored, "wrong").step).toEqual(wrong.step);
    expect(refused(null, "pencil").step).toEqual(wrong.step);
    // Even if somebody found out the secret that the salts are made of.
    const other = deriveScramKeys("pencil", { hash: "SHA-1", salt: salt256 });
    expect(refused([other], "pencil").step).toEqual(wrong.step);
  });

  it("A-SCRAM-13 nor does he get in by the password that his time is spent on", () => {
    const exchange = server({ unknownAs: "password" });
    exchange.receive(octets("n,,n=nobody,r=C"));
    const said = text((exchange.verify(null) as { octets: Uint8Array }).octets) ?? "";
    const salt = base64(/s=([^,]*)/.exec(said)?.[1] ?? "");
    const signed = `n=nobody,r=C,${said},c=biws,r=CS`;
    const key = createHmac("sha256", pbkdf2Sync("", salt, 4096, 32, "sha256"))
      .update("Client Key")
      .digest();
    const stored = createHash("sha256").update(key).digest();
    const proof = createHmac("sha256", stored).update(signed).digest();
    for (let at = 0; at < 32; at++) proof[at] ^= key[at];
    const step = exchange.receive(octets(`c=biws,r=CS,p=${proof.toString("base64")}`));
    expect(shown(step)).toBe("denied A-AUTH-13");
  });

  it("A-SCRAM-13 A-AUTH-13 he costs what others cost, with keys and with passwords", () => {
    const spent = (stored: Stored, unknownAs: "keys" | "password") =>
      leastTime(() => {
        const exchange = server({ unknownAs });
        exchange.receive(octets("n,,n=user,r=C"));
        exchange.verify(stored);
      });
    const derived = spent({ password: "pencil" }, "password");
    expect(spent(null, "password")).toBeGreaterThan(derived / 4);
    expect(spent(null, "keys")).toBeLessThan(derived / 4);
  });

  it("A-SCRAM-15 a password will do, too, and keys of several hashes; a function will not", () => {
    const both = (["SHA-1", "SHA-256"] as const).map((hash) =>
      deriveScramKeys("pencil", { hash, salt: salt256 }),
    );
    expect(meet(client(), server(), () => ({ password: "pencil" }))).toMatchObject({ complete: true });
    expect(meet(client(), server(), () => both)).toMatchObject({ complete: true });
    expect(() => meet(client(), server(), () => () => true)).toThrow(UsageError);
    expect(() => meet(client(), server(), () => true)).toThrow(UsageError);
  });

  it("A-SCRAM-06 keys are derived with at least 4096 rounds", () => {
    expect(keys.iterations).toBe(4096);
    expect(() => deriveScramKeys("pencil", { salt: salt256, iterations: 4095 })).toThrow(UsageError);
  });
});

describe("the client", () => {
  const answer = (challenge: string, changes: Partial<ScramClientOptions> = {}) => {
    const mechanism = client(changes);
    return { mechanism, response: text(mechanism.respond(octets(challenge))) };
  };

  it.each([
    "r=C,s=c2FsdA==,i=4096",
    "r=,s=c2FsdA==,i=4096",
    "r=XCS,s=c2FsdA==,i=4096",
    "r=cS,s=c2FsdA==,i=4096",
  ])("A-SCRAM-04 it does not take the nonce of %j", (challenge) => {
    const { mechanism, response } = answer(challenge);
    expect(response).toBeNull();
    expect(mechanism.complete).toBe(false);
  });

  it.each([
    "m=x,r=CS,s=c2FsdA==,i=4096",
    "r=CS,i=4096,s=c2FsdA==",
    "R=CS,s=c2FsdA==,i=4096",
    "r=CS,s=c2FsdA,i=4096",
    "r=CS,s=,i=4096",
    "r=CS,s=c2FsdA==,i=0",
    "r=CS,s=c2FsdA==,i=04096",
    "r=CS,s=c2FsdA==,i=-1",
    "r=CS,s=c2FsdA==,i=4096,m=1",
    "r=CS,s=c2FsdA==",
    "e=other-error",
    "",
  ])("A-SCRAM-03 it gives up at %j", (challenge) => {
    expect(answer(challenge).response).toBeNull();
  });

  it("A-SCRAM-03 it ignores an extension, and signs it", () => {
    const given = answer("r=CS,s=c2FsdA==,i=4096,x=1").response;
    expect(given).toMatch(/^c=biws,r=CS,p=/);
    expect(given).not.toBe(answer("r=CS,s=c2FsdA==,i=4096").response);
  });

  it("SEC-DOS-03 A-SCRAM-06 many rounds are done in steps, with the same result", () => {
    const variant = { hash: "SHA-256", plus: false } as const;
    const options = { user: "user", pass: "pencil", nonce: "C" };
    const challenge = octets("r=CS,s=c2FsdA==,i=100000");
    const steps = scramClient(variant, options).respondInSteps?.(challenge);
    let rests = 0;
    let last = steps?.next();
    for (; last?.done === false; last = steps?.next()) rests++;
    expect(rests).toBe(4);
    expect(last?.value).toEqual(scramClient(variant, options).respond(challenge));
    expect(Buffer.from(last?.value as Uint8Array).toString()).toBe(proofBy(pbkdf2Sync, 100_000));
  });

  it("A-SCRAM-06 it takes neither too few nor too many rounds", () => {
    expect(answer("r=CS,s=c2FsdA==,i=4095").response).toBeNull();
    expect(answer("r=CS,s=c2FsdA==,i=10000001").response).toBeNull();
    expect(answer("r=CS,s=c2FsdA==,i=999999999999999").response).toBeNull();
    expect(answer("r=CS,s=c2FsdA==,i=4096").response).not.toBeNull();
    expect(answer("r=CS,s=c2FsdA==,i=4097", { maxIterations: 4096 }).response).toBeNull();
    expect(answer("r=CS,s=c2FsdA==,i=16", { minIterations: 16 }).response).not.toBeNull();
  });

  it.each([
    ["another signature", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5="],
    ["a short one", "v=6rri"],
    ["an empty one", "v="],
    ["an error", "e=invalid-proof"],
    ["nothing", ""],
    ["another attribute", "V=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="],
    ["an extension that must be known", "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=,m=1"],
  ])("A-SCRAM-09 it does not believe a server with %s", (_, final) => {
    const mechanism = client({ nonce: sha256.nonces[0] });
    expect(text(mechanism.respond(octets(sha256.said[1])))).toBe(sha256.said[2]);
    expect(mechanism.complete).toBe(false);
    expect(mechanism.respond(octets(final))).toBeNull();
    expect(mechanism.complete).toBe(false);
    // Nor does it when the right one comes after all.
    expect(mechanism.respond(octets(sha256.said[3]))).toBeNull();
    expect(mechanism.complete).toBe(false);
  });

  it("A-SCRAM-09 A-AUTH-24 it is complete only behind the signature", () => {
    const mechanism = client({ nonce: sha256.nonces[0] });
    expect(mechanism.complete).toBe(false);
    mechanism.respond(octets(sha256.said[1]));
    expect(mechanism.complete).toBe(false);
    expect(mechanism.respond(octets(sha256.said[3]))).toEqual(octets(""));
    expect(mechanism.complete).toBe(true);
    expect(mechanism.respond(octets(sha256.said[3]))).toBeNull();
  });

  it("A-SCRAM-11 A-PREP-01 names and passwords are prepared, by a function of the caller's if there is one", () => {
    expect(text(client({ user: "I\u00adX\u00a0\u00aa" }).initial)).toBe("n,,n=IX a,r=C");
    const stored = deriveScramKeys("IX", { salt: salt256 });
    expect(meet(client({ pass: "\u2168" }), server(), () => stored)).toMatchObject({ complete: true });
    expect(() => client({ user: "\u0627\u0031" })).toThrow(UsageError);
    expect(() => client({ pass: "\u0007" })).toThrow(UsageError);
    expect(() => client({ authzid: "\u00ad" })).toThrow(UsageError);
    const ascii = (given: string) => (/^[\x20-\x7e]*$/.test(given) ? given : null);
    expect(() => client({ user: "ü", prepare: ascii })).toThrow(UsageError);
    expect(() => deriveScramKeys("ü", { salt: salt256, prepare: ascii })).toThrow(UsageError);
    expect(shown(server({ prepare: ascii }).receive(octets("n,,n=ü,r=C")))).toBe("denied A-SCRAM-11");
  });

  it("a binding belongs to the -PLUS forms alone", () => {
    const binding = { type: "tls-exporter", data: exporter };
    expect(() => client({ binding })).toThrow(UsageError);
    expect(() => client({}, "SHA-256", true)).toThrow(UsageError);
    expect(text(client({ binding }, "SHA-256", true).initial)).toBe("p=tls-exporter,,n=user,r=C");
    expect(plus.variant.plus).toBe(true);
  });

  it("A-SCRAM-02 authzid and user are escaped", () => {
    expect(text(client({ user: "a,b=c", authzid: "=,=" }).initial)).toBe("n,a==3D=2C=3D,n=a=2Cb=3Dc,r=C");
  });
});

/** What the client says to `r=CS,s=c2FsdA==`, by another implementation. */
function proofBy(pbkdf2: typeof pbkdf2Sync, iterations: number): string {
  const mac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
  const key = mac(pbkdf2("pencil", "salt", iterations, 32, "sha256"), "Client Key");
  const signature = mac(
    createHash("sha256").update(key).digest(),
    `n=user,r=C,r=CS,s=c2FsdA==,i=${iterations},c=biws,r=CS`,
  );
  return `c=biws,r=CS,p=${Buffer.from(key.map((octet, at) => octet ^ signature[at]!)).toString("base64")}`;
}
