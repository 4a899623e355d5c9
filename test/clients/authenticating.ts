import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { createTransport } from "nodemailer";
import { curl, helo, msmtp, swaks } from "./clients.ts";
import { short as content } from "./messages.ts";
import { type Ran, run, type Tool } from "./tool.ts";

/** A real client that can authenticate. */
export interface AuthenticatingClient {
  readonly name: string;
  readonly tool: Tool;
  readonly mechanisms: readonly string[];
  /** Sends a message after it; gsasl has none to send. */
  readonly sends: boolean;
  /** Authenticates inside TLS, by STARTTLS, and sends {@link content}. Its code is 0 if all of that went well. */
  login(login: Login): Promise<Ran>;
}

/** Who authenticates, and where. */
export interface Login {
  readonly mechanism: string;
  readonly port: number;
  readonly user: string;
  /** The password, or a bearer token. */
  readonly secret: string;
  /** A file with the certificate that the server must show. */
  readonly authority: string;
  /** Files with a certificate of the client's own, and its key. */
  readonly certificate: string;
  readonly key: string;
}

const envelope = { from: "a@example.net", to: ["b@example.com"] } as const;

const swaksLogin: AuthenticatingClient = {
  name: "swaks",
  tool: swaks.tool,
  mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5"],
  sends: true,
  login: ({ mechanism, port, user, secret, authority }) =>
    run("swaks", [
      ...["--server", "127.0.0.1", "--port", String(port), "--helo", helo, "--timeout", "20"],
      ...["--tls", "--tls-verify", "--tls-ca-path", authority],
      ...["--auth", mechanism, "--auth-user", user, "--auth-password", secret],
      ...["--from", envelope.from, "--to", envelope.to.join(",")],
    ]),
};

const script = fileURLToPath(new URL("login.py", import.meta.url));

/** @param initialResponse whether it says something with AUTH where it could */
const smtplib = (initialResponse: boolean): AuthenticatingClient => ({
  name: `smtplib ${initialResponse ? "with" : "without"} an initial response`,
  tool: { name: "smtplib of Python", packages: "python3", probe: ["python3", "-c", "import smtplib, ssl"] },
  mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5"],
  sends: true,
  login: (login) =>
    run("python3", [script, JSON.stringify({ ...login, ...envelope, name: helo, initialResponse })], {
      input: content,
    }),
});

const msmtpLogin: AuthenticatingClient = {
  name: "msmtp",
  tool: { ...msmtp.tool, name: "msmtp with GNU SASL", prints: /^Authentication library: GNU SASL/m },
  mechanisms: [
    ...["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"],
    ...["OAUTHBEARER", "XOAUTH2", "EXTERNAL"],
  ],
  sends: true,
  login: ({ mechanism, port, user, secret, authority, certificate, key }) =>
    run(
      "msmtp",
      [
        ...["--debug", "--host=127.0.0.1", `--port=${port}`, `--domain=${helo}`, "--timeout=20"],
        ...["--tls=on", "--tls-starttls=on", `--tls-trust-file=${authority}`],
        ...[`--auth=${mechanism.toLowerCase()}`, `--user=${user}`, `--passwordeval=printf %s '${secret}'`],
        ...(mechanism === "EXTERNAL" ? [`--tls-cert-file=${certificate}`, `--tls-key-file=${key}`] : []),
        ...[`--from=${envelope.from}`, "--", ...envelope.to],
      ],
      { input: content },
    ),
};

const curlLogin: AuthenticatingClient = {
  name: "curl",
  tool: curl.tool,
  mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "OAUTHBEARER", "XOAUTH2", "EXTERNAL"],
  sends: true,
  login: ({ mechanism, port, user, secret, authority, certificate, key }) =>
    run(
      "curl",
      [
        ...["-q", "--noproxy", "*", "--silent", "--show-error", "--verbose", "--max-time", "20"],
        ...["--ssl-reqd", "--cacert", authority, "--login-options", `AUTH=${mechanism}`],
        ...({
          OAUTHBEARER: ["--user", user, "--oauth2-bearer", secret],
          XOAUTH2: ["--user", user, "--oauth2-bearer", secret],
          EXTERNAL: ["--user", `${user}:`, "--cert", certificate, "--key", key],
        }[mechanism] ?? ["--user", `${user}:${secret}`]),
        ...["--mail-from", envelope.from, ...envelope.to.flatMap((each) => ["--mail-rcpt", each])],
        ...["--upload-file", "-", `smtp://127.0.0.1:${port}/${helo}`],
      ],
      { input: content },
    ),
};

