import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import type { TestContext } from "vitest";

/** A program of somebody else's that speaks SMTP, or helps to. */
export interface Tool {
  readonly name: string;
  /** Packages of Debian that have it. */
  readonly packages: string;
  /** A command that works only if the tool is there and can do what the tests ask of it. */
  readonly probe: readonly string[];
  /** What the probe prints then; default: anything. */
  readonly prints?: RegExp;
}

/**
 * Skips a test if one of its tools is missing, and says how to get it; with SANSMTP_REQUIRE_CLIENTS=1 the test
 * fails in the same words.
 */
export function requireTools(tools: readonly Tool[], skip: TestContext["skip"]): void {
  for (const tool of tools) {
    const missing = missingTools.get(tool) ?? explained(tool);
    missingTools.set(tool, missing);
    if (missing === "") continue;
    if (process.env.SANSMTP_REQUIRE_CLIENTS === "1") throw new Error(missing);
    skip(missing);
  }
}

/** What a program has printed, and how it ended. */
export interface Ran {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly text: string;
  readonly stdout: string;
}

/** Runs a program to its end, which must come within the time. */
export async function run(command: string, given: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const seconds = options.seconds ?? 20;
  const child = spawn(command, given, { env: environment, stdio: "pipe" });
  const ran = { code: null as number | null, text: "", stdout: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    ran.text += text;
    ran.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    ran.text += text;
  });
  // A client that has heard enough closes its input.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, seconds * 1000);
  try {
    [ran.code] = (await once(child, "close")) as [number | null];
  } finally {
    clearTimeout(timer);
  }
  if (late) throw new Error(`${command} took more than ${seconds} seconds, and had printed:\n${ran.text}`);
  return ran;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly seconds?: number;
}

/** No proxy and no configuration of the person who runs the tests; arguments are UTF-8. */
export const environment: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? "",
  HOME: tmpdir(),
  LC_ALL: "C.UTF-8",
};

/** What is missing for each tool that was looked for; the empty text if it is there. */
const missingTools = new Map<Tool, string>();

function explained({ name, packages, probe: [command, ...given], prints }: Tool): string {
  const { error, status, stdout, stderr } = spawnSync(command!, given, {
    env: environment,
    encoding: "utf8",
    timeout: 20_000,
  });
  // Usage texts come with any code.
  const present = error === undefined && (prints === undefined ? status === 0 : prints.test(stdout + stderr));
  if (present) return "";
  const text = `${name} is missing: apt-get install ${packages}`;
  // The usual report of vitest counts what is skipped, but does not say why.
  console.warn(`Tests are skipped because ${text}`);
  return text;
}
