import { once } from "node:events";
import type { Failure, Outcome, ReceivedReply } from "@sansmtp/core";
import { ConnectError, connect } from "@sansmtp/node";
import SMTPConnection from "nodemailer/lib/smtp-connection";
import type { Message, Script } from "./script.ts";

/**
 * What a caller is told, in words that both clients can be put in. `temporary`: it may be sent again. `refused`: it may
 * not. `unknown`: it may have arrived. `local`: it was not sent, for a reason of the client's own.
 */
export type Verdict = "accepted" | "refused" | "temporary" | "unknown" | "local";

export interface Told {
  /** Null: messages could be sent. */
  readonly failure: Verdict | null;
  /** Its reason, in the client's own words. */
  readonly why: string;
  readonly messages: readonly {
    /** For each recipient. */
    readonly verdicts: readonly Verdict[];
    readonly whys: readonly string[];
    /** The connection was good for another message. */
    readonly open: boolean;
  }[];
}

/** Sends the messages of a script to a server. `patience`: milliseconds without a reply that is due. */
export type Sender = (script: Script, port: number, ca: string, patience: number) => Promise<Told>;

const name = "client.example.net";
const credentials = { user: "me", pass: "secret" };

export const ours: Sender = async (script, port, ca, patience) => {
  const times = [
    "greeting",
    "other",
    "mail",
    "rcpt",
    "dataInit",
    "dataBlock",
    "dataDone",
    "chunk",
    "tls",
  ] as const;
  const timers = { ...Object.fromEntries(times.map((timer) => [timer, patience])), quit: patience };
  const messages: Told["messages"][number][] = [];
  try {
    const client = await connect({
      ...{ host: "127.0.0.1", port, name, timers },
      ...{ protocol: script.protocol, tls: script.tls, chunking: script.chunking, validatedHost: true },
      tlsOptions: { ca, servername: "localhost", rejectUnauthorized: true },
      ...(script.auth ? { auth: credentials, allowInsecureAuth: true } : {}),
      onError: () => {},
    });
    for (const message of script.messages) {
      const { from, to, content, dsn, requireTls } = message;
      const { outcomes } = await client.send({
        from,
        to: to.map((each) =>
          dsn === null || dsn.notify.length === 0 ? each : { to: each, notify: dsn.notify },
        ),
        body: Buffer.from(content, "latin1"),
        ...(dsn?.ret ? { ret: dsn.ret } : {}),
        ...(dsn?.envid ? { envid: dsn.envid } : {}),
        ...(requireTls ? { requireTls } : {}),
      });
      const told = outcomes.map(outcomeOf);
      messages.push({
        verdicts: told.map(({ verdict }) => verdict),
        whys: told.map(({ why }) => why),
        open: client.open,
      });
    }
    await client.quit();
    return { failure: null, why: "", messages };
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error;
    const { code, reply } = error;
    return {
      failure: reply === null ? ofFailure(code) : ofCode(reply.code),
      why: `${code} ${reply?.code ?? ""}`,
      messages,
    };
  }
};

function outcomeOf(outcome: Outcome): { verdict: Verdict; why: string } {
  switch (outcome.status) {
    case "accepted":
      return { verdict: "accepted", why: String(outcome.reply.code) };
    case "unknown":
      return { verdict: "unknown", why: outcome.reason };
    case "notTried": {
      const reason: ReceivedReply | Failure = outcome.reason;
      const { code } = reason;
      // A reply to something else is no verdict on the message.
      return { verdict: typeof code === "number" ? "temporary" : ofFailure(code), why: `notTried ${code}` };
    }
    default:
      return {
        verdict: outcome.status === "refused" ? "refused" : "temporary",
        why: String(outcome.reply.code),
      };
  }
}

function ofCode(code: number): Verdict {
  return code >= 500 ? "refused" : "temporary";
}

/** Failures of the connection or of the server's, behind which it is worth while to try again. */
function ofFailure(code: Failure["code"]): Verdict {
  return /^(?:unreachable|lost|ended|timeout|no-greeting|closed|closed-by-server|not-smtp|reply-|tls-refused|tls-failed|tls-injection)/.test(
    code,
  )
    ? "temporary"
    : "local";
}

interface Sendable {
  readonly from: string;
  readonly to: string[];
}

