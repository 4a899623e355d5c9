import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { generate } from "selfsigned";
import { bunProgram, denoProgram } from "../test/runtimes/programs.ts";
import { Child, serverCore } from "./processes.ts";
import type { Serve } from "./programs/control.ts";

/** Where test/servers/install has unpacked Postfix and aiosmtpd. */
export const root: string =
  process.env.SANSMTP_SERVERS ??
  fileURLToPath(new URL("../node_modules/.cache/sansmtp-servers", import.meta.url));

/** What is made for the benches. */
const cache = fileURLToPath(new URL("../node_modules/.cache/sansmtp-bench/", import.meta.url));
const programs = join(cache, "programs");

/** How a server is started. */
export interface Started {
  readonly child: Child;
  readonly port: number;
}

/** A server that is loaded. */
export interface Subject {
  readonly name: string;
  /** Why it cannot be had here; null: it can. */
  missing(): string | null;
  start(how?: Starting): Promise<Started>;
  /** It can do TLS from the first octet. */
  readonly tls: boolean;
  /** Messages that it is given, as a part of what the fast ones are. */
  readonly share: number;
  /** The most connections that it can hold. */
  readonly connections?: number;
}

export interface Starting {
  readonly tls?: Serve["tls"];
  readonly core?: number | null;
  /** It can be told to collect garbage. */
  readonly collects?: boolean;
  /** The most that V8's young generation may take, MiB; it grows while connections are made. For Node alone. */
  readonly young?: number;
  /** See {@link Serve.spin}. */
  readonly spin?: number;
  /** The port is shared with others that do so; 0 chooses it. Only ours can. */
  readonly shared?: number;
}

/** How a bundle is run by each runtime; null: it is not installed. */
export const runtimes: Readonly<
  Record<"Node" | "Bun" | "Deno", (collects: boolean) => readonly string[] | null>
> = {
  Node: (collects) => [process.execPath, ...(collects ? ["--expose-gc"] : [])],
  Bun: () => {
    const program = bunProgram();
    return program === null ? null : [program];
  },
  Deno: (collects) => {
    const program = denoProgram();
    const flags = collects ? ["--v8-flags=--expose-gc"] : [];
    return program === null
      ? null
      : [program, "run", "--no-prompt", "--no-check", "--allow-all", "--node-modules-dir=manual", ...flags];
  },
};

type RuntimeName = keyof typeof runtimes;

let bundled: Promise<unknown> | undefined;

/** Bundles the programs for all runtimes, once, and gives the place of one. */
export async function programOf(name: string): Promise<string> {
  bundled ??= bundle();
  await bundled;
  return join(programs, `${name}.js`);
}

const names = [
  ...["floor-node", "floor-bun", "floor-deno", "ours-node", "ours-bun", "ours-deno", "smtp-server"],
  ...["load", "sender", "session", "cluster"],
];

async function bundle(): Promise<void> {
  const entries = names.map((name) => fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url)));
  await build({
    entryPoints: entries.filter(existsSync),
    outdir: programs,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@sansmtp/source"],
    external: ["smtp-server", "nodemailer"],
    logLevel: "warning",
  });
  writeFileSync(join(programs, "package.json"), '{ "type": "module" }');
}

function program(name: string, runtime: RuntimeName, file: string, share = 1): Subject {
  return {
    name,
    tls: true,
    share,
    missing: () => (runtimes[runtime](false) === null ? `${runtime} is not installed here` : null),
    async start({ tls = null, core = serverCore, collects = false, young, shared, spin } = {}) {
      const given = JSON.stringify({ tls, shared, spin });
      const flags = young === undefined ? [] : [`--max-semi-space-size=${young}`];
      const command = [...runtimes[runtime](collects)!, ...flags, await programOf(file), given];
      const child = new Child(name, core, command);
      const { port } = await child.answer<{ port: number }>();
      return { child, port };
    },
  };
}

/** A server that is told its port and says nothing. */
function silent(
  name: string,
  share: number,
  missing: () => string | null,
  command: (port: number) => readonly string[] | Promise<readonly string[]>,
  connections = 100_000,
): Subject {
  return {
    name,
    tls: false,
    share,
    connections,
    missing,
    async start({ core = serverCore } = {}) {
      const port = await freePort();
      const child = new Child(name, core, await command(port));
      await child.listening(port);
      return { child, port };
    },
  };
}

const inRoot = (path: string) => (): string | null =>
  existsSync(join(root, path))
    ? null
    : `${path} is not in ${root}: run test/servers/install FOLDER as root on Debian, and say SANSMTP_SERVERS=FOLDER`;

/** All, each runtime's floor in front of ours. */
export const servers: readonly Subject[] = [
  program("floor on Node", "Node", "floor-node"),
  program("sansmtp on Node", "Node", "ours-node"),
  program("smtp-server on Node", "Node", "smtp-server"),
  program("floor on Bun", "Bun", "floor-bun"),
  program("sansmtp on Bun", "Bun", "ours-bun"),
  program("smtp-server on Bun", "Bun", "smtp-server"),
  program("floor on Deno", "Deno", "floor-deno"),
  program("sansmtp on Deno", "Deno", "ours-deno"),
  program("smtp-server on Deno", "Deno", "smtp-server"),
  silent("smtp-sink", 1, inRoot("usr/sbin/smtp-sink"), (port) => sink(port), 256),
  silent("go-smtp", 1, goMissing, (port) => [goBinary, String(port)]),
  silent("aiosmtpd", 0.2, inRoot("usr/lib/python3/dist-packages/aiosmtpd/smtp.py"), (port) => {
    mkdirSync(join(root, "tmp"), { recursive: true });
    cpSync(
      fileURLToPath(new URL("programs/aiosmtpd_discard.py", import.meta.url)),
      join(root, "tmp/aiosmtpd_discard.py"),
    );
    return ["chroot", root, "/usr/bin/python3", "/tmp/aiosmtpd_discard.py", String(port)];
  }),
  silent("Haraka", 0.2, harakaMissing, harakaCommand),
];

