import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { type BarePolicy, type Mailbox, parseDomain, type ServerConfig } from "@sansmtp/core";
import { createServer, type Place } from "@sansmtp/node";
import { type Command, Option } from "commander";
import { ExitError, systemCode } from "../exit.ts";
import { type Journal, jsonJournal, quietJournal, textJournal } from "../journal.ts";
import { listen, written } from "../listening.ts";
import { Maildir } from "../maildir.ts";
import { address, count, domain, each, greeting, login, port, size } from "../options.ts";
import { receiver } from "../receiver.ts";
import { Recordings, recorded } from "../recordings.ts";

/** Adds `sansmtp serve` to the program. */
export function serve(program: Command): void {
  program
    .command("serve")
    .summary("take mail, show the dialogue, keep the messages")
    .description(
      "Takes mail from any client, shows the dialogue as it goes on, and keeps the messages in a Maildir.",
    )
    .optionsGroup("Where to listen:")
    .option("-p, --port <number>", "TCP port; 0 takes one that is free", port, 2525)
    .option(
      "--host <address>",
      "address to listen on; at 127.0.0.1 only this machine can connect",
      "127.0.0.1",
    )
    .addOption(
      new Option("--socket <path>", "a Unix socket in the place of a port").conflicts(["port", "host"]),
    )
    .optionsGroup("What to keep, and where:")
    .option("-d, --directory <path>", "the Maildir; it is made if it is missing", "mail")
    .option("--max-size <octets>", "the largest message: 14680064 or 14M; 0 for any", size, 25 * 1024 * 1024)
    .option(
      "--accept <domain>",
      "take mail for this domain only; repeatable (default: any recipient)",
      each(domain),
    )
    .option("--reject <address>", "say 550 5.1.1 to this recipient; repeatable", each(address))
    .addOption(policy("--bare-lf <policy>", "LF without CR in a message"))
    .addOption(policy("--bare-cr <policy>", "CR without LF in a message"))
    .option("--count <number>", "exit when so many messages have been kept", count)
    .optionsGroup("How to speak:")
    .option("--name <domain>", "what the server calls itself (default: the name of this machine)", domain)
    .option("--banner <text>", "the text of the greeting; repeat it for more lines", each(greeting))
    .option("--lmtp", "speak LMTP in the place of SMTP")
    .option("--tls-key <file>", "offer STARTTLS, with this key in PEM")
    .option("--tls-cert <file>", "and its certificate, in PEM")
    .addOption(selfSigned)
    .addOption(
      new Option("--implicit-tls", "TLS from the first octet instead of STARTTLS").conflicts("requireTls"),
    )
    .option("--require-tls", "take mail inside TLS only")
    .option("--auth-user <name:password>", "offer AUTH, for this user; repeatable", each(login))
    .optionsGroup("What to print:")
    .option("--show-content", "print the messages, too")
    .option("--json", "print one JSON object a line instead of text")
    .addOption(new Option("-q, --quiet", "print nothing but errors").conflicts(["json", "showContent"]))
    .option("--record <directory>", 'write a recording of each connection, for "sansmtp replay"')
    .optionsGroup("Other:")
    .addHelpText("after", examples)
    .action(run);
}

function policy(flags: string, what: string): Option {
  return new Option(flags, what).choices(["reject", "normalize", "keep"]).default("reject");
}

const selfSigned = new Option(
  "--self-signed",
  "offer STARTTLS, with a certificate made for this run",
).conflicts(["tlsKey", "tlsCert"]);

const examples = `
Examples:
  $ sansmtp serve                              take any mail on 127.0.0.1:2525, keep it in ./mail
  $ sansmtp serve --port 0 --json              for a script: any port that is free, named in JSON
  $ sansmtp serve --self-signed                try a client with STARTTLS
  $ sansmtp serve --self-signed --auth-user me:secret        and with AUTH
  $ sansmtp serve --reject nobody@example.com  see what a client does when a recipient is refused
  $ sansmtp serve --lmtp --socket ./lmtp       as the last hop behind a mail server

Each message is a file in the folder "new" of the Maildir. Ctrl-C stops the server.
`;

