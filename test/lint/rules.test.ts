import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";

/**
 * Deliberate violations of the two rules that the architecture stands on, and their near misses.
 * A line of code, and the rule that it breaks at its place; null when it is fine there.
 */
type Case = readonly [path: string, code: string, rule: string | null];

const ours = ["lint/style/noRestrictedImports", "lint/style/noRestrictedGlobals", "plugin"];
const core = "packages/core/src";

const imports: Case[] = (
  [
    [`${core}/errors.ts`, "./wire/line.ts", false],
    [`${core}/reply.ts`, "./server/session.ts", false],
    [`${core}/reply.ts`, "./errors.ts", true],
    [`${core}/time.ts`, "./index.ts", false],
    [`${core}/index.ts`, "node:buffer", false],
    [`${core}/index.ts`, "@sansmtp/drive", false],
    [`${core}/index.ts`, "../../drive/src/index.ts", false],
    [`${core}/index.ts`, "./server/session.ts", true],
    [`${core}/newcomer/file.ts`, "../errors.ts", false],
    [`${core}/wire/line.ts`, "../errors.ts", true],
    [`${core}/wire/line.ts`, "../reply.ts", false],
    [`${core}/wire/line.ts`, "../syntax/path.ts", false],
    [`${core}/syntax/path.ts`, "../wire/line.ts", true],
    [`${core}/syntax/path.ts`, "../reply.ts", true],
    [`${core}/syntax/path.ts`, "../server/state.ts", false],
    [`${core}/syntax/path.ts`, "../index.ts", false],
    [`${core}/syntax/path.ts`, "../extensions/registry.ts", false],
    [`${core}/wire/line.ts`, "../extensions/registry.ts", false],
    [`${core}/extensions/dsn.ts`, "./values.ts", true],
    [`${core}/extensions/dsn.ts`, "../syntax/path.ts", true],
    [`${core}/extensions/dsn.ts`, "../wire/network.ts", true],
    [`${core}/extensions/dsn.ts`, "../reply.ts", true],
    [`${core}/extensions/dsn.ts`, "../server/state.ts", false],
    [`${core}/extensions/dsn.ts`, "../client/session.ts", false],
    [`${core}/extensions/dsn.ts`, "../index.ts", false],
    [`${core}/extensions/dsn.ts`, "@sansmtp/drive", false],
    [`${core}/server/session.ts`, "../extensions/registry.ts", true],
    [`${core}/client/session.ts`, "../extensions/registry.ts", true],
    [`${core}/server/session.ts`, "../syntax/path.ts", true],
    [`${core}/server/session.ts`, "../client/session.ts", false],
    [`${core}/client/session.ts`, "../server/session.ts", false],
    [`${core}/client/session.ts`, "../index.ts", false],
    [`${core}/relay/targets.ts`, "../syntax/path.ts", true],
    [`${core}/relay/targets.ts`, "../wire/line.ts", true],
    [`${core}/relay/targets.ts`, "../reply.ts", true],
    [`${core}/relay/targets.ts`, "../client/outcome.ts", true],
    [`${core}/relay/targets.ts`, "../client/session.ts", false],
    [`${core}/relay/targets.ts`, "../server/state.ts", false],
    [`${core}/relay/targets.ts`, "../index.ts", false],
    [`${core}/syntax/path.ts`, "../relay/targets.ts", false],
    [`${core}/client/session.ts`, "../relay/targets.ts", false],
    [`${core}/server/session.ts`, "../relay/targets.ts", false],
    ["packages/testing/src/wire.ts", "@sansmtp/core", true],
    ["packages/testing/src/wire.ts", "./clock.ts", true],
    ["packages/testing/src/wire.ts", "@sansmtp/drive", false],
    ["packages/testing/src/wire.ts", "node:buffer", false],
    ["packages/testing/src/wire.ts", "fast-check", false],
    ["packages/testing/src/arbitraries.ts", "fast-check", true],
    ["packages/testing/src/arbitraries.ts", "vitest", false],
    ["packages/sasl/src/plain.ts", "@sansmtp/core", true],
    ["packages/sasl/src/plain.ts", "@noble/hashes/hmac.js", true],
    ["packages/sasl/src/plain.ts", "./server.ts", true],
    ["packages/sasl/src/plain.ts", "@sansmtp/drive", false],
    ["packages/sasl/src/plain.ts", "../../core/src/index.ts", false],
    ["packages/sasl/src/plain.ts", "node:crypto", false],
    ["packages/drive/src/pump.ts", "@sansmtp/core", true],
    ["packages/drive/src/pump.ts", "@sansmtp/core/simd", true],
    ["packages/drive/src/pump.ts", "@sansmtp/sasl", true],
    ["packages/drive/src/pump.ts", "@sansmtp/node", false],
    ["packages/drive/src/pump.ts", "node:net", false],
    ["packages/node/src/index.ts", "@sansmtp/drive", true],
    ["packages/node/src/index.ts", "@sansmtp/sasl", true],
    ["packages/node/src/index.ts", "node:fs/promises", true],
    ["packages/node/src/index.ts", "sansmtp", false],
    ["packages/node/src/index.ts", "../../drive/src/index.ts", false],
    ["packages/node/src/index.ts", "@sansmtp/deno", false],
    ["packages/deno/src/index.ts", "@sansmtp/node", true],
    ["packages/deno/src/index.ts", "./listen.ts", true],
    ["packages/deno/src/index.ts", "@sansmtp/bun", false],
    ["packages/deno/src/index.ts", "node:net", false],
    ["packages/deno/src/index.ts", "../../node/src/index.ts", false],
    ["packages/bun/src/index.ts", "@sansmtp/node", true],
    ["packages/bun/src/index.ts", "node:tls", true],
    ["packages/bun/src/index.ts", "node:http", false],
    ["packages/bun/src/index.ts", "bun", false],
    ["packages/bun/src/index.ts", "@sansmtp/deno", false],
    ["packages/bun/src/index.ts", "../../node/src/index.ts", false],
    ["packages/drive/src/pump.ts", "@sansmtp/bun", false],
    ["packages/web/src/index.ts", "@sansmtp/drive", true],
    ["packages/web/src/index.ts", "./transport.ts", true],
    ["packages/web/src/index.ts", "@sansmtp/node", false],
    ["packages/web/src/index.ts", "node:net", false],
    ["packages/web/src/index.ts", "cloudflare:sockets", false],
    ["packages/cli/src/main.ts", "@sansmtp/node", true],
    ["packages/cli/src/main.ts", "@sansmtp/testing", true],
    ["packages/cli/src/main.ts", "../../node/src/index.ts", false],
    ["packages/cli/src/main.ts", "@sansmtp/core/src/index.ts", false],
  ] as const
).flatMap(([path, from, allowed]) =>
  [`import "${from}";`, `export type * from "${from}";`, `import("${from}");`].map(
    (code): Case => [path, code, allowed ? null : "lint/style/noRestrictedImports"],
  ),
);

