import { readFile } from "node:fs/promises";
import { parseAddress } from "@sansmtp/core";
import {
  type Client,
  type ClientObserver,
  ConnectError,
  type ConnectOptions,
  type Credentials,
  connect,
  type Sent,
} from "@sansmtp/node";
import { type Command, InvalidArgumentError, Option } from "commander";
import pico from "picocolors";
import { read } from "../content.ts";
import { Dialogue, type Said } from "../dialogue.ts";
import { ExitError, systemCode } from "../exit.ts";
import { count, domain, each, port } from "../options.ts";
import { exitOf, exitOfFailure, json, table } from "../outcomes.ts";
import { Progress } from "../progress.ts";
import { visibleText } from "../visible.ts";

/** Adds `sansmtp send` to the program. */
export function send(program: Command): void {
  program
    .command("send")
    .summary("send a message to a server, and tell what became of it")
    .description("Sends a message to a server, and tells what became of it for each recipient.")
    .argument("[file]", "the message, header and all, as it is to arrive (default: the standard input)")
    .optionsGroup("From and to whom:")
    .requiredOption("--from <address>", "the sender; <> for none", sender)
    .requiredOption("--to <address>", "a recipient; repeatable", each(recipient))
    .optionsGroup("Where to:")
    .option("--host <name>", "name or address of the server (default: this machine)")
    .option("-p, --port <number>", "TCP port (default: 2525 on this machine; 465, 587 or 25 elsewhere)", port)
    .addOption(
      new Option("--socket <path>", "a Unix socket in the place of a port").conflicts(["port", "host"]),
    )
    .optionsGroup("TLS and AUTH:")
    .addOption(
      new Option("--tls <mode>", "when to use TLS").choices(["never", "offered", "required", "implicit"]),
    )
    .option("--ca <file>", "whom to believe, in PEM, in the place of the system's authorities")
    .option("--insecure", "believe any certificate")
    .option("--user <name>", "authenticate by this name")
    .option("--password-file <file>", "the password is the first line of this file")
    .addOption(
      new Option("--password-env <variable>", "the password is in this variable").conflicts("passwordFile"),
    )
    .option("--allow-insecure-auth", "say the password without TLS, too")
    .optionsGroup("How to speak:")
    .option("--name <domain>", "what the client calls itself (default: the name of this machine)", domain)
    .option("--lmtp", "speak LMTP in the place of SMTP")
    .addOption(
      new Option("--line-ends <policy>", "CR or LF alone: an error, or made to CR LF")
        .choices(["strict", "normalize"])
        .default("normalize"),
    )
    .option("--8bit", "the message has 8-bit text (found out below 32 MB)")
    .option("--utf8", "its header has UTF-8 (found out below 32 MB)")
    .option(
      "--timeout <seconds>",
      "the longest wait for the connection and for each reply but the verdict",
      count,
    )
    .optionsGroup("What to print:")
    .option("--show-dialogue", "print what is said, to the standard error")
    .option("--json", "print one JSON object instead of text")
    .addOption(new Option("-q, --quiet", "print nothing but errors").conflicts("json"))
    .optionsGroup("Other:")
    .addHelpText("after", examples)
    .action(run);
}

const examples = `
Examples:
  $ sansmtp send --from me@example.net --to you@example.com message.eml       to "sansmtp serve"
  $ printf 'Subject: hello\\n\\nIt works.\\n' | sansmtp send --from me@example.net --to you@example.com
  $ sansmtp send --host mail.example.com --user me --password-file secret --from ... --to ... message.eml
`;

