import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { environment, type Tool } from "../../clients/tool.ts";
import { bundle } from "./bundle.ts";

export const chromium: Tool = {
  name: "Chromium",
  packages: "chromium",
  probe: ["chromium", "--version"],
  prints: /^Chromium /m,
};

/** Who answers the WebSockets of the page, by their path. */
export type Doors = Readonly<Record<string, (socket: WebSocket) => void>>;

/**
 * Opens the page of this folder in Chromium, from a server on loopback.
 *
 * @returns what the page reports: each of its deeds, and what came of it
 */
export async function visit(doors: Doors): Promise<Readonly<Record<string, unknown>>> {
  const folder = await mkdtemp(join(tmpdir(), "sansmtp-page-"));
  await bundle("page/page.ts", join(folder, "page.js"));
  const script = await readFile(join(folder, "page.js"));
  let reported: (report: string) => void = () => {};
  const report = new Promise<string>((resolve) => {
    reported = resolve;
  });
  const server = createServer(async (request, response) => {
    if (request.url === "/page.js") response.setHeader("Content-Type", "text/javascript").end(script);
    else if (request.method !== "POST")
      response.setHeader("Content-Type", "text/html").end('<script type="module" src="page.js"></script>');
    else {
      reported(await textOf(request));
      response.end();
    }
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const door = doors[request.url ?? ""];
    if (door === undefined) socket.destroy();
    else webSockets.handleUpgrade(request, socket, head, door);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as { port: number };
  const browser = spawn(
    "chromium",
    [...flags, `--user-data-dir=${join(folder, "profile")}`, `http://127.0.0.1:${port}/`],
    { env: environment, stdio: ["ignore", "ignore", "pipe"], detached: true },
  );
  let printed = "";
  browser.stderr.on("data", (text) => {
    printed += text;
  });
  const gone = once(browser, "exit");
  const late = new Promise((resolve) => setTimeout(resolve, patience).unref());
  try {
    const first = await Promise.race([report, gone, late]);
    if (typeof first !== "string") throw new Error(`the page has not reported:\n${printed}`);
    return JSON.parse(first);
  } finally {
    // All of it: it has children, which outlive it for a moment.
    if (browser.pid !== undefined && browser.exitCode === null) process.kill(-browser.pid, "SIGKILL");
    await gone;
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  return text;
}

/** As root, without a screen, and without asking anybody on the network for anything. */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long the page may take, milliseconds. */
const patience = 90_000;