const nodemailer: AuthenticatingClient = {
  name: "nodemailer",
  tool: { name: "nodemailer", packages: "nodejs", probe: [process.execPath, "--version"] },
  mechanisms: ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"],
  sends: true,
  async login({ mechanism, port, user, secret, authority }) {
    const transport = createTransport({
      host: "127.0.0.1",
      port,
      name: helo,
      requireTLS: true,
      tls: { ca: readFileSync(authority) },
      greetingTimeout: 20_000,
      socketTimeout: 20_000,
      ...(mechanism === "XOAUTH2"
        ? { auth: { type: "OAuth2", user, accessToken: secret } }
        : { auth: { user, pass: secret }, authMethod: mechanism }),
    });
    try {
      const { response } = await transport.sendMail({
        envelope: { ...envelope, to: [...envelope.to] },
        raw: content,
      });
      return { code: 0, text: response, stdout: response };
    } catch (error) {
      return { code: 1, text: String(error), stdout: "" };
    } finally {
      transport.close();
    }
  },
};

const gsasl: AuthenticatingClient = {
  name: "gsasl",
  tool: { name: "gsasl", packages: "gsasl", probe: ["gsasl", "--version"] },
  mechanisms: [
    ...["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"],
    ...["SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS", "ANONYMOUS", "EXTERNAL"],
  ],
  sends: false,
  async login({ mechanism, port, user, secret, authority, certificate, key }) {
    const greeter = await greeting(port);
    const ran = await run("gsasl", [
      ...["--smtp", "--client", `--connect=127.0.0.1:${greeter.port}`, `--mechanism=${mechanism}`],
      ...[`--x509-ca-file=${authority}`, "--hostname=localhost"],
      ...({
        ANONYMOUS: [`--anonymous-token=${user}`],
        EXTERNAL: [`--authorization-id=${user}`, `--x509-cert-file=${certificate}`, `--x509-key-file=${key}`],
      }[mechanism] ?? [`--authentication-id=${user}`, `--password=${secret}`]),
      // Where it could bind to TLS and the mechanism cannot, it fails by itself.
      ...(mechanism.endsWith("-PLUS") ? [] : ["--no-cb"]),
    ]);
    greeter.close();
    return ran;
  },
};

/**
 * gsasl says STARTTLS without EHLO before it, which is against RFC 5321 §4.1.4: somebody in between says EHLO for it
 * and keeps the reply to himself. All that follows is between the two of them.
 */
async function greeting(server: number): Promise<{ readonly port: number; close(): void }> {
  const sockets: Socket[] = [];
  const between = createServer((client) => {
    const inner = connect(server, "127.0.0.1");
    sockets.push(client, inner);
    for (const socket of [client, inner]) socket.on("error", () => {});
    let said = "";
    inner.on("data", function greet(octets: Buffer) {
      const before = said.length;
      said += octets.toString("latin1");
      if (before === 0) {
        client.write(octets);
        inner.write(`EHLO ${helo}\r\n`);
      }
      if (!/^250 .*\r\n$/m.test(said)) return;
      inner.off("data", greet);
      inner.pipe(client);
      client.pipe(inner);
    });
  });
  between.listen(0, "127.0.0.1");
  await once(between, "listening");
  return {
    port: (between.address() as AddressInfo).port,
    close() {
      for (const socket of sockets) socket.destroy();
      between.close();
    },
  };
}

export const authenticatingClients: readonly AuthenticatingClient[] = [
  swaksLogin,
  smtplib(true),
  smtplib(false),
  msmtpLogin,
  curlLogin,
  nodemailer,
  gsasl,
];
