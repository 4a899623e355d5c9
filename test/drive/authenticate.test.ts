import {
  reply,
  type ServerConfig,
  type ServerEvent,
  ServerSession,
  type TlsInfo,
  UsageError,
} from "@sansmtp/core";
import { type Authentication, type Handlers, Service, serve } from "@sansmtp/drive";
import {
  type Credentials,
  chooseMechanism,
  deriveScramKeys,
  externalClient,
  loginClient,
  oauthBearerClient,
  plainClient,
  type StepMechanism,
} from "@sansmtp/sasl";
import { describe, expect, it } from "vitest";
import { Client, codes, ehlo, later, settled, Wire } from "./wire.ts";

const tls: Partial<TlsInfo> = {
  version: "TLSv1.3",
  peer: "relay.example.net",
  bindings: { "tls-exporter": new Uint8Array(32).fill(3) },
};
const keys = deriveScramKeys("pencil", { salt: new Uint8Array(16).fill(1) });
const random = (octets: number) => new Uint8Array(octets).map(() => Math.random() * 256);
const base64 = (given: Uint8Array | string) => Buffer.from(given).toString("base64");

/** Lets `user` in, by `pencil`. */
const known: Handlers["authenticate"] = ({ identity, verify }) =>
  verify(identity.user === "user" ? keys : null);

/** A client inside TLS that has said EHLO. */
async function secured(handlers: Handlers, config: Partial<ServerConfig> = {}): Promise<Client> {
  const mechanisms = [
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-256",
    "CRAM-MD5",
    "PLAIN",
    "LOGIN",
    "EXTERNAL",
    "ANONYMOUS",
    "OAUTHBEARER",
    "XOAUTH2",
  ];
  const client = new Client(handlers, { tls: "implicit", mechanisms, ...config });
  client.wire.handshake(tls);
  await settled();
  client.say(ehlo);
  return client;
}

/** Goes through AUTH as a client does, and gives the last reply. */
async function login(client: Client, mechanism: StepMechanism, last = "235"): Promise<string> {
  const initial = mechanism.initial === null ? "" : ` ${base64(mechanism.initial) || "="}`;
  let heard = await answer(client, `AUTH ${mechanism.name}${initial}\r\n`);
  while (heard.startsWith("334")) {
    const response = mechanism.respond(Buffer.from(heard.slice(4).trimEnd(), "base64"));
    heard = await answer(client, `${response === null ? "*" : base64(response)}\r\n`);
  }
  expect(heard.slice(0, 3)).toBe(last);
  return heard;
}

/** What the server says to a line, though its application may take its time. */
async function answer(client: Client, line: string): Promise<string> {
  let heard = await client.tell(line);
  for (let patience = 5; heard === "" && patience > 0; patience--) heard = await client.tell("");
  return heard;
}

function choose(
  name: string,
  given: Partial<{ user: string; pass: string; authzid: string }> = {},
): StepMechanism {
  const bindings = name.endsWith("-PLUS") ? tls.bindings : {};
  const credentials: Credentials = { user: "user", pass: "pencil", ...given };
  const { mechanism } = chooseMechanism([name], credentials, {
    random,
    secure: true,
    ...(bindings && { bindings }),
  });
  if (mechanism === null) throw new Error(name);
  return mechanism;
}

