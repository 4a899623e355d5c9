import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { buildSync } from "esbuild";

/** What an application takes from the core, and how many octets that is once it is bundled. */
export interface Size {
  readonly name: "server" | "client" | "all";
  readonly minified: number;
  readonly gzipped: number;
}

/** What each kind of application imports. */
const imports: Readonly<Record<Size["name"], string>> = {
  server: 'export { ServerSession } from "@sansmtp/core";',
  client: 'export { ClientSession } from "@sansmtp/core";',
  all: 'export * from "@sansmtp/core";',
};

/** Bundles the core as it was built, as an application does that has it from npm. */
export function measure(): Size[] {
  return (Object.keys(imports) as Size["name"][]).map((name) => {
    const { contents } = bundle(name, { minify: true });
    return { name, minified: contents.length, gzipped: gzipSync(contents, { level: 9 }).length };
  });
}

/** The sizes as lines to read. */
export function table(sizes: readonly Size[]): string {
  const row = (...cells: (string | number)[]) => cells.map((cell) => String(cell).padStart(10)).join("");
  const rows = sizes.map(({ name, minified, gzipped }) => row(name, minified, gzipped));
  return [row("octets", "minified", "gzipped"), ...rows].join("\n");
}

export interface BundleOptions {
  readonly minify?: boolean;
  /** From the source instead of what was built, to see which files are in it. */
  readonly fromSource?: boolean;
}

/** The bundle, and the files of which something is in it, by their paths. */
export function bundle(name: Size["name"], options: BundleOptions = {}) {
  const { outputFiles, metafile } = buildSync({
    stdin: { contents: imports[name], resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    format: "esm",
    minify: options.minify ?? false,
    conditions: options.fromSource ? ["@sansmtp/source"] : [],
    write: false,
    metafile: true,
  });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const files = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const [{ contents, text }] = outputFiles as [(typeof outputFiles)[number]];
  return { contents, text, files };
}
