import type { RuntimeCapabilities } from "@sansmtp/drive";
import { capabilities as bun } from "../../packages/bun/src/capabilities.ts";
import { capabilities as deno } from "../../packages/deno/src/capabilities.ts";
import { capabilitiesOf } from "../../packages/node/src/capabilities.ts";
import { bundledStarters, bunProgram, denoProgram, installed } from "./programs.ts";

/** A runtime in which the suite runs. */
export interface Runtime {
  readonly name: string;
  /** What its adapter says that it can do. */
  readonly capabilities: RuntimeCapabilities;
  /** The program; null: it is not installed. The real one: signals do not reach it through a wrapper. */
  readonly program: string | null;
  /** Arguments in front of the starter. */
  readonly given: readonly string[];
  /** The file in `starters`. */
  readonly starter: string;
  /** It is given a bundle instead of the source. */
  readonly bundled: boolean;
}

/** What Deno has to allow: the README of the adapter says so. Unix sockets need `read` and `write`. */
const permissions = ["--allow-net", "--allow-read", "--allow-write"];

/** In the order of the table. */
export const runtimes: readonly Runtime[] = [
  ...["Node 20", "Node 22", "Node 24", "Node 26"].map((name): Runtime => {
    const host = name === `Node ${process.versions.node.split(".")[0]}`;
    const program = host ? process.execPath : installed(name.replace("Node ", "node"), "bin/node");
    return {
      name,
      capabilities: capabilitiesOf(`${name.replace("Node ", "")}.99.0`),
      program,
      given: [],
      starter: "node",
      bundled: bundledStarters.includes("node"),
    };
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