describe("authenticate", () => {
  it.each(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"])(
    "A-AUTH-11 A-AUTH-12 A-AUTH-18 by %s: who proves it gets in, and nobody else does",
    async (name) => {
      const asked: string[] = [];
      const client = await secured({
        authenticate: (given, connection) => {
          asked.push(`${given.mechanism} ${given.identity.user}`);
          return known(given, connection);
        },
      });
      expect(await login(client, choose(name, { pass: "wrong" }), "535")).toMatch(/^535 5\.7\.8 /);
      expect(client.connection.identity).toBeNull();
      expect(await login(client, choose(name, { user: "nobody" }), "535")).toMatch(/^535 5\.7\.8 /);
      const mechanism = choose(name);
      expect(await login(client, mechanism)).toMatch(/^235 2\.7\.0 /);
      expect(mechanism.complete).toBe(true);
      expect(client.connection.identity).toEqual({ user: "user", authzid: null, trace: null });
      expect(client.connection.client.authenticated).toBe(name);
      expect(asked).toEqual([`${name} user`, `${name} nobody`, `${name} user`]);
      expect(client.errors).toEqual([]);
    },
  );

  it("A-CRAM-01 by CRAM-MD5, with the password", async () => {
    const client = await secured({ authenticate: ({ verify }) => verify({ password: "pencil" }) });
    await login(client, choose("CRAM-MD5", { pass: "wrong" }), "535");
    await login(client, choose("CRAM-MD5"));
  });

  it("A-EXT-02 by EXTERNAL, as the application says", async () => {
    const client = await secured({
      authenticate: ({ identity, verify }) =>
        verify(identity.user === "relay.example.net", identity.authzid === "fred"),
    });
    await login(client, externalClient("boss"), "535");
    await login(client, externalClient("fred"));
    expect(client.connection.identity).toMatchObject({ user: "relay.example.net", authzid: "fred" });
  });

  it("A-OAUTH-03 by a token, which a function may look at for a while", async () => {
    const client = await secured({
      authenticate: async ({ verify }) =>
        (await verify(async (token) => {
          await settled();
          return token === "good";
        }))
          ? { user: "subject of the token" }
          : false,
    });
    await login(client, oauthBearerClient({ user: "me", token: "bad" }), "535");
    await login(client, oauthBearerClient({ user: "me", token: "good" }));
    expect(client.connection.identity).toEqual({ user: "subject of the token", authzid: null, trace: null });
  });

  it("A-AUTH-11 the signature of SCRAM is a challenge, whose answer has to be empty", async () => {
    const client = await secured({ authenticate: known });
    const mechanism = choose("SCRAM-SHA-256");
    const first = await client.tell(`AUTH SCRAM-SHA-256 ${base64(mechanism.initial ?? "")}\r\n`);
    const proof = mechanism.respond(Buffer.from(first.slice(4), "base64")) ?? "";
    expect(Buffer.from((await client.tell(`${base64(proof)}\r\n`)).slice(4), "base64").toString()).toMatch(
      /^v=/,
    );
    expect(client.connection.identity).toBeNull();
    expect(codes(await client.tell("eA==\r\n"))).toBe("501");
    expect(client.connection.identity).toBeNull();
    expect(client.connection.client.authenticated).toBeNull();
  });

  it("A-PLAIN-01 what is malformed is 501, and nobody is asked", async () => {
    const client = await secured({
      authenticate: () => {
        throw new Error("asked");
      },
    });
    expect(await client.tell(`AUTH PLAIN ${base64("\0a\0b\0c")}\r\n`)).toMatch(/^501 5\.5\.2 /);
    expect(await client.tell("AUTH PLAIN =\r\n")).toMatch(/^501 5\.5\.2 /);
    expect(client.errors).toEqual([]);
  });

  it("A-PLAIN-04 A-AUTH-16 nobody acts as somebody else without the application's word", async () => {
    const client = await secured({
      authenticate: ({ identity, verify }) => verify(keys, identity.authzid === "friend" || undefined),
    });
    await login(client, plainClient({ user: "user", pass: "pencil", authzid: "boss" }), "535");
    await login(client, plainClient({ user: "user", pass: "pencil", authzid: "friend" }));
  });

  const decisions: [string, Handlers["authenticate"], string, number][] = [
    ["nothing, behind a proof", async ({ verify }) => void (await verify(keys)), "235", 0],
    ["true, behind a proof", async ({ verify }) => (await verify(keys)) && true, "235", 0],
    [
      "a reply of 235",
      async ({ verify }) => ((await verify(keys)) ? reply(235, "2.7.0", "Hello") : false),
      "235",
      0,
    ],
    ["an identity", async ({ verify }) => ((await verify(keys)) ? { user: "other" } : false), "235", 0],
    ["false, behind a proof", async ({ verify }) => (await verify(keys)) && false, "535", 0],
    ["a refusal", async ({ verify }) => (await verify(keys)) && reply(534, "5.7.9", "Too weak"), "534", 0],
    ["421", () => reply(421, "4.7.0", "Go away"), "421", 0],
    ["nothing, and no proof was asked for", () => undefined, "535", 0],
    ["false, and no proof was asked for", () => false, "535", 0],
    ["true, and no proof was asked for", () => true, "454", 1],
    ["true, against the proof", async ({ verify }) => !(await verify(null)), "454", 1],
    ["an identity, and no proof was asked for", () => ({ user: "user" }), "454", 1],
    ["235, and no proof was asked for", () => reply(235, "2.7.0", "Hello"), "454", 1],
    ["250", async ({ verify }) => (await verify(keys)) && reply(250, "2.0.0", "Hello"), "454", 1],
    ["a challenge", async ({ verify }) => (await verify(keys)) && reply(334, ""), "454", 1],
    [
      "an error",
      () => {
        throw new Error("no database");
      },
      "454",
      1,
    ],
    ["what verifies nothing", ({ verify }) => verify(true), "454", 1],
    ["that, without waiting for it", ({ verify }) => void verify(true), "454", 1],
    ["a second question", async ({ verify }) => (await verify(null)) || verify(keys), "454", 1],
    ["a proof without waiting for it", ({ verify }) => void verify(keys), "235", 0],
    [
      "true, and a proof without waiting for it",
      ({ verify }) => {
        void verify(null);
        return true;
      },
      "454",
      1,
    ],
  ];

  it.each(decisions)("A-AUTH-12 SEC-TRU-06 by PLAIN, %s is %3$s", async (_, authenticate, code, errors) => {
    const client = await secured({ authenticate });
    await login(client, choose("PLAIN"), code);
    expect(client.connection.identity !== null).toBe(code === "235");
    expect(client.errors).toHaveLength(errors);
  });

  // SCRAM cannot be refused before its proof, or the client would know that there is no such user.
  it.each(decisions)(
    "A-SCRAM-13 by SCRAM, %s ends as by PLAIN, but never tells who exists",
    async (_, authenticate, code) => {
      const client = await secured({ authenticate });
      const mechanism = choose("SCRAM-SHA-256-PLUS");
      await login(client, mechanism, code);
      expect(client.connection.identity !== null).toBe(code === "235");
      expect(mechanism.complete).toBe(code === "235");
    },
  );

  it("A-AUTH-13 A-SCRAM-13 the messages for a wrong password and for nobody are of one form", async () => {
    const said = async (user: string, authenticate: Handlers["authenticate"]) => {
      const client = await secured({ authenticate });
      const from = client.wire.sent.length;
      await login(client, choose("SCRAM-SHA-256", { user, pass: "wrong" }), "535");
      return client.wire.sent.slice(from).replace(/^334 .*/gm, (line) => `334 ${line.length}`);
    };
    const wrong = await said("user", known);
    expect(wrong).toMatch(/^334 \d+\r?\n535 /);
    for (const nobody of [() => false, () => undefined, known, ({ verify }: Authentication) => verify(false)])
      expect(await said("noon", nobody)).toBe(wrong);
  });

  it("A-AUTH-12 a handler that throws while the client makes its proof is heard of with the next reply", async () => {
    const client = await secured({
      authenticate: async ({ verify }) => {
        void verify(keys);
        await settled();
        throw new Error("no database");
      },
    });
    const mechanism = choose("SCRAM-SHA-256");
    const first = await client.tell(`AUTH SCRAM-SHA-256 ${base64(mechanism.initial ?? "")}\r\n`);
    await settled();
    await settled();
    const proof = mechanism.respond(Buffer.from(first.slice(4), "base64")) ?? "";
    expect(codes(await client.tell(`${base64(proof)}\r\n`))).toBe("454");
    expect(client.errors).toHaveLength(1);
  });

  it("A-AUTH-06 a client that cancels has not proved it", async () => {
    const proofs: boolean[] = [];
    const client = await secured({
      authenticate: async ({ verify }) => {
        proofs.push(await verify(keys));
        return true;
      },
    });
    const initial = base64(choose("SCRAM-SHA-256").initial ?? "");
    expect(codes(await client.tell(`AUTH SCRAM-SHA-256 ${initial}\r\n*\r\n`))).toBe("334 501");
    await login(client, choose("SCRAM-SHA-256"));
    expect(proofs).toEqual([false, true]);
    expect(client.errors).toEqual([]);
  });

  it("nor has one that goes away, or goes on with something else", async () => {
    const proofs: boolean[] = [];
    const authenticate: Handlers["authenticate"] = async ({ verify }) => proofs.push(await verify(keys)) > 0;
    const initial = base64(choose("SCRAM-SHA-256").initial ?? "");
    const gone = await secured({ authenticate });
    await gone.tell(`AUTH SCRAM-SHA-256 ${initial}\r\n`);
    gone.connection.lost();
    const other = await secured({ authenticate });
    await other.tell(`AUTH SCRAM-SHA-256 ${initial}\r\n*\r\nMAIL FROM:<>\r\n`);
    await settled();
    expect(proofs).toEqual([false, false]);
    expect([...gone.errors, ...other.errors]).toEqual([]);
  });

  it("a handler that takes its time holds the client, and is too late when the client has gone", async () => {
    const { promise, resolve } = later<boolean>();
    const client = await secured({ authenticate: async ({ verify }) => (await promise) && verify(keys) });
    expect(await client.tell(`AUTH PLAIN ${base64("\0user\0pencil")}\r\n`)).toBe("");
    client.connection.lost();
    resolve(true);
    await settled();
    expect(client.connection.identity).toBeNull();
    expect(client.errors).toEqual([]);
  });

  it("T-TLS-06 who authenticated before TLS has not inside it", async () => {
    const client = new Client({ authenticate: known }, { tls: "offered", mechanisms: ["SCRAM-SHA-256"] });
    client.say(ehlo);
    await login(client, choose("SCRAM-SHA-256"));
    expect(client.connection.identity).not.toBeNull();
    await client.tell("STARTTLS\r\n");
    client.wire.handshake(tls);
    await settled();
    expect(client.connection.identity).toBeNull();
    client.say(ehlo);
    await login(client, choose("SCRAM-SHA-256"));
    expect(client.connection.identity).not.toBeNull();
  });

  it("A-AUTH-19 it holds for the rest of the connection", async () => {
    const client = await secured({ authenticate: known });
    await login(client, choose("PLAIN"));
    await client.tell("RSET\r\nMAIL FROM:<a@example.net>\r\nRSET\r\nEHLO again.example.net\r\n");
    expect(client.connection.identity).toMatchObject({ user: "user" });
    expect(codes(await client.tell(`AUTH PLAIN ${base64("\0user\0pencil")}\r\n`))).toBe("503");
  });

  it("A-SCRAM-07 a client that thinks that there is no -PLUS, where there is, was deceived", async () => {
    const offered = { random, secure: true, bindings: tls.bindings ?? {} };
    const deceived = () =>
      chooseMechanism(["SCRAM-SHA-256"], { user: "user", pass: "pencil" }, offered)
        .mechanism as StepMechanism;
    await login(await secured({ authenticate: known }), deceived(), "535");
    await login(await secured({ authenticate: known }, { mechanisms: ["SCRAM-SHA-256"] }), deceived());
  });

  it("G13 A-AUTH-29 no secret is in events, errors, snapshots or closings", async () => {
    const events: ServerEvent[] = [];
    const client = await secured({
      authenticate: ({ verify }) => verify(true),
      observe: { event: (event) => events.push(event as ServerEvent) },
    });
    await client.tell(`AUTH PLAIN ${base64("\0user\0xyzzy-plugh")}\r\n`);
    await login(client, loginClient({ user: "user", pass: "xyzzy-plugh" }), "454");
    const shown = JSON.stringify([
      events,
      client.errors.map((error) => [String(error), (error as Error).stack]),
    ]);
    expect(client.errors).toHaveLength(2);
    expect(shown).not.toMatch(/xyzzy|eHl6enk|plugh|cGx1Z2/);
  });
});