/** What commander makes of the options. */
interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly socket?: string;
  readonly directory: string;
  readonly maxSize: number;
  readonly accept?: readonly string[];
  readonly reject?: readonly Mailbox[];
  readonly bareLf: BarePolicy;
  readonly bareCr: BarePolicy;
  readonly count?: number;
  readonly name?: string;
  readonly banner?: readonly string[];
  readonly lmtp?: boolean;
  readonly tlsKey?: string;
  readonly tlsCert?: string;
  readonly selfSigned?: boolean;
  readonly implicitTls?: boolean;
  readonly requireTls?: boolean;
  readonly authUser?: readonly { readonly user: string; readonly password: string }[];
  readonly showContent?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly record?: string;
}

async function run(options: ServeOptions): Promise<void> {
  checkTogether(options);
  const name = options.name ?? ownName();
  const tls = await certificate(options, name);
  const maildir = await openMaildir(options.directory);
  const journal = journalOf(options);
  const stop = stopper();
  let kept = 0;

  const config = protocol(options, name);
  const handlers = receiver(maildir, journal, {
    name,
    lmtp: options.lmtp === true,
    accept: options.accept ?? [],
    reject: options.reject ?? [],
    users: new Map(options.authUser?.map(({ user, password }) => [user, password])),
    showContent: options.showContent === true,
    onKept(connection) {
      if (++kept !== options.count) return;
      // The client may want to say QUIT.
      void Promise.race([connection.closed, delay(patience, null, { ref: false })]).then(stop.now);
    },
  });
  const server = createServer({
    ...config,
    ...(tls === null ? {} : { tlsOptions: { key: tls.key, cert: tls.cert } }),
    ...(options.record === undefined
      ? handlers
      : recorded(handlers, config, openRecordings(options.record), journal)),
  });

  const place: Place =
    options.socket === undefined ? { port: options.port, host: options.host } : { path: options.socket };
  const at = await listen(server, place);
  journal({
    event: "listening",
    address: written(at),
    port: "port" in at ? at.port : null,
    directory: maildir.directory,
    notes: notes(options, tls?.fingerprint ?? null),
  });
  await stop.asked;
  journal({ event: "stopping", open: server.connections.size });
  await server.close({ within: patience });
  stop.done();
}

/** Options that are right by themselves, and wrong in company. */
function checkTogether(options: ServeOptions): void {
  const { tlsKey, tlsCert, implicitTls, requireTls } = options;
  const wrong = (sentence: string): ExitError =>
    new ExitError("usage", `${sentence} (see: sansmtp serve --help)`);
  if ((tlsKey === undefined) !== (tlsCert === undefined)) {
    throw wrong("--tls-key and --tls-cert belong together: give both");
  }
  const tls = tlsKey !== undefined || options.selfSigned === true;
  if (!tls && (implicitTls === true || requireTls === true)) {
    const option = implicitTls === true ? "--implicit-tls" : "--require-tls";
    throw wrong(`${option} needs a certificate: give --tls-key and --tls-cert, or --self-signed`);
  }
  if (options.lmtp === true && options.socket === undefined && options.port === 25) {
    throw wrong("LMTP must not be spoken on port 25 (RFC 2033): give another --port");
  }
}

/** How the protocol goes, and all extensions on that a server can hold to which keeps mail and passes none on. */
function protocol(options: ServeOptions, name: string): ServerConfig {
  const { banner, bareLf, bareCr, maxSize } = options;
  const tls = options.tlsKey !== undefined || options.selfSigned === true;
  const use =
    options.implicitTls === true ? "implicit" : options.requireTls === true ? "required" : "offered";
  return {
    name,
    protocol: options.lmtp === true ? "lmtp" : "smtp",
    ...(banner === undefined ? {} : { banner }),
    tls: tls ? use : "none",
    ...(options.authUser === undefined ? {} : { mechanisms }),
    extensions: { smtputf8: true, binarymime: true },
    bareLf,
    bareCr,
    limits: { message: maxSize },
  };
}

/** What a client may want to try: a server that has the passwords can do them all. */
const mechanisms: readonly string[] = [
  "SCRAM-SHA-256-PLUS",
  "SCRAM-SHA-256",
  "SCRAM-SHA-1-PLUS",
  "SCRAM-SHA-1",
  "CRAM-MD5",
  "PLAIN",
  "LOGIN",
];

