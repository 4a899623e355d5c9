import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { ServerOptions } from "@sansmtp/node";
import { deriveScramKeys, type Identity, type Stored } from "@sansmtp/sasl";
import { describe, expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import { serving } from "../node/serving.ts";
import { type AuthenticatingClient, authenticatingClients, type Login } from "./authenticating.ts";
import { it, type Place } from "./serving.ts";
import type { Ran } from "./tool.ts";

// Real clients authenticate to our server, each by each mechanism that it has, and fail to with what is wrong.

const user = "user@example.com";
const { ca, client: own } = await certificates();
/** The name in its own certificate. */
const subject = "relay.example.net";
const secrets: Readonly<Record<string, string>> = {
  OAUTHBEARER: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
  XOAUTH2: "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
};
const pass = "pencil";

/** What a server keeps that does not keep passwords. */
const keys = (["SHA-1", "SHA-256"] as const).map((hash) =>
  deriveScramKeys(pass, { hash, salt: Buffer.from("0123456789abcdef") }),
);

for (const client of authenticatingClients) {
  describe(client.name, () => {
    for (const mechanism of client.mechanisms) {
      for (const [what, stored] of storesFor(mechanism)) {
        it(`${proves[mechanism] ?? ""}is let in by ${mechanism}, against ${what}`, async ({
          need,
          place,
        }) => {
          need(client.tool);
          const { ran, asked, authenticated, messages } = await login(client, mechanism, place, stored);
          expect(ran.code, ran.text).toBe(0);
          expect(asked).toEqual([mechanism]);
          expect(authenticated).toMatchObject([{ mechanism, identity: identities[mechanism] ?? { user } }]);
          expect(messages).toBe(client.sends ? 1 : 0);
        });
      }

      if (mechanism === "ANONYMOUS") continue;
      const [[, stored]] = storesFor(mechanism);
      for (const [what, wrong] of mechanism === "EXTERNAL"
        ? ([["as somebody else", { user: "other.example.net" }]] as const)
        : ([
            ["with what is wrong", { secret: "bm8=" }],
            ["as somebody whom nobody knows", { user: "nobody@example.com" }],
          ] as const)) {
        it(`is not let in by ${mechanism} ${what}`, async ({ need, place }) => {
          need(client.tool);
          const { ran, asked, authenticated, messages } = await login(
            client,
            mechanism,
            place,
            stored,
            wrong,
          );
          expect(ran.code).not.toBe(0);
          // curl hangs up when it is told why, and does not wait for the reply.
          expect(ran.text).toMatch(client.name === "curl" && mechanism === "XOAUTH2" ? failure : /\b535\b/);
          expect(asked).toContain(mechanism);
          expect(authenticated).toEqual([]);
          expect(messages).toBe(0);
        });
      }
    }
  });
}

/** What may be stored of a user who comes by this mechanism. */
function storesFor(
  mechanism: string,
): readonly [readonly [string, Stored], ...(readonly [string, Stored])[]] {
  if (mechanism === "EXTERNAL" || mechanism === "ANONYMOUS") return [["nothing", true]];
  const password = { password: secrets[mechanism] ?? pass };
  if (mechanism in secrets) return [["a token", password]];
  if (mechanism === "CRAM-MD5") return [["a password", password]];
  return [
    ["a password", password],
    ["keys", keys],
  ];
}

/** What a server finds out who has come. */
const identities: Readonly<Record<string, Partial<Identity>>> = {
  ANONYMOUS: { user: "anonymous", trace: user },
  EXTERNAL: { user: subject },
};

/** The requirement that the dialogue of a real client proves. */
const proves: Readonly<Record<string, string>> = {
  PLAIN: "A-PLAIN-01 A-AUTH-18 ",
  LOGIN: "A-LOGIN-01 ",
  "CRAM-MD5": "A-CRAM-02 ",
  "SCRAM-SHA-1": "A-SCRAM-01 ",
  "SCRAM-SHA-1-PLUS": "A-SCRAM-12 ",
  "SCRAM-SHA-256-PLUS": "A-SCRAM-12 ",
  OAUTHBEARER: "A-OAUTH-01 ",
  XOAUTH2: "A-XOA-01 ",
  ANONYMOUS: "A-ANON-01 ",
  EXTERNAL: "A-EXT-01 A-EXT-02 ",
};

/** The challenge that tells of a failure, `{"status":...`. */
const failure = /334 eyJzdGF0dXMi/;

/** What became of it. */
interface Attempt {
  readonly ran: Ran;
  /** The mechanisms by which somebody has said who he is. */
  readonly asked: readonly string[];
  /** Who had authenticated when the connection ended. */
  readonly authenticated: readonly { readonly mechanism: string | null; readonly identity: Identity }[];
  readonly messages: number;
}

/** Has a client log in to a server that offers this mechanism, and takes no mail from anybody else. */
async function login(
  client: AuthenticatingClient,
  mechanism: string,
  place: Place,
  stored: Stored,
  wrong: Partial<Login> = {},
): Promise<Attempt> {
  const asked: string[] = [];
  const authenticated: { mechanism: string | null; identity: Identity }[] = [];
  let over = 0;
  const options: Partial<ServerOptions> = {
    authRequired: true,
    mechanisms: mechanism.endsWith("-PLUS") ? [mechanism, mechanism.slice(0, -"-PLUS".length)] : [mechanism],
    tlsOptions: {
      key: readFileSync(place.key),
      cert: readFileSync(place.certificate),
      ca: ca.cert,
      requestCert: true,
      rejectUnauthorized: false,
    },
    authenticate({ mechanism, identity, verify }) {
      asked.push(mechanism);
      return verify(typeof stored === "boolean" || identity.user === user ? stored : null);
    },
    onClose(_, { client: { authenticated: by }, identity }) {
      if (identity !== null) authenticated.push({ mechanism: by, identity });
      over++;
    },
  };
  const { address, messages } = await serving(options);
  const certificate = place.path();
  const key = place.path();
  await writeFile(certificate, own.cert);
  await writeFile(key, own.key, { mode: 0o600 });
  const ran = await client.login({
    mechanism,
    port: (address as { port: number }).port,
    user: mechanism === "EXTERNAL" ? subject : user,
    secret: secrets[mechanism] ?? pass,
    authority: place.certificate,
    certificate,
    key,
    ...wrong,
  });
  await expect.poll(() => over).toBeGreaterThan(0);
  return { ran, asked, authenticated, messages: messages.length };
}
