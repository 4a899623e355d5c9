import { UsageError } from "@sansmtp/core";
import {
  anonymousClient,
  deriveScramKeys,
  externalClient,
  mechanismFacts,
  oauthBearerClient,
  type ServerContext,
  type Stored,
  xoauth2Client,
} from "@sansmtp/sasl";
import { describe, expect, it } from "vitest";
import { base64, octets, server, shown, text } from "./exchange.ts";

describe("EXTERNAL", () => {
  const begin = (message: string, certificate: string | null = "relay.example.net") => {
    const exchange = server("EXTERNAL", { certificate });
    return { exchange, step: exchange.receive(octets(message)) };
  };

  it("A-EXT-01 the client says whom it wants to act as, or nothing", () => {
    expect(externalClient("fred@example.com")).toMatchObject({
      name: "EXTERNAL",
      cleartext: false,
      initial: base64("ZnJlZEBleGFtcGxlLmNvbQ=="),
    });
    expect(externalClient().initial).toEqual(octets(""));
    expect(() => externalClient("a\0b")).toThrow(UsageError);
  });

  it("A-EXT-01 the server takes the name from the certificate", () => {
    expect(shown(begin("").step)).toBe("identity - relay.example.net");
    expect(shown(begin("fred@example.com").step)).toBe("identity fred@example.com relay.example.net");
    expect(shown(begin("a\0b").step)).toBe("malformed A-EXT-01");
    expect(shown(server("EXTERNAL", { certificate: "x" }).receive(Uint8Array.of(0xff)))).toBe(
      "malformed A-EXT-01",
    );
  });

  it("A-EXT-02 it fails without a certificate, and is for sessions that have one", () => {
    expect(shown(begin("", null).step)).toBe("denied A-EXT-02");
    expect(mechanismFacts.EXTERNAL.needs).toBe("certificate");
  });

  it("A-EXT-02 the application has to allow it, and the authzid", () => {
    expect(shown(begin("").exchange.verify(true))).toBe("success relay.example.net");
    expect(shown(begin("relay.example.net").exchange.verify(true))).toBe("success relay.example.net");
    expect(shown(begin("fred").exchange.verify(true))).toBe("denied A-PLAIN-04");
    expect(shown(begin("fred").exchange.verify(true, true))).toBe("success relay.example.net");
    expect(shown(begin("\u0007").step)).toBe("denied A-EXT-02");
    for (const stored of [null, false, { password: "x" }] as const)
      expect(shown(begin("").exchange.verify(stored))).toBe("denied A-AUTH-13");
  });
});

describe("ANONYMOUS", () => {
  const begin = (message: string) => {
    const exchange = server("ANONYMOUS");
    return { exchange, step: exchange.receive(octets(message)) };
  };
  const trace = (message: string) => {
    const { step } = begin(message);
    return step.type === "identity" ? step.identity.trace : shown(step);
  };

  it("A-ANON-01 both sides have the vector", () => {
    expect(anonymousClient("sirhc").initial).toEqual(base64("c2lyaGM="));
    expect(anonymousClient().initial).toEqual(octets(""));
    expect(trace("sirhc")).toBe("sirhc");
    expect(trace("")).toBe("");
  });

  it("A-ANON-01 it is an address, or a token of up to 255 characters", () => {
    expect(trace("me@example.com")).toBe("me@example.com");
    expect(trace("ü".repeat(255))).toBe("ü".repeat(255));
    expect(trace("ü".repeat(256))).toBe("malformed A-ANON-01");
    expect(trace("me@")).toBe("malformed A-ANON-01");
    expect(shown(server("ANONYMOUS").receive(Uint8Array.of(0xff)))).toBe("malformed A-ANON-01");
    expect(() => anonymousClient("me@")).toThrow(UsageError);
    expect(() => anonymousClient("x".repeat(256))).toThrow(UsageError);
  });

  it("A-ANON-02 what it says is stripped of control characters, and does not say who it is", () => {
    const { exchange, step } = begin("a\r\nb\x1b[31m\u202ec");
    expect(step).toEqual({
      type: "identity",
      identity: { user: "anonymous", authzid: null, trace: "ab[31mc" },
    });
    expect(exchange.verify(true).type).toBe("success");
  });

  it("A-ANON-02 nobody is let in but by a plain yes", () => {
    const keys = deriveScramKeys("x", { salt: octets("salt") });
    for (const stored of [null, false, { password: "x" }, keys, () => true] as const)
      expect(shown(begin("sirhc").exchange.verify(stored))).toBe("denied A-AUTH-13");
  });
});

const token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";