function ownName(): string {
  const name = hostname();
  return parseDomain(name) === null ? "localhost" : name;
}

interface Certificate {
  readonly key: string;
  readonly cert: string;
  /** Of a certificate that was made for this run, by which a person can tell it. */
  readonly fingerprint: string | null;
}

async function certificate(options: ServeOptions, name: string): Promise<Certificate | null> {
  const { tlsKey, tlsCert } = options;
  if (options.selfSigned === true) return (await import("../certificate.ts")).selfSigned(name);
  if (tlsKey === undefined || tlsCert === undefined) return null;
  const made: Certificate = { key: await pem(tlsKey), cert: await pem(tlsCert), fingerprint: null };
  const certified = attempt(() => new X509Certificate(made.cert), `${tlsCert} holds no certificate in PEM`);
  const key = attempt(
    () => createPrivateKey(made.key),
    `${tlsKey} holds no key in PEM, or one with a passphrase`,
  );
  if (!certified.checkPrivateKey(key)) {
    throw new ExitError("data", `the key in ${tlsKey} is not that of the certificate in ${tlsCert}`);
  }
  return made;
}

function attempt<T>(read: () => T, otherwise: string): T {
  try {
    return read();
  } catch {
    throw new ExitError("data", otherwise);
  }
}

async function pem(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new ExitError("noInput", `cannot read ${file}: ${reasonOf(error)}`);
  }
}

async function openMaildir(directory: string): Promise<Maildir> {
  try {
    return await Maildir.open(directory);
  } catch (error) {
    if (systemCode(error) === null) throw error;
    throw new ExitError("cannotCreate", `cannot keep mail in ${directory}: ${reasonOf(error)}`);
  }
}

function openRecordings(directory: string): Recordings {
  try {
    return new Recordings(directory);
  } catch (error) {
    if (systemCode(error) === null) throw error;
    throw new ExitError("cannotCreate", `cannot write recordings to ${directory}: ${reasonOf(error)}`);
  }
}

/** `EACCES: permission denied, mkdir '/x'`: the part in the middle. */
function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return /^[A-Z0-9]+: (.*?), /.exec(message)?.[1] ?? message;
}

function journalOf(options: ServeOptions): Journal {
  const { stdout, stderr } = process;
  if (options.quiet === true) return quietJournal((text) => stderr.write(text));
  const write = (text: string): void => void stdout.write(text);
  if (options.json === true) return jsonJournal(write);
  return textJournal(write, {
    // Of a terminal, Node knows what it can and whether NO_COLOR is set.
    colours: stdout.isTTY === true && stdout.hasColors(),
    columns: () => (stdout.isTTY === true ? stdout.columns : null),
  });
}

function notes(options: ServeOptions, fingerprint: string | null): string[] {
  const { accept = [] } = options;
  const made =
    accept.length === 0
      ? ["Any recipient is accepted; nothing is passed on."]
      : [`Mail is taken for ${accept.join(", ")} only.`];
  if (fingerprint !== null)
    made.push(`The certificate is made for this run; its SHA-256 fingerprint is ${fingerprint}`);
  const local = options.socket !== undefined || /^(localhost|127\..*|::1)$/i.test(options.host);
  if (!local) made.push("Anybody who can reach this address can fill the disk.");
  return made;
}

/** How long open transactions may take to end when the server is told to stop, in milliseconds. */
const patience = 5_000;

interface Stopper {
  /** Resolves when the program is to stop: by SIGINT, SIGTERM, or `now`. */
  readonly asked: Promise<void>;
  readonly now: () => void;
  /** It has stopped: signals mean what they mean by default. */
  readonly done: () => void;
}

/** A first signal asks to stop, a second ends the program at once. So does the end of whoever reads the output. */
function stopper(): Stopper {
  let now: () => void = () => {};
  const asked = new Promise<void>((resolve) => (now = resolve));
  const signals = ["SIGINT", "SIGTERM"] as const;
  let seen = false;
  const signalled = (_: NodeJS.Signals, number: number): void => {
    if (seen) process.exit(128 + number);
    seen = true;
    now();
  };
  for (const signal of signals) process.on(signal, signalled);
  process.stdout.on("error", now);
  const done = (): void => {
    for (const signal of signals) process.off(signal, signalled);
  };
  return { asked, now, done };
}
