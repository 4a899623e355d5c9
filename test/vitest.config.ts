import { defineConfig } from "vitest/config";

// Packages run from their source: this is the condition that each package.json puts first.
const conditions = ["@sansmtp/source"];

// A file for the results as JSON: .ci/run counts them.
const report = process.env.SANSMTP_TEST_REPORT;

export default defineConfig({
  cacheDir: "../node_modules/.vite",
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Vitest leaves one processor to itself, which of two is half.
    maxWorkers: "100%",
    reporters: [
      "default",
      "./runtimes/reporter.ts",
      ...(report ? [["json", { outputFile: report }] as ["json", object]] : []),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: "fast",
          include: ["**/*.test.ts"],
          exclude: ["clients/**", "servers/**", "runtimes/**", "soak/**", "packaging/**", "web/runtimes/**"],
          testTimeout: 20_000,
        },
      },
      {
        // Real clients and servers, browsers and workers, large messages and kill -9: they start programs, and wait for them.
        extends: true,
        test: {
          name: "clients",
          include: ["clients/**/*.test.ts", "servers/**/*.test.ts", "web/runtimes/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // One suite in all runtimes, which are children.
        extends: true,
        test: {
          name: "runtimes",
          include: ["runtimes/**/*.test.ts", "soak/**/*.test.ts"],
          globalSetup: ["runtimes/bundle.ts"],
          testTimeout: 60_000,
          hookTimeout: 30_000,
        },
      },
      {
        // Every package is built, packed and installed before all else, and used when the others are done: packaging/setup.ts.
        extends: true,
        test: {
          name: "packaging",
          include: ["packaging/**/*.test.ts"],
          globalSetup: ["packaging/setup.ts"],
          sequence: { groupOrder: 1 },
          testTimeout: 60_000,
        },
      },
    ],
  },
});
