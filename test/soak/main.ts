// The long form of the soak: pnpm soak [--sessions 5000] [--runtimes "Node 20,Deno"]
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: { sessions: { type: "string", default: "5000" }, runtimes: { type: "string" } },
});
const sessions = Number(values.sessions);
if (!Number.isSafeInteger(sessions) || sessions < 1)
  throw new Error(`--sessions: a number, not ${values.sessions}`);
const { status } = spawnSync(
  "vitest",
  ["run", "--root", "test", "--project", "runtimes", "--disableConsoleIntercept=true", "test/soak/"],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      SANSMTP_SOAK_SESSIONS: String(sessions),
      ...(values.runtimes === undefined ? {} : { SANSMTP_RUNTIMES: values.runtimes }),
    },
  },
);
process.exit(status ?? 1);
