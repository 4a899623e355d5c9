import { defineConfig } from "vitest/config";

// Every package runs from its source: the condition that each package.json puts first.
const source = ["@sansmtp/source"];

export default defineConfig({
  resolve: { conditions: source },
  ssr: { resolve: { conditions: source } },
  test: {
    projects: [
      {
        extends: true,
        test: { name: "fast", include: ["**/*.test.ts"], exclude: ["clients/**"] },
      },
      {
        // Real clients and kill -9: one file at a time, so that each has the machine to itself.
        extends: true,
        test: {
          name: "clients",
          include: ["clients/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