/** Those that can do TLS; in Deno ours is on the sockets of Node, so that it has a second floor. */
export const secureServers: readonly Subject[] = servers
  .filter(({ tls }) => tls)
  .flatMap((server) =>
    server.name === "sansmtp on Deno"
      ? [program("floor of Node's sockets on Deno", "Deno", "floor-node"), server]
      : [server],
  );

export function sink(port: number): readonly string[] {
  return ["chroot", root, "/usr/sbin/smtp-sink", "-u", "nobody", `127.0.0.1:${port}`, "1000"];
}

/** The command of smtp-source, up to its options; null: it is not there. */
export function source(): readonly string[] | null {
  const path = "/usr/sbin/smtp-source";
  return existsSync(join(root, path)) ? ["chroot", root, path] : null;
}

const goBinary = join(cache, "go-smtp");
let goReason: string | null | undefined;

function goMissing(): string | null {
  if (goReason === undefined) goReason = buildGo();
  return goReason;
}

/** Against what Debian has of it. */
function buildGo(): string | null {
  mkdirSync(cache, { recursive: true });
  const source = fileURLToPath(new URL("programs/go/main.go", import.meta.url));
  const { error, status, stderr } = spawnSync("go", ["build", "-o", goBinary, source], {
    env: { ...process.env, GO111MODULE: "off", GOPATH: "/usr/share/gocode" },
    encoding: "utf8",
  });
  if (status === 0) return null;
  const packages = ["golang-go", "golang-github-emersion-go-smtp-dev", "golang-github-emersion-go-sasl-dev"];
  return `it does not build (${(error?.message ?? stderr).trim()}): install ${packages.join(", ")} of Debian`;
}

export const harakaVersion = "3.3.4";
const haraka = join(cache, `haraka-${harakaVersion}`);
let harakaReason: string | null | undefined;

/** It is large and used nowhere else, so it is fetched when it is first run, and kept. */
function harakaMissing(): string | null {
  if (harakaReason !== undefined) return harakaReason;
  if (!existsSync(join(haraka, "node_modules/Haraka/package.json"))) {
    mkdirSync(haraka, { recursive: true });
    writeFileSync(join(haraka, "package.json"), '{ "private": true }');
    const given = ["install", "--no-audit", "--no-fund", "--omit=dev", "--omit=optional"];
    const { status, stderr } = spawnSync("npm", [...given, `Haraka@${harakaVersion}`], {
      cwd: haraka,
      encoding: "utf8",
    });
    if (status !== 0) {
      harakaReason = `npm cannot install it: ${stderr.trim().split("\n").at(-1)}`;
      return harakaReason;
    }
  }
  harakaReason = null;
  return harakaReason;
}

function harakaCommand(port: number): readonly string[] {
  const folder = join(haraka, "bench");
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("package.json", '{ "private": true }');
  write("config/smtp.ini", `listen=127.0.0.1:${port}\nnodes=0\nuser=root\n`);
  write("config/me", "mx.example.com\n");
  write("config/plugins", "take_all\n");
  // Its own one, without which it does not start.
  cpSync(join(haraka, "node_modules/Haraka/config/connection.ini"), join(folder, "config/connection.ini"));
  write("config/loglevel", "EMERG\n");
  write(
    "plugins/take_all.js",
    "exports.hook_rcpt = (next) => next(OK);\nexports.hook_queue = (next) => next(OK);\n",
  );
  return [process.execPath, join(haraka, "node_modules/Haraka/bin/haraka"), "-c", folder];
}

/** The versions of what is no package of this workspace. */
export function peerVersions(): Record<string, string> {
  const versions: Record<string, string> = {};
  const postfix = postfixVersion();
  if (postfix !== null) versions.Postfix = postfix;
  if (goMissing() === null) {
    const { stdout } = spawnSync("dpkg-query", ["-s", "golang-github-emersion-go-smtp-dev"], {
      encoding: "utf8",
    });
    versions["go-smtp"] = /^Version: ([\d.]+)/m.exec(stdout)?.[1] ?? "unknown";
    versions.Go = /\d+(\.\d+)+/.exec(spawnSync("go", ["version"], { encoding: "utf8" }).stdout)?.[0] ?? "";
  }
  const aiosmtpd = join(root, "usr/lib/python3/dist-packages/aiosmtpd/__init__.py");
  if (existsSync(aiosmtpd))
    versions.aiosmtpd = /__version__ = "([^"]+)"/.exec(readFileSync(aiosmtpd, "utf8"))?.[1] ?? "unknown";
  if (existsSync(join(haraka, "node_modules/Haraka"))) versions.Haraka = harakaVersion;
  return versions;
}

function postfixVersion(): string | null {
  if (!existsSync(join(root, "usr/sbin/postconf"))) return null;
  const { stdout } = spawnSync("chroot", [root, "/usr/sbin/postconf", "-d", "-h", "mail_version"], {
    encoding: "utf8",
  });
  return stdout.trim() || null;
}

/** A key and a certificate that nobody has vouched for. */
export async function pair(): Promise<{ key: string; cert: string }> {
  const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
  });
  return { key, cert };
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
