import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vitest/config";

const conditions = ["@sansmtp/source"];

/** Tests of many inputs, or long ones. */
const leftOut = [
  "cost what they are long|is linear|looked at more|octet by octet|does not grow|is discarded|is not held",
  "octets long, whole, in octets and at every cut",
  "however it was cut|however much is written|at every place of a line|every code point",
  "whatever is told|whatever is said to it|whatever they say|nothing that the client or its name servers say",
  "in any pieces|in every reachable state|pile up",
  "a permutation that keeps|every order of equals|every date is|of the grammar, with nothing else",
  "a text line is measured|of the greatest length|all of the declared length",
  "has the same policy, no dots|no octets make",
];

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
    reporters: ["dot"],
    maxWorkers: 1,
    isolate: false,
    include: ["{core,dialogues,client-dialogues,relay}/**/*.test.ts"],
    exclude: ["core/session-walk.test.ts"],
    testNamePattern: new RegExp(`^(?!.*(${leftOut.join("|")}))`),
    testTimeout: 60_000,
    env: { SANSMTP_QUICK: "1" },
    coverage: {
      enabled: true,
      provider: "v8",
      include: [fileURLToPath(new URL("../packages/core/src/**/*.ts", import.meta.url))],
      // Types alone: nothing of them is left to be run.
      exclude: [
        "**/client/events.ts",
        "**/extensions/extension.ts",
        "**/server/events.ts",
        "**/relay/envelope.ts",
        "**/core/src/time.ts",
        "**/core/src/index.ts",
      ],
      allowExternal: true,
      reportOnFailure: true,
      reporter: [["text", { skipFull: true }], "json"],
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
      return { code: code.replaceAll(/ \?\? bug\("[^"]*"\)|\s*default:\s*bug\([^\n]*\);/g, ""), map: null };
    },
  };
}
