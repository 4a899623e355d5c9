import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vitest/config";

const conditions = ["@sansmtp/source"];

/**
 * Which branches of the core its tests take: all of them, or this fails. One process, each module loaded once, and of
 * the tests of the core those that are quick: what is left out here goes the same ways with more inputs, in `pnpm test`.
 */
export default defineConfig({
  cacheDir: "../node_modules/.vite",
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  plugins: [withoutBugs()],
  test: {
    maxWorkers: 1,
    isolate: false,
    include: ["{core,properties,dialogues,client-dialogues,relay}/**/*.test.ts"],
    exclude: ["core/session-walk.test.ts"],
    testNamePattern: new RegExp(`^(?!.*(${leftOut().join("|")}))`),
    testTimeout: 60_000,
    env: { SANSMTP_QUICK: "1" },
    coverage: {
      enabled: true,
      provider: "v8",
      include: [fileURLToPath(new URL("../packages/core/src/**/*.ts", import.meta.url))],
      // Types alone: nothing of them is left to be run.
      exclude: [
        "**/client/events.ts",
        "**/server/events.ts",
        "**/relay/envelope.ts",
        "**/core/src/time.ts",
        "**/core/src/index.ts",
      ],
      allowExternal: true,
      reporter: ["text", "json"],
      reportsDirectory: "../node_modules/.cache/coverage",
      thresholds: { branches: 100 },
    },
  },
});

/** `?? bug(...)` says what cannot be, so that no test comes there: the core is measured without it. */
function withoutBugs(): Plugin {
  return {
    name: "without-bugs",
    enforce: "post",
    transform(code, id) {
      if (!id.includes("/core/src/")) return null;
      return { code: code.replaceAll(/ \?\? bug\("[^"]*"\)|\n *default:\s*bug\([^\n]*\);/g, ""), map: null };
    },
  };
}

function leftOut(): string[] {
  return [
    "of up to \\d",
    "\\d octets long",
    "is linear",
    "looked at more",
    "never reuses",
    "no octets make",
    "in any pieces",
    "however it was cut",
    "octet by octet",
    "freeze and thaw",
    "with time passing",
    "code point",
    "every reachable",
    "pile up",
    "are bounded",
    "whatever is told",
    "the targets are a permutation",
    "a text line is measured",
    "of the greatest length",
    "in whatever pieces",
    "every control octet",
    "every order of equals",
    "any commands in any order",
    "of the grammar, with nothing else",
    "every date is",
    "every call may come",
    "all of the declared length",
    "every other version",
  ];
}
