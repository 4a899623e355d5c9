import { UsageError } from "@sansmtp/core";
import {
  type AuthPolicy,
  type ClientContext,
  type Credentials,
  chooseMechanism,
  mechanismFacts,
} from "@sansmtp/sasl";
import { describe, expect, it } from "vitest";
import { octets, octetsFrom, text } from "./exchange.ts";

const password = { user: "tim", pass: "secret" };
const bindings = { "tls-exporter": new Uint8Array(32), "tls-server-end-point": new Uint8Array(32) };
const all = Object.keys(mechanismFacts);

function choose(
  offered: readonly string[],
  credentials: Credentials = password,
  changes: Partial<ClientContext> = {},
  policy: AuthPolicy = {},
) {
  const context = { random: octetsFrom("client"), secure: true, ...changes };
  return chooseMechanism(offered, credentials, context, policy);
}

function name(...given: Parameters<typeof choose>): string {
  const { mechanism, reason } = choose(...given);
  return mechanism?.name ?? reason ?? "";
}

describe("the choice", () => {
  it("A-AUTH-26 A-SCRAM-01 takes the strongest that is offered", () => {
    const order = [
      "SCRAM-SHA-256-PLUS",
      "SCRAM-SHA-256",
      "SCRAM-SHA-1-PLUS",
      "SCRAM-SHA-1",
      "CRAM-MD5",
      "PLAIN",
      "LOGIN",
    ];
    for (let at = 0; at < order.length; at++)
      expect(name(order.slice(at).reverse(), password, { bindings })).toBe(order[at]);
    expect(name(all, password, { bindings })).toBe(order[0]);
    expect(name([])).toBe("not-offered");
    expect(name(["GSSAPI", "X-OWN"])).toBe("not-offered");
  });

  it("A-AUTH-26 takes what fits the credentials", () => {
    expect(name(all, { external: "" })).toBe("EXTERNAL");
    expect(name(all, { user: "me", token: "abc" })).toBe("OAUTHBEARER");
    expect(name(["XOAUTH2", "PLAIN"], { user: "me", token: "abc" })).toBe("XOAUTH2");
    expect(name(all, { anonymous: "" })).toBe("ANONYMOUS");
    expect(name(["PLAIN"], { external: "" })).toBe("not-offered");
    expect(name(["EXTERNAL", "XOAUTH2", "ANONYMOUS"])).toBe("not-offered");
  });

  it("A-LOGIN-04 LOGIN is for where PLAIN cannot be had, and knows no authzid", () => {
    expect(name(["LOGIN", "PLAIN"])).toBe("PLAIN");
    expect(name(["LOGIN"])).toBe("LOGIN");
    expect(name(["LOGIN", "CRAM-MD5"], { ...password, authzid: "boss" })).toBe("not-offered");
    expect(name(["LOGIN", "PLAIN"], { ...password, authzid: "boss" })).toBe("PLAIN");
  });

  it("A-AUTH-25 A-PLAIN-05 A-OAUTH-02 shows no credentials without TLS", () => {
    expect(name(["PLAIN", "LOGIN"], password, { secure: false })).toBe("insecure");
    expect(name(all, { user: "me", token: "abc" }, { secure: false })).toBe("insecure");
    expect(name(all, password, { secure: false })).toBe("SCRAM-SHA-256");
    expect(name(["PLAIN", "CRAM-MD5"], password, { secure: false })).toBe("CRAM-MD5");
  });

  it("takes none but those that the caller allows", () => {
    expect(name(all, password, {}, { mechanisms: ["PLAIN", "SCRAM-SHA-1"] })).toBe("SCRAM-SHA-1");
    expect(name(["CRAM-MD5"], password, {}, { mechanisms: ["PLAIN"] })).toBe("not-offered");
    expect(() => name(all, password, {}, { mechanisms: ["PLAN"] })).toThrow(UsageError);
  });

  it("A-SCRAM-08 binds the channel where both can", () => {
    const initial = (offered: readonly string[], changes: Partial<ClientContext>, policy: AuthPolicy = {}) =>
      text(choose(offered, password, changes, policy).mechanism?.initial)?.replace(/r=.*/, "");
    const both = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"];
    expect(initial(both, { bindings })).toBe("p=tls-exporter,,n=tim,");
    expect(initial(both, { bindings: { "tls-server-end-point": octets("x") } })).toBe(
      "p=tls-server-end-point,,n=tim,",
    );
    expect(initial(both, {})).toBe("n,,n=tim,");
    expect(initial(["SCRAM-SHA-256"], { bindings })).toBe("y,,n=tim,");
    expect(initial(["SCRAM-SHA-256"], {})).toBe("n,,n=tim,");
    expect(initial(["SCRAM-SHA-256"], { bindings: { other: octets("x") } })).toBe("n,,n=tim,");
    // Nobody has taken it off the list: the caller does not want it.
    expect(initial(both, { bindings }, { mechanisms: ["SCRAM-SHA-256"] })).toBe("n,,n=tim,");
  });

  it("A-SCRAM-14 -PLUS is for who has the data", () => {
    expect(name(["SCRAM-SHA-256-PLUS", "PLAIN"])).toBe("PLAIN");
    expect(mechanismFacts["SCRAM-SHA-256-PLUS"].needs).toBe("channel-binding");
    expect(mechanismFacts["SCRAM-SHA-1-PLUS"].needs).toBe("channel-binding");
  });

  it("A-PREP-01 what cannot be prepared is for PLAIN", () => {
    const ascii = (given: string) => (/^[\x20-\x7e]*$/.test(given) ? given : null);
    expect(name(["SCRAM-SHA-256", "PLAIN"], { user: "tim", pass: "pä" })).toBe("SCRAM-SHA-256");
    expect(name(["SCRAM-SHA-256", "PLAIN"], { user: "tim", pass: "pä" }, {}, { prepare: ascii })).toBe(
      "PLAIN",
    );
    expect(name(["SCRAM-SHA-256", "PLAIN"], { user: "tim", pass: "a\u0007" })).toBe("PLAIN");
    expect(name(["SCRAM-SHA-256"], { user: "tim", pass: "a\u0007" })).toBe("not-offered");
  });

  it("A-AUTH-26 after a refusal takes one that says the password, where it may, and never gives up the channel", () => {
    expect(name(all, password, { bindings, tried: "SCRAM-SHA-256" })).toBe("PLAIN");
    expect(name(all, password, { secure: false, tried: "SCRAM-SHA-256" })).toBe("SCRAM-SHA-1");
    expect(name(["SCRAM-SHA-256", "PLAIN"], password, { tried: "SCRAM-SHA-256" })).toBe("PLAIN");
    expect(name(["PLAIN"], password, { tried: "PLAIN" })).toBe("not-offered");
    expect(
      name(["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN"], password, {
        bindings,
        tried: "SCRAM-SHA-256-PLUS",
      }),
    ).toBe("not-offered");
    expect(name(all, password, { bindings, tried: "SCRAM-SHA-256-PLUS" })).toBe("SCRAM-SHA-1-PLUS");
  });

  it("A-SCRAM-06 hands the caller's bounds on", () => {
    const { mechanism } = choose(["SCRAM-SHA-256"], password, {}, { minIterations: 5000 });
    const nonce = /r=(.*)/.exec(text(mechanism?.initial) ?? "")?.[1];
    expect(mechanism?.respond(octets(`r=${nonce}x,s=c2FsdA==,i=4999`))).toBeNull();
    const again = choose(["SCRAM-SHA-256"], password, {}, { maxIterations: 5000 }).mechanism;
    const other = /r=(.*)/.exec(text(again?.initial) ?? "")?.[1];
    expect(again?.respond(octets(`r=${other}x,s=c2FsdA==,i=5001`))).toBeNull();
  });

  it.each([
    { user: "", pass: "p" },
    { user: "a", pass: "secret\0" },
    { user: "a", token: "secret token" },
    { external: "a\0b" },
    { anonymous: "me@" },
    { user: "a", pass: "p", authzid: "" },
    { user: 1, pass: "p" },
  ])("A-AUTH-29 says which of the credentials cannot be, and not what they are: %j", (credentials) => {
    expect(() => choose(all, credentials as Credentials)).toThrow(UsageError);
    expect(() => choose(all, credentials as Credentials)).not.toThrow(/secret/);
  });
});
