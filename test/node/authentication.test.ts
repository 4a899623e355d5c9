import { execFileSync, spawnSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { type ConnectOptions, deriveScramKeys, type Identity, type ServerOptions } from "@sansmtp/node";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { bindingsOf } from "../../packages/drive/src/secured.ts";
import { agreed } from "../../packages/node/src/transport.ts";
import { certificateHash } from "../../packages/sasl/src/end-point.ts";
import { certificates } from "./certificates.ts";
import { dialled, message, rejected } from "./scripted.ts";
import { serving } from "./serving.ts";

let certs: Awaited<ReturnType<typeof certificates>>;
const auth = { user: "me", pass: "secret" };
const keys = deriveScramKeys("secret", { salt: new Uint8Array(16).fill(5) });

beforeAll(async () => {
  certs = await certificates();
});

/** A server that knows `me`, and what it has seen. */
async function server(options: Partial<ServerOptions> = {}) {
  const seen: { mechanism: string | null; identity: Identity | null; bindings: unknown }[] = [];
  const running = await serving({
    tlsOptions: certs.server,
    authenticate: ({ identity, verify }) => verify(identity.user === "me" ? keys : null),
    authRequired: true,
    mail(_, { client, identity }) {
      seen.push({ mechanism: client.authenticated, identity, bindings: client.tls?.bindings });
      return undefined;
    },
    ...options,
  });
  const { port } = running.address as { port: number };
  const dial = ({ tlsOptions, ...rest }: Partial<ConnectOptions> = {}) =>
    dialled({ host: "localhost", port, auth, tlsOptions: { ca: certs.ca.cert, ...tlsOptions }, ...rest });
  return { ...running, seen, dial };
}

describe("AUTH over TLS", () => {
  it.each([
    ["TLSv1.3", "tls-exporter"],
    ["TLSv1.2", "tls-unique"],
  ] as const)(
    "A-SCRAM-12 A-SCRAM-08 A-AUTH-26 by SCRAM-SHA-256-PLUS with %s and %s",
    async (version, type) => {
      const { dial, seen, errors } = await server();
      const client = await dial({ tlsOptions: { maxVersion: version } });
      expect((await client.send(message)).accepted).toEqual(["b@example.com"]);
      const own = client.tls?.bindings ?? {};
      expect(Object.keys(own)).toEqual([type, "tls-server-end-point"]);
      expect(seen).toEqual([
        {
          mechanism: "SCRAM-SHA-256-PLUS",
          identity: { user: "me", authzid: null, trace: null },
          bindings: own,
        },
      ]);
      expect(errors).toEqual([]);
    },
  );

  it("A-SCRAM-12 the data differ from connection to connection, but that of the certificate", async () => {
    const { dial } = await server();
    const [one, other] = [await dial(), await dial()].map(({ tls }) => tls?.bindings ?? {});
    expect(one["tls-exporter"]).toHaveLength(32);
    expect(one["tls-exporter"]).not.toEqual(other["tls-exporter"]);
    const { raw } = new X509Certificate(certs.server.cert);
    const digest = new Uint8Array(createHash("sha256").update(raw).digest());
    expect(one["tls-server-end-point"]).toEqual(digest);
    expect(other["tls-server-end-point"]).toEqual(digest);
  });

  it("A-SCRAM-12 a session of TLS 1.2 that is resumed has no tls-unique", async () => {
    const found: string[][] = [];
    const listening = createServer({ ...certs.server, maxVersion: "TLSv1.2" }, (socket) => {
      found.push(Object.keys(bindingsOf(socket, "server", agreed(socket))));
      socket.end();
    });
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void listening.close());
    const { port } = listening.address() as { port: number };
    let session: Buffer | undefined;
    for (const resumes of [false, true]) {
      const socket = connect({
        port,
        ca: certs.ca.cert,
        servername: "localhost",
        ...(session && { session }),
      });
      await new Promise((resolve) => socket.once("secureConnect", resolve));
      expect(socket.isSessionReused()).toBe(resumes);
      found.push(Object.keys(bindingsOf(socket, "client", agreed(socket))));
      session = socket.getSession();
      await new Promise((resolve) => socket.once("close", resolve).resume());
    }
    const both = ["tls-unique", "tls-server-end-point"];
    // Nor has the server its certificate at hand then, so that it lists no -PLUS.
    expect(found).toEqual([both, both, [], ["tls-server-end-point"]]);
  });

  it("A-SCRAM-07 somebody in between, with a certificate that the client believes, is found out", async () => {
    const implicit = await server({ tls: "implicit" });
    const inner = (implicit.address as { port: number }).port;
    // He passes on what is said inside TLS, word for word.
    const between = createServer({ ...certs.server }, (near) => {
      const far = connect({ port: inner, rejectUnauthorized: false });
      near.pipe(far).pipe(near);
      for (const socket of [near, far]) socket.on("error", () => {});
      onTestFinished(() => void far.destroy());
    });
    await new Promise<void>((resolve) => between.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void between.close());
    const outer = (between.address() as { port: number }).port;
    const options = {
      host: "localhost",
      port: outer,
      tls: "implicit",
      auth,
      tlsOptions: { ca: certs.ca.cert },
    } as const;
    expect(await rejected(dialled(options))).toMatchObject({ code: "auth-refused", reply: { code: 535 } });
    expect(implicit.seen).toEqual([]);
    // Without channel binding nobody notices him.
    await dialled({ ...options, auth: { ...auth, mechanisms: ["SCRAM-SHA-256"] } });
  });

  it("A-EXT-01 A-EXT-02 by the client's certificate", async () => {
    const { dial, seen } = await server({
      tlsOptions: { ...certs.server, ca: certs.ca.cert, requestCert: true },
      mechanisms: ["EXTERNAL", "PLAIN"],
      authenticate: ({ mechanism, identity, verify }) =>
        verify(mechanism === "EXTERNAL" && identity.user === "relay.example.net"),
    });
    const client = await dial({ auth: { external: "" }, tlsOptions: certs.client });
    await client.send(message);
    expect(seen).toMatchObject([{ mechanism: "EXTERNAL", identity: { user: "relay.example.net" } }]);
  });

  it("A-AUTH-18 A-AUTH-26 by PLAIN where nothing else is wanted", async () => {
    const { dial, seen } = await server({ mechanisms: ["PLAIN"] });
    await (await dial()).send(message);
    expect(seen).toMatchObject([{ mechanism: "PLAIN" }]);
    expect(await rejected(dial({ auth: { user: "me", pass: "wrong" } }))).toMatchObject({
      code: "auth-refused",
    });
  });

  it("A-OAUTH-04 the token goes to the host and port that were connected to", async () => {
    const tokens: string[] = [];
    const { dial, address } = await server({
      mechanisms: ["OAUTHBEARER"],
      authenticate: ({ verify }) =>
        verify((token) => {
          tokens.push(token);
          return token === "abc";
        }),
    });
    const { port } = address as { port: number };
    const own = await server({
      mechanisms: ["OAUTHBEARER"],
      authentication: { oauth: { host: "localhost", port } },
    });
    await dial({ auth: { user: "me", token: "abc" } });
    expect(tokens).toEqual(["abc"]);
    expect(await rejected(own.dial({ auth: { user: "me", token: "abc" } }))).toMatchObject({
      code: "auth-refused",
    });
  });
});

