import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { createTransport } from "nodemailer";
import { type Ran, run, type Tool } from "./tool.ts";

/** A real client, and what it can do. */
export interface Client {
  readonly name: string;
  readonly tool: Tool;
  /** Says `BODY=8BITMIME` for 8-bit content; the others send it all the same. */
  readonly says8Bit: boolean;
  /** Says SMTPUTF8 for addresses in UTF-8, or sends them without; null: that depends on its version. */
  readonly saysUtf8: boolean | null;
  /** Sends the commands of an envelope in one group. */
  readonly pipelines: boolean;
  /** Says in MAIL how large the message is. */
  readonly saysSize: boolean;
  /** Goes on with the recipients that were accepted when others were not. */
  readonly goesOn: boolean;
  /** Where it can speak LMTP. */
  readonly lmtp: readonly ("port" | "socket")[];
  send(submission: Submission): Promise<Ran>;
}

/** One message for one server. */
export interface Submission {
  readonly protocol: "smtp" | "lmtp";
  readonly port: number | null;
  /** The path of a Unix socket, in the place of a port. */
  readonly socket: string | null;
  readonly tls: Tls;
  /** A file with the certificate that the server must show. */
  readonly certificate: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly content: Buffer;
  /** A file with the content. */
  readonly file: string;
}

export type Tls = "none" | "starttls" | "implicit";

/** What the clients say in EHLO and LHLO. */
export const helo = "client.example.net";

export const swaks: Client = {
  name: "swaks",
  tool: {
    name: "swaks with TLS",
    packages: "swaks libnet-ssleay-perl",
    probe: ["swaks", "--support"],
    prints: /TLS supported/,
  },
  says8Bit: false,
  saysUtf8: false,
  pipelines: true,
  saysSize: false,
  goesOn: true,
  lmtp: ["port", "socket"],
  send(submission) {
    const { protocol, port, socket, tls, certificate, from, to, content } = submission;
    const trust = ["--tls-verify", "--tls-ca-path", certificate];
    return run(
      "swaks",
      [
        ...(socket === null ? ["--server", "127.0.0.1", "--port", String(port)] : ["--socket", socket]),
        ...["--protocol", protocol === "lmtp" ? "LMTP" : "ESMTP", "--helo", helo, "--timeout", "30"],
        ...{ none: [], starttls: ["--tls", ...trust], implicit: ["--tls-on-connect", ...trust] }[tls],
        ...["--from", from, "--to", to.join(","), "--pipeline", "--data", "-", "--suppress-data"],
      ],
      // It takes the end of data away if it is there, and always puts CRLF before its own.
      { input: Buffer.concat([content, Buffer.from(".\r\n")]), seconds: 60 },
    );
  },
};

export const curl: Client = {
  name: "curl",
  tool: {
    name: "curl with smtp",
    packages: "curl",
    probe: ["curl", "--version"],
    prints: /^Protocols:.* smtps/m,
  },
  says8Bit: false,
  saysUtf8: true,
  pipelines: false,
  saysSize: true,
  goesOn: true,
  lmtp: [],
  send({ port, tls, certificate, from, to, file }) {
    return run(
      "curl",
      [
        ...["-q", "--noproxy", "*", "--silent", "--show-error", "--verbose", "--max-time", "60"],
        ...{ none: [], starttls: ["--ssl-reqd"], implicit: [] }[tls],
        ...["--cacert", certificate, "--mail-from", from, "--mail-rcpt-allowfails"],
        ...to.flatMap((each) => ["--mail-rcpt", each]),
        ...["--upload-file", file, `${tls === "implicit" ? "smtps" : "smtp"}://127.0.0.1:${port}/${helo}`],
      ],
      { seconds: 60 },
    );
  },
};

const smtplib: Client = {
  name: "smtplib",
  tool: {
    name: "smtplib of Python",
    packages: "python3",
    probe: ["python3", "-c", "import smtplib, ssl"],
  },
  says8Bit: true,
  saysUtf8: true,
  pipelines: false,
  saysSize: true,
  goesOn: true,
  lmtp: ["port", "socket"],
  send({ content, file: _, ...job }) {
    const parameters = [
      ...(content.some((octet) => octet >= 0x80) ? ["BODY=8BITMIME"] : []),
      ...([job.from, ...job.to].every(isAscii) ? [] : ["SMTPUTF8"]),
    ];
    const described = JSON.stringify({ ...job, name: helo, parameters, large: content.length > 1_000_000 });
    return run("python3", [script, described], { input: content, seconds: 60 });
  },
};

const script = fileURLToPath(new URL("submit.py", import.meta.url));

export const msmtp: Client = {
  name: "msmtp",
  tool: {
    name: "msmtp with TLS",
    packages: "msmtp",
    probe: ["msmtp", "--version"],
    prints: /^TLS\/SSL library: (?!none)/m,
  },
  says8Bit: false,
  // Since 1.8.28.
  saysUtf8: null,
  pipelines: true,
  saysSize: false,
  goesOn: false,
  lmtp: ["port", "socket"],
  send({ protocol, port, socket, tls, certificate, from, to, content }) {
    return run(
      "msmtp",
      [
        ...["--host=127.0.0.1", `--port=${port ?? 24}`, ...(socket === null ? [] : [`--socket=${socket}`])],
        ...[`--protocol=${protocol}`, `--domain=${helo}`, "--timeout=30", "--auth=off"],
        ...(tls === "none" ? ["--tls=off"] : ["--tls=on", `--tls-trust-file=${certificate}`]),
        ...[`--tls-starttls=${tls === "implicit" ? "off" : "on"}`, `--from=${from}`, "--", ...to],
      ],
      { input: content, seconds: 60 },
    );
  },
};

const nodemailer: Client = {
  name: "nodemailer",
  tool: { name: "nodemailer", packages: "nodejs", probe: [process.execPath, "--version"] },
  says8Bit: false,
  saysUtf8: true,
  pipelines: true,
  saysSize: false,
  goesOn: true,
  lmtp: ["port", "socket"],
  async send({ protocol, port, socket, tls, certificate, from, to, content }) {
    const transport = createTransport({
      ...(socket === null ? { host: "127.0.0.1", port: Number(port) } : { connection: connect(socket) }),
      name: helo,
      lmtp: protocol === "lmtp",
      secure: tls === "implicit",
      requireTLS: tls === "starttls",
      ignoreTLS: tls === "none",
      tls: { ca: readFileSync(certificate) },
      greetingTimeout: 30_000,
      socketTimeout: 30_000,
    });
    try {
      const info = await transport.sendMail({ envelope: { from, to: [...to] }, raw: content });
      const refusals = (info.rejectedErrors ?? []).map(({ message }) => message);
      const text = [info.response, ...refusals].join("\n");
      return { code: 0, text, stdout: text };
    } catch (error) {
      const text = String(error);
      return { code: 1, text, stdout: text };
    } finally {
      transport.close();
    }
  },
};

export const clients: readonly Client[] = [swaks, curl, smtplib, msmtp, nodemailer];

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}