interface Connection {
  readonly allowsAuth: boolean;
  readonly destroyed: boolean;
  connect(done: (error?: MailerError) => void): void;
  login(auth: object, done: (error?: MailerError | null) => void): void;
  send(envelope: Sendable, content: Buffer, done: (error: MailerError | null, info?: Info) => void): void;
  quit(): void;
  close(): void;
  on(event: string, listener: (error: MailerError) => void): this;
}

interface MailerError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly recipient?: string;
  readonly responseCode?: number;
  readonly permanent?: boolean;
  readonly rejectedErrors?: readonly MailerError[];
}

interface Info {
  readonly accepted: readonly string[];
  readonly rejectedErrors?: readonly MailerError[];
}

/** As the transport of nodemailer goes about it, with several messages on a connection. */
export const nodemailer: Sender = async (script, port, ca, patience) => {
  const connection: Connection = new SMTPConnection({
    ...{ host: "127.0.0.1", servername: "localhost", port, name, lmtp: script.protocol === "lmtp" },
    ignoreTLS: script.tls === "never",
    opportunisticTLS: script.tls === "offered",
    requireTLS: script.tls === "required",
    tls: { ca },
    ...{
      greetingTimeout: patience,
      socketTimeout: patience,
      connectionTimeout: 10_000,
      socketCloseTimeout: 200,
    },
  });
  const messages: Told["messages"][number][] = [];
  const ended = once(connection as never, "end").catch(() => {});
  let failed: (error: MailerError) => void = () => {};
  connection.on("error", (error) => failed(error));
  const failure = await new Promise<MailerError | null>((resolve) => {
    failed = resolve;
    ended.then(() => resolve(Object.assign(new Error("the connection has ended"), { code: "ECONNECTION" })));
    connection.connect((error) => {
      if (error) resolve(error);
      else if (!script.auth || !connection.allowsAuth) resolve(null);
      else connection.login({ ...credentials }, (error) => resolve(error ?? null));
    });
  });
  if (failure !== null) {
    connection.close();
    return { failure: ofError(failure), why: wordsOf(failure), messages };
  }
  for (const message of script.messages) {
    messages.push(await send(connection, message));
  }
  if (!connection.destroyed) {
    connection.quit();
    const timer = setTimeout(() => connection.close(), patience);
    await ended;
    clearTimeout(timer);
  }
  return { failure: null, why: "", messages };
};

async function send(connection: Connection, message: Message): Promise<Told["messages"][number]> {
  const { from, to, content, dsn, requireTls } = message;
  const envelope = {
    from: from ?? "",
    to: [...to],
    use8BitMime: /[\x80-\xff]/.test(content),
    // With the CRLF that ends it on the wire (RFC 1870 §5), as ours counts.
    size: content.length + (content.endsWith("\r\n") ? 0 : 2),
    ...(dsn === null ? {} : { dsn: { ret: dsn.ret, envid: dsn.envid, notify: dsn.notify.join(",") } }),
    ...(requireTls ? { requireTLSExtensionEnabled: true } : {}),
  };
  const { error, info } = await new Promise<{ error: MailerError | null; info: Info | undefined }>(
    (resolve) =>
      connection.send(envelope, Buffer.from(content, "latin1"), (error, info) =>
        resolve({ error: error ?? null, info }),
      ),
  );
  // It tells of a 421 before it closes.
  await new Promise((resolve) => setImmediate(resolve));
  const each = error?.rejectedErrors ?? info?.rejectedErrors ?? [];
  const told = to.map((recipient): { verdict: Verdict; why: string } => {
    const own = each.find((candidate) => candidate.recipient === recipient) ?? error;
    if (own !== null) return { verdict: ofError(own), why: wordsOf(own) };
    return info?.accepted.includes(recipient)
      ? { verdict: "accepted", why: "" }
      : { verdict: "temporary", why: "neither accepted nor rejected" };
  });
  return {
    verdicts: told.map(({ verdict }) => verdict),
    whys: told.map(({ why }) => why),
    open: !connection.destroyed,
  };
}

/** As nodemailer itself takes its errors: `permanent` says that the same message would be refused again. */
function ofError({ permanent, responseCode, command, code }: MailerError): Verdict {
  if (permanent) return "refused";
  if (responseCode !== undefined) return "temporary";
  const local = command === "API" || code === "EMESSAGE" || code === "EREQUIRETLS" || code === "EENVELOPE";
  return local && code !== "ECONNECTION" ? "local" : "temporary";
}

function wordsOf({ code, command, responseCode, message }: MailerError): string {
  return `${code} ${command} ${responseCode ?? message.slice(0, 60)}`;
}
