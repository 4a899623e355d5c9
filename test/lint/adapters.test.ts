import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { describe, expect, it, onTestFinished } from "vitest";

// An adapter says what its runtime does, and nothing else: it is small, and shares no policy with another by copying it.

const packages = fileURLToPath(new URL("../../packages", import.meta.url));
const adapters = ["node", "deno", "bun", "web"] as const;
const budget = 300;

describe("the code of an adapter", () => {
  // Web streams are one thing to be over, and what makes them of a WebSocket is another.
  const parts = [
    ...adapters.map(
      (name) => [name, sources(name).filter((path) => !path.endsWith("websocket.ts"))] as const,
    ),
    ["web/websocket", [join(packages, "web/src/websocket.ts")]] as const,
  ];

  it.each(parts)(`%s has at most ${budget} lines, without those that are empty or comments`, (_, paths) => {
    const lines = paths.map((path) => [path.slice(packages.length), codeLines(readFileSync(path, "utf8"))]);
    const sum = lines.reduce((all, [, count]) => all + Number(count), 0);
    expect(sum, JSON.stringify(lines, null, 1)).toBeLessThanOrEqual(budget);
    expect(sum).toBeGreaterThan(50);
  });

  it("is counted by lines that hold more than comments", () => {
    const source =
      "/** What\n * it is. */\n\nconst a = `one\ntwo`; // three\n// four\nf(a /* five\nsix */);\n";
    expect(codeLines(source)).toBe(4);
  });
});

describe("adapters and what they stand on", () => {
  const folders = [...adapters, "drive"].map((name) => join(packages, name, "src"));

  it("share no code by copying it", () => {
    expect(clones(folders)).toMatch(/^Found 0 clones/m);
  });

  it("would be found out", () => {
    const copy = mkdtempSync(join(tmpdir(), "sansmtp-clones-"));
    onTestFinished(() => rmSync(copy, { recursive: true }));
    cpSync(join(packages, "node/src/listen.ts"), join(copy, "again.ts"));
    expect(clones([...folders, copy])).toMatch(/again\.ts[\s\S]*^Found 1 clones/m);
  });
});

function sources(name: string): string[] {
  const folder = join(packages, name, "src");
  return readdirSync(folder).map((file) => join(folder, file));
}

/** The lines of which some part is a token. */
function codeLines(source: string): number {
  const file = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest);
  const lines = new Set<number>();
  const count = (node: ts.Node): void => {
    const parts = node.getChildren(file).filter((part) => !ts.isJSDoc(part));
    for (const part of parts) count(part);
    if (parts.length > 0 || node.getWidth(file) === 0) return;
    const [first, last] = [node.getStart(file), node.getEnd()].map(
      (at) => file.getLineAndCharacterOfPosition(at).line,
    ) as [number, number];
    for (let line = first; line <= last; line++) lines.add(line);
  };
  count(file);
  return lines.size;
}

/**
 * What jscpd finds in more than one of the folders. A copy is as long as 60 tokens: below that are the public functions
 * of each adapter, which are declared in each and call the same.
 */
function clones(folders: readonly string[]): string {
  const jscpd = createRequire(import.meta.url).resolve("jscpd/package.json");
  const { bin } = JSON.parse(readFileSync(jscpd, "utf8")) as { bin: string | Record<string, string> };
  const program = join(dirname(jscpd), typeof bin === "string" ? bin : bin.jscpd!);
  const options = ["--min-tokens", "60", "--min-lines", "4", "--mode", "weak", "--skip-local"];
  const format = ["--format", "typescript", "--reporters", "console", "--no-colors"];
  const { stdout, stderr } = spawnSync(process.execPath, [program, ...options, ...format, ...folders], {
    encoding: "utf8",
  });
  return stdout + stderr;
}
