import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Client, connect } from "@sansmtp/node";
import { buildSync } from "esbuild";
import { describe, expect, inject, it } from "vitest";
import { commonJs, esModule, examples } from "./examples.ts";
import { packages, type RuntimeName } from "./packages.ts";
import { caches, programs } from "./runtimes.ts";

// Each package as its users have it: installed from its tarball into a project that was empty (see setup.ts), loaded by
// each runtime that its "engines" names, and used as the examples of its README do.

const run = promisify(execFile);
type Command = [
  program: string,
  rest: string[],
  options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
];

/** How a module is run, in each runtime and module system. Deno checks the types of examples, too, as its people would. */
const ways: readonly {
  readonly runtime: RuntimeName;
  readonly system: "ESM" | "CommonJS";
  readonly file: string;
  readonly source: (code: string) => string;
  readonly options: readonly string[];
  readonly check?: string;
}[] = [
  { runtime: "node", system: "ESM", file: "example.mjs", source: esModule, options: [] },
  { runtime: "node", system: "CommonJS", file: "example.cjs", source: commonJs, options: [] },
  {
    runtime: "deno",
    system: "ESM",
    file: "example.ts",
    source: String,
    options: ["run", "-A"],
    check: "--check",
  },
  { runtime: "bun", system: "ESM", file: "example.ts", source: String, options: ["run"] },
  { runtime: "bun", system: "CommonJS", file: "example.cjs", source: commonJs, options: ["run"] },
];

const libraries = packages.filter(({ manifest }) => manifest.exports !== undefined);

describe.each(libraries)("$manifest.name", ({ folder, path, manifest }) => {
  const printing = examples(path).filter(({ output }) => output !== null);
  const serving = examples(path).filter(({ output }) => output === null);
  const entries = Object.entries(manifest.exports ?? {}).map(([entry, { import: built }]) => ({
    entry,
    built: join(path, built.default),
  }));

  it("has an example in its README that is run", () => {
    expect(printing.length + serving.length).toBeGreaterThan(0);
  });

  describe.each(ways.filter(({ runtime }) => runtime in manifest.engines))("in $runtime, $system", (way) => {
    const consumer = join(inject("consumers"), folder, way.runtime);

    /** Writes a module into the project, in a folder of its own; the command that runs it there. */
    const place = (source: string, check?: string): Command => {
      const cwd = mkdtempSync(join(consumer, "run-"));
      mkdirSync(join(cwd, "mail"));
      writeFileSync(join(cwd, way.file), source);
      const options = check === undefined ? way.options : [...way.options, check];
      return [programs[way.runtime], [...options, way.file], { cwd, env: caches(inject("consumers")) }];
    };

    it.each(entries)("loads $entry with all its names", async ({ entry, built }) => {
      const from = JSON.stringify(join(manifest.name, entry));
      const all = way.system === "ESM" ? `import * as all from ${from};` : `const all = require(${from});`;
      const { stdout } = await run(
        ...place(`${all}\nconsole.log(JSON.stringify(Object.keys(all).sort()));\n`),
      );
      expect(JSON.parse(stdout)).toEqual(valueNames(built));
    });

    it.each(printing)("prints what the README says: $code", async ({ code, output }) => {
      const { stdout } = await run(...place(way.source(code), way.check));
      expect(plain(stdout)).toBe(plain(output ?? ""));
    });

    it.each(serving)("takes mail as the README says: $code", async ({ code }) => {
      await takesMail(code, (changed) => place(way.source(changed), way.check));
    });
  });
});

/** What an entry point exports besides types, as the bundler that made it says. */
function valueNames(built: string): string[] {
  const output = { outdir: ".", write: false, metafile: true } as const;
  // With what it exports of other packages.
  const { metafile } = buildSync({
    entryPoints: [built],
    bundle: true,
    platform: "node",
    format: "esm",
    ...output,
  });
  const names = Object.values(metafile.outputs).flatMap((output) => output.exports);
  expect(names).not.toEqual([]);
  return names.sort();
}

/** Runs a README's server on a free port, and sends it a message. */
async function takesMail(code: string, place: (code: string) => Command): Promise<void> {
  const port = await freePort();
  const changed = code.replace("port: 2525", `port: ${port}`);
  expect(changed).not.toBe(code);
  const [program, rest, options] = place(changed);
  const child = spawn(program, rest, { ...options, stdio: "inherit" });
  try {
    await using client = await whenListening(port, child);
    const { outcomes } = await client.send({
      from: "alice@example.net",
      to: ["bob@example.com"],
      body: "Subject: hello\r\n\r\nIt works.\r\n",
    });
    expect(outcomes).toMatchObject([{ status: "accepted" }]);
  } finally {
    child.kill("SIGKILL");
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function whenListening(port: number, child: ChildProcess): Promise<Client> {
  const start = performance.now();
  for (;;) {
    try {
      return await connect({ host: "127.0.0.1", port, tls: "never" });
    } catch (error) {
      if (child.exitCode !== null)
        throw new Error(`the server exits with ${child.exitCode}`, { cause: error });
      if (performance.now() - start > 45_000) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function plain(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}