const hostNames: Case[] = [
  "Buffer.from([]);",
  "process.env;",
  "globalThis.x;",
  "console.log();",
  "crypto.randomUUID();",
  "Date.now();",
  "performance.now();",
  "setTimeout(f);",
  "setInterval(f);",
  "setImmediate(f);",
  "queueMicrotask(f);",
  "Promise.resolve();",
  "new TextEncoder();",
  "new TextDecoder();",
  "let type: Promise<void>;",
].map((code) => [`${core}/server/host.ts`, code, "lint/style/noRestrictedGlobals"]);

const impure: Case[] = [
  "Buffer.from([]);",
  "crypto.getRandomValues(x);",
  "Date.now();",
  "console.log();",
].map((code) => ["packages/sasl/src/host.ts", code, "lint/style/noRestrictedGlobals"]);

const promises: Case[] = [
  "Math.random();",
  "await x;",
  "for await (const x of xs) x;",
  "async function declared() {}",
  "export default async function () {}",
  "const arrow = async () => 1;",
  "const generator = async function* () {};",
  "class A { private static async f() {} }",
  "const o = { async f() {} };",
].map((code) => [`${core}/wire/promise.ts`, code, "plugin"]);

const nearMisses: Case[] = [
  [`${core}/wire/promise.ts`, "/** async, await, a Promise */ Math.min(1, 2);", null],
  [`${core}/server/host.ts`, 'const text = "Date: Promise";', null],
  [`${core}/server/local.ts`, "const { process } = x; process();", null],
  ["packages/drive/src/host.ts", "await Promise.resolve(Math.random());", null],
];

const cases = [...imports, ...hostNames, ...impure, ...promises, ...nearMisses];

/** Lints every case in one run, as a line of its file in a copy of the project, and returns `path:line rule`. */
function violations(): Set<string> {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const copy = mkdtempSync(join(tmpdir(), "sansmtp-lint-"));
  try {
    for (const file of ["biome.jsonc", ".gitignore", "test/lint/core.grit"]) {
      cpSync(join(root, file), join(copy, file));
    }
    for (const [path, code] of cases) {
      mkdirSync(dirname(join(copy, path)), { recursive: true });
      appendFileSync(join(copy, path), `${code}\n`);
    }
    const { stdout } = spawnSync(
      join(root, "node_modules/.bin/biome"),
      ["lint", "--reporter=json", "--max-diagnostics=none"],
      { cwd: copy, encoding: "utf8" },
    );
    const { diagnostics }: { diagnostics: Diagnostic[] } = JSON.parse(stdout);
    return new Set(diagnostics.map((d) => `${d.location.path}:${d.location.start.line} ${d.category}`));
  } finally {
    rmSync(copy, { recursive: true });
  }
}

interface Diagnostic {
  readonly category: string;
  readonly location: { readonly path: string; readonly start: { readonly line: number } };
}

describe("lint", () => {
  let found: Set<string>;
  beforeAll(() => {
    found = violations();
  });
  const lines = new Map<string, number>();

  for (const [path, code, rule] of cases) {
    const line = (lines.get(path) ?? 0) + 1;
    lines.set(path, line);
    it(`${rule === null ? "allows" : "refuses"} in ${path}: ${code}`, () => {
      const broken = ours.filter((name) => found.has(`${path}:${line} ${name}`));
      expect(broken).toEqual(rule === null ? [] : [rule]);
    });
  }
});
