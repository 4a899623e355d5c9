import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Package, packages } from "./packages.ts";

/** What goes to JSR: the source as it is, for Deno and others that run TypeScript. A jsr.json says that a package does. */
export const jsrPackages: readonly Package[] = packages.filter(({ path }) =>
  existsSync(join(path, "jsr.json")),
);

/** The jsr.json that fits a package.json: it has nothing of its own. */
export function jsrConfig({ manifest }: Package): object {
  const entries = Object.entries(manifest.exports ?? {}).map(([entry, { "@sansmtp/source": source }]) => [
    entry,
    source,
  ]);
  const wanted = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies });
  const imports = wanted.map(([name, range]) => [
    name,
    range.startsWith("workspace:") ? `jsr:${name}@^${manifest.version}` : `npm:${name}@${range}`,
  ]);
  return {
    name: manifest.name,
    version: manifest.version,
    license: manifest.license,
    exports: Object.fromEntries(entries),
    ...(imports.length > 0 ? { imports: Object.fromEntries(imports) } : {}),
    publish: { include: ["src", "*.md"] },
  };
}

export function readJsrConfig({ path }: Package): object {
  return JSON.parse(readFileSync(join(path, "jsr.json"), "utf8"));
}

/** Brings each jsr.json up to date, for example when the versions were raised. */
export function writeJsrConfigs(): void {
  for (const each of jsrPackages) {
    writeFileSync(join(each.path, "jsr.json"), `${JSON.stringify(jsrConfig(each), null, 2)}\n`);
  }
}

/**
 * Makes a folder that `deno publish` can be called in: the packages with their source and their jsr.json, and nothing
 * else. In the workspace itself Deno would follow package.json and tsconfig.json, which nobody gets from JSR.
 */
export function stageForJsr(folder: string): void {
  for (const each of jsrPackages) {
    const target = join(folder, each.folder);
    mkdirSync(target, { recursive: true });
    const pages = readdirSync(each.path).filter((name) => name.endsWith(".md"));
    for (const name of ["src", "jsr.json", ...pages])
      cpSync(join(each.path, name), join(target, name), { recursive: true });
  }
  const workspace = jsrPackages.map(({ folder }) => `./${folder}`);
  writeFileSync(join(folder, "deno.json"), JSON.stringify({ workspace }));
}
