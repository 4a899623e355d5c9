import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { installed } from "./examples.ts";
import { type Package, packages, type RuntimeName, root } from "./packages.ts";
import { packedManifest, serveRegistry } from "./registry.ts";
import { caches, programs } from "./runtimes.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A folder with the tarball of each package, by its name. */
    readonly tarballs: Readonly<Record<string, string>>;
    /** Where each package is installed alone: `consumers/<folder>/<runtime>`. */
    readonly consumers: string;
  }
}

const run = promisify(execFile);

/**
 * Once for all tests of this project: builds, packs, and installs each package into an empty project of each runtime
 * that it is for, by its name, with the runtime's own installer.
 *
 * All of the project takes about a minute on two free processors. Most of the time goes into declarations (tsup), so
 * there is one build, where each package reads the declarations of those below it; then into type checks, so TypeScript
 * runs once for each resolution and not for each package, and Deno checks examples only. Runtimes install side by side.
 * Each command has a limit: without a network this fails instead of waiting.
 */
export default async function setup(project: TestProject): Promise<() => void> {
  const temporary = mkdtempSync(join(tmpdir(), "sansmtp-packaging-"));
  const packed = join(temporary, "packed");
  const consumers = join(temporary, "consumers");
  mkdirSync(packed);
  await pnpm("run", "build");
  await pnpm("pack", "--pack-destination", packed);
  const tarballs = readdirSync(packed).map((file) => join(packed, file));
  project.provide("tarballs", Object.fromEntries(tarballs.map((path) => [packedManifest(path).name, path])));
  project.provide("consumers", consumers);

  const registry = await serveRegistry(tarballs);
  try {
    const runtimes = Object.keys(installers) as RuntimeName[];
    await Promise.all(
      runtimes.map(async (runtime) => {
        for (const each of packages) {
          if (runtime in each.manifest.engines)
            await install(each, runtime, consumers, registry.url, tarballs);
        }
      }),
    );
  } finally {
    registry.close();
  }
  return () => rmSync(temporary, { recursive: true });
}

/** In all packages, those that others depend on first. */
async function pnpm(...command: string[]): Promise<void> {
  await run("npx", ["-y", "pnpm@10", "--recursive", ...command], { cwd: root, timeout: 240_000 }).catch(tell);
}

/** How the people of a runtime add packages to a project. */
const installers: Readonly<Record<RuntimeName, (names: string[]) => string[]>> = {
  node: (names) => ["npm", "install", "--no-audit", "--no-fund", ...names],
  deno: (names) => [programs.deno, "add", ...names.map((name) => `npm:${name}`)],
  bun: (names) => [programs.bun, "add", ...names],
};

async function install(
  { folder, path, manifest }: Package,
  runtime: RuntimeName,
  consumers: string,
  registry: string,
  tarballs: readonly string[],
): Promise<void> {
  const cwd = join(consumers, folder, runtime);
  mkdirSync(cwd, { recursive: true });
  const project = runtime === "deno" ? "deno.json" : "package.json";
  writeFileSync(
    join(cwd, project),
    runtime === "deno" ? "{}" : JSON.stringify({ private: true, type: "module" }),
  );
  writeFileSync(join(cwd, ".npmrc"), `@sansmtp:registry=${registry}\n`);
  const names = installed(path, manifest).map((name) =>
    // A name without a scope would be looked for in the registry of all others.
    name.startsWith("@sansmtp/") || name !== manifest.name
      ? name
      : (tarballs.find((tarball) => packedManifest(tarball).name === name) as string),
  );
  const [program = "", ...rest] = installers[runtime](names);
  await run(program, rest, { cwd, env: caches(consumers), timeout: 60_000 }).catch(tell);
}

/** What a command has printed says more than that it failed. */
function tell(error: Error & { stdout?: string; stderr?: string }): never {
  throw new Error(`${error.message}\n${error.stdout ?? ""}`, { cause: error });
}
