import type { ServerOptions } from "@sansmtp/node";
import { describe, expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import { body, it, message } from "./behind.ts";
import { haproxy } from "./proxies.ts";

// Channel binding, with somebody real in between: HAProxy, which holds a certificate that the client trusts.

const { server: pair, ca } = await certificates();
const files = { "pair.pem": pair.key + pair.cert };
const user = "user@example.com";
const given = {
  auth: { user, pass: "pencil" },
  tls: "implicit",
  tlsOptions: { ca: ca.cert, servername: "mx.example.com" },
} as const;

describe("SCRAM-SHA-256-PLUS", () => {
  it("A-SCRAM-08 A-SCRAM-12 is taken where TLS is passed on as it is", async ({ behind }) => {
    const asked: string[] = [];
    const { through, taken } = await behind(haproxy({ server: "" }), binding(asked));
    const client = await through(given);
    expect((await client.send(message)).accepted).toEqual([message.to]);
    await client.quit();
    expect(asked).toEqual(["SCRAM-SHA-256-PLUS"]);
    expect(taken).toMatchObject([{ body }]);
  });

  it("A-SCRAM-07 A-SCRAM-12 finds out who ends TLS and begins another, though the password is right", async ({
    behind,
  }) => {
    const asked: string[] = [];
    const between = haproxy({ bind: "ssl crt FOLDER/pair.pem", server: "ssl verify none" });
    const { through, taken } = await behind(between, binding(asked), files);
    await expect(through(given)).rejects.toMatchObject({ code: "auth-refused" });
    expect(asked).toEqual(["SCRAM-SHA-256-PLUS"]);
    // Without it nobody notices.
    const auth = { ...given.auth, mechanisms: ["SCRAM-SHA-256"] };
    const client = await through({ ...given, auth });
    expect((await client.send(message)).accepted).toEqual([message.to]);
    await client.quit();
    expect(taken).toMatchObject([{ body }]);
  });
});

/** A server that lists SCRAM with and without binding, and knows one user. */
function binding(asked: string[]): Partial<ServerOptions> {
  return {
    tls: "implicit",
    tlsOptions: pair,
    authRequired: true,
    mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
    authenticate({ mechanism, identity, verify }) {
      asked.push(mechanism);
      return verify(identity.user === user ? { password: "pencil" } : null);
    },
  };
}
