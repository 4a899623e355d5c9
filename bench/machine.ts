import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import { bunProgram, denoProgram } from "../test/runtimes/programs.ts";

/** On what a run was made, and with which versions. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly kernel: string;
  /** How many wanted to run, on average, in the minute before. */
  readonly load: number;
  readonly versions: Readonly<Record<string, string>>;
}

export function machine(): Machine {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `${type()} ${release().split("-")[0]}`,
    load: Number(readFileSync("/proc/loadavg", "latin1").split(" ")[0]),
    versions: {
      Node: process.versions.node,
      ...printed("Bun", bunProgram(), ["--version"]),
      ...printed("Deno", denoProgram(), ["--version"]),
      "smtp-server": packaged("smtp-server"),
      nodemailer: packaged("nodemailer"),
    },
  };
}

function printed(name: string, program: string | null, given: readonly string[]): Record<string, string> {
  if (program === null) return {};
  const version = /\d+\.\d+\.\d+/.exec(spawnSync(program, given, { encoding: "utf8" }).stdout)?.[0];
  return version === undefined ? {} : { [name]: version };
}

function packaged(name: string): string {
  const file = fileURLToPath(new URL(`../node_modules/${name}/package.json`, import.meta.url));
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
