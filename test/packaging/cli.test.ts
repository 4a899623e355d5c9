import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";

it("sansmtp, installed, serves and sends", async () => {
  const cwd = join(inject("consumers"), "cli", "node");
  const program = join(cwd, "node_modules", ".bin", "sansmtp");
  const server = spawn(program, ["serve", "--port", "0", "--count", "1", "--json"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const lines = createInterface(server.stdout)[Symbol.asyncIterator]();
    const { address } = JSON.parse((await lines.next()).value);
    const port = String(address).split(":").at(-1) ?? "";
    const send = [
      "send",
      "--from",
      "me@example.net",
      "--to",
      "you@example.com",
      "--port",
      port,
      "package.json",
    ];
    const { stdout } = await promisify(execFile)(program, send, { cwd });
    expect(stdout).toMatch(/^accepted {2}you@example\.com {2}250 /);
    if (server.exitCode === null) await once(server, "exit");
    expect(server.exitCode).toBe(0);
    expect(readdirSync(join(cwd, "mail", "new"))).toHaveLength(1);
  } finally {
    server.kill("SIGKILL");
  }
});