/** What commander makes of the options. */
interface SendOptions {
  readonly from: string;
  readonly to: readonly string[];
  readonly host?: string;
  readonly port?: number;
  readonly socket?: string;
  readonly tls?: "never" | "offered" | "required" | "implicit";
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly user?: string;
  readonly passwordFile?: string;
  readonly passwordEnv?: string;
  readonly allowInsecureAuth?: boolean;
  readonly name?: string;
  readonly lmtp?: boolean;
  readonly lineEnds: "strict" | "normalize";
  readonly "8bit"?: boolean;
  readonly utf8?: boolean;
  readonly timeout?: number;
  readonly showDialogue?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

async function run(file: string | undefined, options: SendOptions): Promise<void> {
  const where = { ...place(options), ...(await security(options)), ...protocol(options) };
  const content = await read(file);
  const progress = progressOf(options, content.size);
  const signal = interruption();
  const client = await dial({ ...where, signal, observe: observer(options, progress) });
  let sent: Sent;
  try {
    sent = await client.send({
      from: options.from === "" ? null : options.from,
      to: options.to,
      body: content.body,
      signal,
      ...(options["8bit"] === true ? { bodyType: "8BITMIME" } : {}),
      ...(options.utf8 === true ? { smtputf8: true } : {}),
    });
  } finally {
    progress?.end();
    await client.quit();
  }
  if (options.json === true) process.stdout.write(json(options.to, sent));
  else if (options.quiet !== true) process.stdout.write(table(options.to, sent));
  const exit = exitOf(sent);
  if (exit !== null) throw new ExitError(exit.reason, exit.message);
}

/** @throws {ExitError} that says what is in the way */
async function dial(options: ConnectOptions): Promise<Client> {
  try {
    return await connect(options);
  } catch (error) {
    if (options.signal?.aborted) throw new ExitError("temporary", "interrupted, nothing was sent");
    if (!(error instanceof ConnectError)) throw error;
    const noHost = ["ENOTFOUND", "EAI_AGAIN"].includes(systemCode(error.cause) ?? "");
    const reason = noHost ? "noHost" : exitOfFailure(error.code, error.reply?.code ?? null);
    throw new ExitError(reason, visibleText(error.message));
  }
}

function place({ host, port, socket, tls, user }: SendOptions): ConnectOptions {
  if (socket !== undefined) return { path: socket };
  const here = host === undefined || /^(localhost|127\..*|::1)$/i.test(host);
  const usual = here ? 2525 : tls === "implicit" ? 465 : user === undefined ? 25 : 587;
  return { host: host ?? "127.0.0.1", port: port ?? usual };
}

async function security(options: SendOptions): Promise<ConnectOptions> {
  const { tls, ca, insecure, allowInsecureAuth } = options;
  const auth = await credentials(options);
  return {
    ...(tls === undefined ? {} : { tls }),
    ...(auth === null ? {} : { auth }),
    allowInsecureAuth: allowInsecureAuth === true,
    tlsOptions: {
      ...(ca === undefined ? {} : { ca: await fileOf(ca) }),
      ...(insecure === true ? { rejectUnauthorized: false } : {}),
    },
  };
}

async function credentials({ user, passwordFile, passwordEnv }: SendOptions): Promise<Credentials | null> {
  const password = passwordFile !== undefined || passwordEnv !== undefined;
  if ((user !== undefined) !== password)
    throw new ExitError("usage", "--user belongs together with --password-file or --password-env");
  if (user === undefined) return null;
  const text =
    passwordFile === undefined ? (process.env[passwordEnv as string] ?? "") : await fileOf(passwordFile);
  const [pass = ""] = text.split(/\r?\n/);
  if (pass === "") throw new ExitError("usage", `there is no password in ${passwordFile ?? passwordEnv}`);
  return { user, pass };
}

function protocol({ name, lmtp, lineEnds, timeout }: SendOptions): Partial<ConnectOptions> {
  const span = (timeout ?? 0) * 1000;
  return {
    ...(name === undefined ? {} : { name }),
    protocol: lmtp === true ? "lmtp" : "smtp",
    lineEnds,
    ...(timeout === undefined
      ? {}
      : {
          connectTimeout: span,
          // But not dataDone: to give up a verdict early is how messages come twice (RFC 1047).
          timers: {
            greeting: span,
            other: span,
            mail: span,
            rcpt: span,
            dataInit: span,
            tls: span,
            chunk: span,
          },
        }),
  };
}

function observer(options: SendOptions, progress: Progress | null): ClientObserver {
  const dialogue = options.showDialogue === true ? shown(options) : null;
  let content = false;
  return {
    receive: (octets) => dialogue?.server(octets),
    send: (octets) => {
      dialogue?.client(octets);
      if (content) progress?.add(octets.length);
    },
    event: ({ type }) => {
      content = type === "body" || (content && type !== "done");
      if (type === "done") progress?.end();
    },
  };
}

/** The dialogue, without secrets, line by line on the standard error. */
function shown({ lmtp }: SendOptions): Dialogue {
  const { stderr } = process;
  const paint = pico.createColors(stderr.isTTY === true && stderr.hasColors());
  return new Dialogue({ lmtp: lmtp === true, showContent: false }, (said: Said) => {
    const client = said.by !== "server";
    const line = "line" in said ? said.line : `(${said.octets.toLocaleString("en-US")} octets of content)`;
    const text = client ? `C: ${line}` : `S: ${line}`;
    const colour = client ? paint.cyan : /^[45]/.test(line) ? paint.red : paint.green;
    stderr.write(`${colour(text)}\n`);
  });
}

function progressOf({ json, quiet, showDialogue }: SendOptions, size: number | null): Progress | null {
  const { stderr } = process;
  const wanted = json !== true && quiet !== true && showDialogue !== true && stderr.isTTY === true;
  return wanted ? new Progress((text) => stderr.write(text), size) : null;
}

/** Aborted by the first SIGINT or SIGTERM; a second ends the program at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

async function fileOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new ExitError("noInput", `cannot read ${file}: ${(error as Error).message}`);
  }
}

/** The sender as text, empty for none: commander has no null. */
function sender(text: string): string {
  return text === "" || text === "<>" ? "" : recipient(text);
}

function recipient(text: string): string {
  if (/^postmaster$/i.test(text) || parseAddress(text, { utf8: true }) !== null) return text;
  throw new InvalidArgumentError("It must be an address such as someone@example.com.");
}
