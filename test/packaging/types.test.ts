import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, inject, it } from "vitest";
import { examples } from "./examples.ts";
import { type Manifest, packages, type RuntimeName, root } from "./packages.ts";

// TypeScript in the projects of those who use the packages: the examples of the READMEs as ESM, and all names of each
// entry point as ESM and CommonJS. The declarations are checked, too (no skipLibCheck). A resolution is one run for
// all projects, each of which finds only what it has installed. That something is checked at all shows in a line that
// is wrong on purpose: TypeScript complains where it finds nothing to complain of.

const run = promisify(execFile);

const consumers = packages.flatMap(({ folder, path, manifest }) => {
  const runtime = withModules(manifest);
  if (manifest.exports === undefined || runtime === null) return [];
  return [{ path, manifest, project: join(inject("consumers"), folder, runtime) }];
});

beforeAll(() => {
  for (const { path, manifest, project } of consumers) {
    const names = Object.keys(manifest.exports ?? {}).map((entry) => join(manifest.name, entry));
    const all = names
      .map((from, n) => `import * as all${n} from "${from}";\nexport { all${n} };\n${wrong(n)}`)
      .join("");
    writeFileSync(join(project, "names.mts"), all);
    writeFileSync(join(project, "names.cts"), all);
    for (const [n, { code }] of examples(path).entries())
      writeFileSync(join(project, `example-${n}.mts`), code);
  }
});

it.each([
  { module: "node16", moduleResolution: "node16" },
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
])("type-checks with moduleResolution $moduleResolution", async ({ module, moduleResolution }) => {
  const { status, output } = await check(module, moduleResolution);
  expect(output).toBe("");
  expect(status).toBe(0);
});

/** A runtime whose projects have node_modules, which is where TypeScript looks. Deno itself checks what is for Deno alone. */
function withModules({ engines }: Manifest): RuntimeName | null {
  return "node" in engines ? "node" : "bun" in engines ? "bun" : null;
}

/** It would be right if the entry point were resolved to nothing, and had no types. */
function wrong(n: number): string {
  return `// @ts-expect-error\nexport type Wrong${n} = typeof all${n}.noSuchName;\n`;
}

async function check(module: string, moduleResolution: string) {
  const project = join(inject("consumers"), `tsconfig.${moduleResolution}.json`);
  const options = {
    compilerOptions: {
      module,
      moduleResolution,
      target: "es2022",
      lib: ["es2022", "esnext.disposable"],
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      strict: true,
      noEmit: true,
    },
    include: consumers.map(({ project }) => `${project}/*.?ts`),
  };
  writeFileSync(project, JSON.stringify(options));
  const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
  try {
    const { stdout } = await run(process.execPath, [tsc, "-p", project]);
    return { status: 0, output: stdout };
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string };
    return { status: code, output: stdout };
  }
}
