import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { brief, starts } from "./inside.ts";

// One worker for each runtime, side by side. `pnpm test:deno` and `pnpm test:bun` run those that are left out here, too.

describe("the tests that need no Node host", () => {
  it.concurrent.each(Object.entries(starts))("run inside %s", { timeout: 600_000 }, async (name, start) => {
    const [program, ...given] = start ?? [];
    expect(program, `${name} is not installed`).toBeDefined();
    const ran = await promisify(execFile)(
      program!,
      [...given, "--no-isolate", "--reporter=dot", ...brief()],
      {
        cwd: root,
        env,
      },
    ).catch((failed: { readonly stdout: string; readonly stderr: string }) => failed);
    expect(ran.stdout, ran.stdout + ran.stderr).toMatch(/Tests\s+[1-9]\d* passed \(\d+\)/);
  });
});

const root = fileURLToPath(new URL("../..", import.meta.url));
// Not those of the vitest that runs this.
const env = Object.fromEntries(
  Object.entries({ ...process.env, NO_COLOR: "1", SANSMTP_QUICK: "1" }).filter(
    ([name]) => !/^(VITEST|TEST$|NODE_ENV|NODE_OPTIONS|FORCE_COLOR|SANSMTP_TEST_REPORT)/.test(name),
  ),
);