describe("what is offered", () => {
  const listed = (client: Client) => /AUTH (.*)\r/.exec(client.heard() || client.wire.sent)?.[1];

  it("A-AUTH-01 A-PLAIN-05 A-SCRAM-14 without a list, what keys can verify, as the session allows", async () => {
    const service = new Service({ name: "mx.example.com", tls: "offered" }, { authenticate: known });
    const wire = new Wire();
    const connection = service.accept(wire, { peer: null, local: null });
    connection?.receive(Buffer.from(ehlo));
    await settled();
    expect(/AUTH (.*)\r/.exec(wire.sent)?.[1]).toBe("SCRAM-SHA-256");
    connection?.receive(Buffer.from("STARTTLS\r\n"));
    await settled();
    wire.handshake(tls);
    await settled();
    connection?.receive(Buffer.from(ehlo));
    await settled();
    expect(wire.sent.match(/AUTH (.*)\r/g)?.[1]).toBe("AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN\r");
    service.shutdown("now");
  });

  it("A-AUTH-01 without the handler, nothing", () => {
    const service = new Service({ name: "mx.example.com" }, {});
    expect(service.settings.mechanisms).toEqual([]);
  });

  it("A-EXT-02 A-SCRAM-14 only what the handshake allows is listed, and taken", async () => {
    const client = new Client(
      { authenticate: known },
      { tls: "implicit", mechanisms: ["EXTERNAL", "SCRAM-SHA-256-PLUS", "PLAIN"] },
    );
    client.wire.handshake({ version: "TLSv1.2" });
    await settled();
    client.say(ehlo);
    expect(listed(client)).toBe("PLAIN");
    expect(codes(await client.tell("AUTH EXTERNAL =\r\nAUTH SCRAM-SHA-256-PLUS\r\n"))).toBe("504 504");
  });
});

