import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { installed } from "./examples.ts";
import { packages, type RuntimeName, root } from "./packages.ts";
import { packedManifest, serveRegistry } from "./registry.ts";
import { caches, programs } from "./runtimes.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The tarball of each package, by its name. */
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
export default async function setup({ provide }: TestProject): Promise<() => void> {
  const temporary = mkdtempSync(join(tmpdir(), "sansmtp-packaging-"));
  const remove = () => rmSync(temporary, { recursive: true });
  try {
    const consumers = join(temporary, "consumers");
    const tarballs = await pack(join(temporary, "packed"));
    await installAll(consumers, tarballs);
    provide("tarballs", tarballs);
    provide("consumers", consumers);
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

/** The tarballs, by the names of the packages. */
async function pack(folder: string): Promise<Record<string, string>> {
  mkdirSync(folder);
  await pnpm("run", "build");
  await pnpm("pack", "--pack-destination", folder);
  const paths = readdirSync(folder).map((file) => join(folder, file));
  return Object.fromEntries(paths.map((path) => [packedManifest(path).name, path]));
}

async function installAll(consumers: string, tarballs: Readonly<Record<string, string>>): Promise<void> {
  const registry = await serveRegistry(Object.values(tarballs));
  const installInto = async (runtime: RuntimeName) => {
    for (const { folder, path, manifest } of packages) {
      if (!(runtime in manifest.engines)) continue;
      // A name without a scope would be looked for in the registry of all others.
      const names = installed(path, manifest).map((name) =>
        name === "sansmtp" ? String(tarballs[name]) : name,
      );
      await install(names, runtime, join(consumers, folder, runtime), registry.url, caches(consumers));
    }
  };
  try {
    await Promise.all((Object.keys(installers) as RuntimeName[]).map(installInto));
  } finally {
    registry.close();
  }
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
  names: string[],
  runtime: RuntimeName,
  cwd: string,
  registry: string,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  mkdirSync(cwd, { recursive: true });
  if (runtime === "deno") writeFileSync(join(cwd, "deno.json"), "{}");
  else writeFileSync(join(cwd, "package.json"), '{ "private": true, "type": "module" }');
  writeFileSync(join(cwd, ".npmrc"), `@sansmtp:registry=${registry}\n`);
  const [program = "", ...rest] = installers[runtime](names);
  await run(program, rest, { cwd, env, timeout: 60_000 }).catch(tell);
}

/** What a command has printed says more than that it failed. */
function tell(error: Error & { stdout?: string; stderr?: string }): never {
  throw new Error(`${error.message}\n${error.stdout ?? ""}`, { cause: error });
}
