import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RuntimeCapabilities } from "@sansmtp/drive";
import { capabilities as bun } from "../../packages/bun/src/capabilities.ts";
import { capabilities as deno } from "../../packages/deno/src/capabilities.ts";
import { capabilities as node } from "../../packages/node/src/capabilities.ts";

/** A runtime in which the suite runs. */
export interface Runtime {
  readonly name: string;
  /** What its adapter says that it can do. */
  readonly capabilities: RuntimeCapabilities;
  /** The program; null: it is not installed. The real one: signals do not reach it through a wrapper. */
  readonly program: string | null;
  /** Arguments in front of the starter. */
  readonly given: readonly string[];
  /** The file in `starters`. Those that cannot run TypeScript are given a bundle. */
  readonly starter: string;
  readonly bundled: boolean;
}

/** What Deno has to allow: the README of the adapter says so. Unix sockets need `read` and `write`. */
const permissions = ["--allow-net", "--allow-read", "--allow-write"];

/** In the order of the table. */
export const runtimes: readonly Runtime[] = [
  ...["Node 20", "Node 22", "Node 24", "Node 26"].map((name): Runtime => {
    const host = name === `Node ${process.versions.node.split(".")[0]}`;
    const program = host ? process.execPath : installed(name.replace("Node ", "node"), "bin/node");
    return { name, capabilities: node, program, given: [], starter: "node", bundled: true };
  }),
  {
    name: "Deno",
    capabilities: deno,
    program: denoProgram(),
    given: [
      "run",
      "--no-prompt",
      "--conditions=@sansmtp/source",
      "--node-modules-dir=manual",
      ...permissions,
    ],
    starter: "deno",
    bundled: false,
  },
  {
    name: "Bun",
    capabilities: bun,
    program: bunProgram(),
    given: ["--conditions=@sansmtp/source"],
    starter: "bun",
    bundled: false,
  },
];

/** Why it is not run. */
export function missing({ name }: Runtime): string {
  return `${name} is not installed here: packages of npm have it for Linux on x64`;
}

/** What is in the package for this system, or where the installation has moved it to from there. */
export function bunProgram(): string | null {
  return (
    installed("bun", `@oven/bun-${process.platform}-${process.arch}`, "bin/bun") ??
    installed("bun", "bin/bun.exe")
  );
}

/** What is in the package for this system; the `deno` of npm is a wrapper around it. */
export function denoProgram(): string | null {
  const { platform, arch } = process;
  const system = { linux: "linux", darwin: "darwin", win32: "win32" }[platform as string];
  const name = `@deno/${system}-${arch}${system === "linux" ? "-glibc" : ""}`;
  return installed("deno", name, system === "win32" ? "deno.exe" : "deno");
}

/** A file in a package that came with a runtime, seen from the packages on the way. */
function installed(...way: readonly string[]): string | null {
  let from = import.meta.url;
  const file = way.at(-1)!;
  try {
    for (const name of way.slice(0, -1)) from = createRequire(from).resolve(`${name}/package.json`);
  } catch {
    return null;
  }
  const found = join(dirname(fileURLToPath(new URL(from, "file:"))), file);
  return existsSync(found) ? found : null;
}