describe("OAUTHBEARER", () => {
  const vector = base64(
    "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRjMk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB",
  );
  const begin = (message: string | Uint8Array, changes: Partial<ServerContext> = {}) => {
    const exchange = server("OAUTHBEARER", changes);
    const message_ = typeof message === "string" ? octets(message) : message;
    return { exchange, step: exchange.receive(message_) };
  };

  it("A-OAUTH-01 both sides have the vector", () => {
    const options = { user: "user@example.com", host: "server.example.com", port: 587, token };
    expect(oauthBearerClient(options)).toMatchObject({ name: "OAUTHBEARER", initial: vector });
    const { exchange, step } = begin(vector);
    expect(shown(step)).toBe("identity - user@example.com");
    expect(exchange.secret).toBe(token);
    expect(shown(exchange.verify((secret) => secret === token))).toBe("success user@example.com");
    expect(shown(begin(vector).exchange.verify({ password: token }))).toBe("success user@example.com");
  });

  it.each([
    [`n,,\x01auth=Bearer ${token}\x01\x01`, "identity - "],
    [`n,a=me,\x01auth=bEARER ${token}\x01\x01`, "identity - me"],
    [`n,a=me,\x01x=y\x01auth=Bearer ${token}\x01mail=\x01\x01`, "identity - me"],
    [`n,user=me,\x01auth=Bearer ${token}\x01\x01`, "identity - me"],
    [`y,a=me,\x01auth=Bearer ${token}\x01\x01`, "identity - me"],
    [`p=tls-exporter,a=me,\x01auth=Bearer ${token}\x01\x01`, "denied A-OAUTH-01"],
    [`a=me,\x01auth=Bearer ${token}\x01\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01auth=Basic ${token}\x01\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01auth=Bearer\x01\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01host=x\x01\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01port=025\x01auth=Bearer ${token}\x01\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01auth=Bearer ${token}\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01auth=Bearer ${token}`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01auth=Bearer ${token}\x01auth=Bearer ${token}\x01\x01`, "malformed A-OAUTH-01"],
    [`n,a=me,\x01auth=Bearer ${token}\0\x01\x01`, "malformed A-OAUTH-01"],
    ["", "malformed A-OAUTH-01"],
    [`n,a=\u0007,\x01auth=Bearer ${token}\x01\x01`, "denied A-AUTH-16"],
    ["\x01", "denied A-OAUTH-05"],
  ])("A-OAUTH-01 A-OAUTH-05 the server makes of %j: %s", (message, step) => {
    expect(shown(begin(message).step)).toBe(step);
  });

  it("A-OAUTH-02 A-XOA-01 tokens are for TLS only", () => {
    expect(mechanismFacts.OAUTHBEARER.cleartext).toBe(true);
    expect(mechanismFacts.XOAUTH2.cleartext).toBe(true);
    expect(oauthBearerClient({ user: "me", token }).cleartext).toBe(true);
    expect(xoauth2Client({ user: "me", token }).cleartext).toBe(true);
  });

  it("A-OAUTH-03 a refusal is JSON in a challenge, and fails when the client has answered", () => {
    const oauth = {
      scope: "mail",
      openidConfiguration: "https://example.com/.well-known/openid-configuration",
    };
    for (const answer of ["\x01", "", "anything"]) {
      const { exchange } = begin(vector, { oauth });
      const step = exchange.verify(() => false);
      expect(JSON.parse(shown(step).replace("challenge ", ""))).toEqual({
        status: "invalid_token",
        scope: "mail",
        "openid-configuration": oauth.openidConfiguration,
      });
      expect(shown(exchange.receive(octets(answer)))).toBe("denied A-AUTH-13");
    }
    expect(shown(begin(vector).exchange.verify(null))).toBe('challenge {"status":"invalid_token"}');
  });

  it("A-OAUTH-03 the client answers it with AQ==, and believes no success then", () => {
    const client = oauthBearerClient({ user: "me", token });
    expect(client.complete).toBe(true);
    expect(client.respond(octets('{"status":"invalid_token"}'))).toEqual(base64("AQ=="));
    expect(client.complete).toBe(false);
    expect(client.respond(octets("{}"))).toBeNull();
  });

  it("A-OAUTH-04 a token for another host or port is not taken, when the server knows its own", () => {
    const oauth = { host: "SERVER.example.com", port: 587 };
    expect(shown(begin(vector, { oauth }).step)).toBe("identity - user@example.com");
    expect(shown(begin(vector, { oauth: { host: "other.example.com" } }).step)).toBe(
      'challenge {"status":"invalid_request"}',
    );
    const { exchange, step } = begin(vector, { oauth: { port: 25 } });
    expect(shown(step)).toBe('challenge {"status":"invalid_request"}');
    expect(shown(exchange.receive(octets("\x01")))).toBe("denied A-OAUTH-04");
    expect(shown(begin(`n,,\x01auth=Bearer ${token}\x01\x01`, { oauth }).step)).toBe("identity - ");
  });

  it("what cannot be said is a mistake of the caller", () => {
    expect(() => oauthBearerClient({ token: "a b" })).toThrow(UsageError);
    expect(() => oauthBearerClient({ token: "a\x01" })).toThrow(UsageError);
    expect(() => oauthBearerClient({ token, host: "a\x01auth=x" })).toThrow(UsageError);
    expect(() => oauthBearerClient({ token, user: "" })).toThrow(UsageError);
  });

  it.each([true, deriveScramKeys("x", { salt: octets("salt") })])(
    "it cannot be verified by %j",
    (stored: Stored) => {
      expect(() => begin(vector).exchange.verify(stored)).toThrow(UsageError);
    },
  );
});

describe("XOAUTH2", () => {
  const bearer = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg";
  const vector = base64(
    "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==",
  );
  const begin = (message: Uint8Array, changes: Partial<ServerContext> = {}) => {
    const exchange = server("XOAUTH2", changes);
    return { exchange, step: exchange.receive(message) };
  };

  it("A-XOA-01 both sides have the vector", () => {
    expect(xoauth2Client({ user: "someuser@example.com", token: bearer }).initial).toEqual(vector);
    const { exchange, step } = begin(vector);
    expect(shown(step)).toBe("identity - someuser@example.com");
    expect(exchange.secret).toBe(bearer);
    expect(exchange.verify((secret) => secret === bearer).type).toBe("success");
  });

  it.each([
    "",
    "user=me\x01auth=Bearer x\x01",
    "user=\x01auth=Bearer x\x01\x01",
    "user=me\x01auth=x\x01\x01",
  ])("A-XOA-01 %j is no message", (message) => {
    expect(shown(begin(octets(message)).step)).toBe("malformed A-XOA-01");
  });

  it("A-XOA-02 a refusal is JSON in a challenge, which the client answers with nothing", () => {
    const { exchange } = begin(vector, { oauth: { scope: "https://mail.example.com/" } });
    const step = exchange.verify(() => false);
    expect(shown(step)).toBe(
      'challenge {"status":"401","schemes":"Bearer","scope":"https://mail.example.com/"}',
    );
    const client = xoauth2Client({ user: "me", token: bearer });
    const failure =
      "eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZXhhbXBsZS5jb20vIn0=";
    expect(text(client.respond(base64(failure)))).toBe("");
    expect(client.complete).toBe(false);
    expect(shown(exchange.receive(octets("")))).toBe("denied A-AUTH-13");
  });

  it("what cannot be said is a mistake of the caller", () => {
    expect(() => xoauth2Client({ user: "", token: bearer })).toThrow(UsageError);
    expect(() => xoauth2Client({ user: "a\x01b", token: bearer })).toThrow(UsageError);
    expect(() => xoauth2Client({ user: "me", token: "" })).toThrow(UsageError);
  });
});

describe("all of them", () => {
  const all = Object.entries(mechanismFacts);

  it.each(all)("A-AUTH-05 %s begins as its facts say", (name, { first }) => {
    const step = server(name, { certificate: "x" }).receive(null);
    if (first === "client") expect(step).toEqual({ type: "challenge", octets: octets("") });
    else expect((step as { octets: Uint8Array }).octets.length).toBeGreaterThan(0);
  });

  it("none has a security layer: what succeeds gives an identity, and data at most", () => {
    const { exchange, step } = (() => {
      const made = server("PLAIN");
      return { exchange: made, step: made.receive(octets("\0u\0p")) };
    })();
    expect(step.type).toBe("identity");
    expect(Object.keys(exchange.verify({ password: "p" })).sort()).toEqual(["data", "identity", "type"]);
    expect(all.map(([name]) => name)).not.toContain("DIGEST-MD5");
    expect(all.map(([name]) => name)).not.toContain("GSSAPI");
  });

  it("calls out of order are mistakes of the caller", () => {
    const exchange = server("PLAIN");
    expect(() => exchange.verify(null)).toThrow(UsageError);
    exchange.receive(octets("\0u\0p"));
    expect(() => exchange.receive(octets("\0u\0p"))).toThrow(UsageError);
    exchange.verify({ password: "p" });
    expect(() => exchange.verify({ password: "p" })).toThrow(UsageError);
    expect(() => server("X-UNKNOWN")).toThrow(UsageError);
    expect(() => server("toString")).toThrow(UsageError);
  });
});
