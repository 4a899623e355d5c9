import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { Client, until } from "../node/client.ts";
import { ehlo, envelope } from "../node/serving.ts";
import { missing } from "../runtimes/runtimes.ts";
import { bun, Child } from "./child.ts";

const readme = readFileSync(new URL("../../packages/bun/README.md", import.meta.url), "utf8");
const [server, both] = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, code]) => code!);
const [, printed] = /```text\n(.*?)```/s.exec(readme)!;

it("a server takes less than ten lines", () => {
  expect(server!.trim().split("\n").length).toBeLessThan(10);
});

describe.skipIf(bun.program === null)(bun.program === null ? missing(bun) : "in Bun", () => {
  it("these lines serve", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sansmtp-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const port = await freePort();
    const serving = run(server!, port, folder);
    const bob = envelope.map((line) => line.replace("b@", "bob@"));
    const client = await dialled(port);
    await client.replies(1);
    expect(await client.say(ehlo, ...bob, "Subject: hello\r\n.", "QUIT")).toBe("250 250 250 354 250 221");
    client.socket.destroy();
    const kept = readdirSync(join(folder, "mail"));
    expect(kept.map((name) => readFileSync(join(folder, "mail", name), "utf8"))).toEqual([
      "Subject: hello\r\n",
    ]);
    expect(serving.errors).toBe("");
  });

  it("these lines print what is below", async () => {
    const child = run(both!, 0, tmpdir());
    for (const line of printed!.trim().split("\n")) expect(await child.line()).toBe(line);
    expect(await child.exit).toBe(0);
    expect(child.errors).toBe("");
  });
});

/** Runs an example, with another port, in a folder. */
function run(code: string, port: number, folder: string): Child {
  const name = `example-${Math.random().toString(36).slice(2)}.tmp.ts`;
  const path = fileURLToPath(new URL(name, import.meta.url));
  writeFileSync(path, code.replace("2525", String(port)));
  onTestFinished(() => rmSync(path));
  return new Child(name, {}, folder);
}

async function freePort(): Promise<number> {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };
  await new Promise((resolve) => taken.close(resolve));
  return port;
}

/** As soon as it listens. */
async function dialled(port: number): Promise<Client> {
  let found: Client | undefined;
  const end = performance.now() + 5_000;
  while (found === undefined && performance.now() < end)
    found = await Client.connect({ host: "127.0.0.1", port }).catch(() => undefined);
  await until(() => found !== undefined, "the server");
  return found!;
}
