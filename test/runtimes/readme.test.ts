import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished } from "vitest";
import { dialled, message } from "../node/scripted.ts";
import { inEachRuntime } from "./suite.ts";

inEachRuntime(({ runtime, test }) => {
  test("the server of the README takes mail", async () => {
    const { program, starter, given, bundled } = runtime;
    const readme = new URL(`../../packages/${starter}/README.md`, import.meta.url);
    const code = /```ts\n(.*?)```/s.exec(await readFile(readme, "utf8"))?.[1] ?? "";
    const port = await freePort();
    // Here, so that it finds the packages.
    const source = fileURLToPath(new URL(`readme-${starter}-${port}.tmp.ts`, import.meta.url));
    const folder = await mkdtemp(join(tmpdir(), "sansmtp-readme-"));
    onTestFinished(async () => {
      await rm(source, { force: true });
      await rm(folder, { recursive: true });
    });
    await mkdir(join(folder, "mail"));
    await writeFile(source, code.replace("port: 2525", `port: ${port}`));
    const script = bundled ? join(folder, "server.mjs") : source;
    if (bundled) {
      const conditions = ["@sansmtp/source"];
      const common = { bundle: true, format: "esm", platform: "node", conditions } as const;
      await build({ ...common, entryPoints: [source], outfile: script });
    }
    const child = spawn(program!, [...given, script], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    await listening(port);
    const client = await dialled({ port });
    const { outcomes } = await client.send({ ...message, to: ["bob@example.com", "eve@example.com"] });
    expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "refused"]);
    const [file, ...more] = await readdir(join(folder, "mail"));
    expect(more).toEqual([]);
    expect(await readFile(join(folder, "mail", file!), "latin1")).toBe(message.body);
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until somebody listens. */
async function listening(port: number): Promise<void> {
  for (let time = 0; ; time++) {
    const client = await dialled({ port, tls: "never" }).catch((error: unknown) => {
      if (time > 200) throw error;
      return null;
    });
    if (client !== null) return client.close();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