describe("mistakes of the application", () => {
  const config = { name: "mx.example.com" };

  it("both auth and authenticate", () => {
    const both = { auth: () => undefined, authenticate: known };
    expect(() => new Service(config, both)).toThrow(UsageError);
    expect(() =>
      serve(new ServerSession(config), new Wire(), both, { id: 1, peer: null, local: null }),
    ).toThrow(UsageError);
  });

  it("a mechanism that nobody knows, a secret that is none, too few rounds", () => {
    const mechanisms = [{ name: "X", first: "client", cleartext: false }] as const;
    expect(() => new Service({ ...config, mechanisms }, { authenticate: known })).toThrow(/X/);
    expect(() => new Service({ ...config, mechanisms }, { auth: () => undefined })).not.toThrow();
    for (const authentication of [{ secret: new Uint8Array(31) }, { iterations: 4095 }])
      expect(() => new Service(config, { authenticate: known, authentication })).toThrow(UsageError);
  });

  it("A-SCRAM-13 with a secret of its own the salt of nobody is the same in another process", async () => {
    const salt = async (secret: number) => {
      const client = await secured({
        authenticate: () => false,
        authentication: { secret: new Uint8Array(32).fill(secret), iterations: 5000 },
      });
      const first = await client.tell(`AUTH SCRAM-SHA-256 ${base64("n,,n=noone,r=x")}\r\n`);
      const [, given, rounds] =
        /,s=([^,]*),i=(.*)/.exec(Buffer.from(first.slice(4), "base64").toString()) ?? [];
      expect(rounds).toBe("5000");
      return given;
    };
    expect(await salt(1)).toBe(await salt(1));
    expect(await salt(1)).not.toBe(await salt(2));
  });
});
