import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "./bundle.ts";
import type { Errand, Report } from "./errand.ts";

/** The runtime of Cloudflare's Workers, with the worker of this folder. */
export class Workerd {
  readonly #child: ChildProcess;
  readonly #port: number;
  readonly #folder: string;
  /** What it has printed. */
  #printed: string;

  private constructor(child: ChildProcess, port: number, folder: string) {
    this.#child = child;
    this.#port = port;
    this.#folder = folder;
    this.#printed = "";
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => (this.#printed += text));
  }

  /**
   * @param authority the certificate, in PEM, of the one authority that it trusts
   * @param worker its module, in this folder
   * @param bindings what the worker finds in its environment
   */
  static async start(
    authority: string,
    worker = "worker/worker.ts",
    bindings: object = {},
  ): Promise<Workerd> {
    const folder = await mkdtemp(join(tmpdir(), "sansmtp-workerd-"));
    await bundle(worker, join(folder, "worker.js"), ["cloudflare:sockets"]);
    await writeFile(join(folder, "config.capnp"), configuration(authority, bindings));
    const program: string = createRequire(import.meta.url)("workerd").default;
    const child = spawn(program, ["serve", "--control-fd=3", "config.capnp"], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const port = await new Promise<number>((resolve, reject) => {
      let said = "";
      child.once("error", reject).once("exit", () => reject(new Error("workerd does not start")));
      child.stdio[3]?.on("data", (text) => {
        said += text;
        const listening = /"port":(\d+)/.exec(said);
        if (listening !== null) resolve(Number(listening[1]));
      });
    });
    return new Workerd(child, port, folder);
  }

  async run(errand: Partial<Errand>): Promise<Report> {
    const whole = { over: "connect", size: 1_000, messages: 1, options: {}, ...errand };
    return (await this.post(JSON.stringify(whole))) as Report;
  }

  async post(body: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/`, { method: "POST", body });
    const text = await response.text();
    if (!response.ok) throw new Error(`${text}\n${this.#printed}`);
    return JSON.parse(text);
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once("exit", resolve));
    this.#child.kill();
    await gone;
    await rm(this.#folder, { recursive: true });
  }
}

function configuration(authority: string, bindings: object): string {
  const bound = Object.entries(bindings).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, json = ${JSON.stringify(JSON.stringify(value))})`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      bindings = [${bound.join(", ")}],
    )),
    (name = "internet", network = (
      allow = ["private", "public"],
      tlsOptions = (trustBrowserCas = false, trustedCertificates = [${JSON.stringify(authority)}]),
    )),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
`;
}
