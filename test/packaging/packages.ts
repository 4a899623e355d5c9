import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** What these tests read of a package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly type: string;
  readonly sideEffects?: boolean;
  /** The entry points: each with its source, for this workspace, and what is built. */
  readonly exports?: Readonly<Record<string, EntryPoint>>;
  readonly files: readonly string[];
  /** The runtimes that the package is for, each with the least version: every one of them is tested here. */
  readonly engines: Readonly<Partial<Record<RuntimeName, string>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface EntryPoint {
  readonly "@sansmtp/source": string;
  readonly import: { readonly default: string };
}

export type RuntimeName = "node" | "deno" | "bun";

export interface Package {
  /** Its folder in packages/, which is no part of its name. */
  readonly folder: string;
  readonly path: string;
  readonly manifest: Manifest;
}

/** The workspace. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** All of packages/, as the package.json of each has it: one that is added is tested, too. */
export const packages: readonly Package[] = readdirSync(`${root}/packages`).map((folder) => {
  const path = `${root}/packages/${folder}`;
  return { folder, path, manifest: JSON.parse(readFileSync(`${path}/package.json`, "utf8")) };
});