const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

describe.skipIf(!hasOpenssl)("tls-server-end-point", () => {
  const kinds = [
    ["rsa:2048", "-sha1", "sha256"],
    ["rsa:2048", "-sha256", "sha256"],
    ["rsa:2048", "-sha384", "sha384"],
    ["rsa:2048", "-sha512", "sha512"],
    ["rsa:2048 -sigopt rsa_padding_mode:pss", "-sha384", "sha384"],
    ["ec -pkeyopt ec_paramgen_curve:prime256v1", "-sha256", "sha256"],
    ["ec -pkeyopt ec_paramgen_curve:prime256v1", "-sha512", "sha512"],
    ["ed25519", "", null],
  ] as const;

  it.each(kinds)("is by the hash of the signature: %s %s gives %s", (key, digest, hash) => {
    const folder = mkdtempSync(join(tmpdir(), "sansmtp-cert-"));
    try {
      const [out, keyout] = [join(folder, "cert"), join(folder, "key")];
      const options = `req -x509 -nodes -subj /CN=x -newkey ${key} ${digest} -out ${out} -keyout ${keyout}`;
      execFileSync("openssl", options.split(" ").filter(Boolean), { stdio: "ignore" });
      expect(certificateHash(new X509Certificate(readFileSync(out)).raw)).toBe(hash);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
