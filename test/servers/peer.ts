import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Daemon, Folder } from "./root.ts";

/** A server of somebody else's, and what it can do. */
export interface Peer {
  readonly name: string;
  /** Its program in the root; null: it is a package of npm. */
  readonly program: string | null;
  readonly protocol: "smtp" | "lmtp";
  readonly tls: boolean;
  readonly utf8: boolean;
  readonly chunking: boolean;
  /** The code by which it refuses nobody@example.com. */
  readonly refusal: number;
  /** Starts it with STARTTLS if it can, for b and c at example.com, whose mail it keeps, and nobody else. */
  start(folder: Folder, port: number): Promise<Listening>;
}

/** A server that runs. */
export interface Listening {
  stop(): Promise<void>;
  /** What was kept for the local part of a recipient, as the server keeps it. */
  kept(local: string): readonly Buffer[];
  /** What it has printed. */
  toString(): string;
}

/** A program that runs in the root, and where it keeps mail. */
export function daemon(running: Daemon, kept: Listening["kept"]): Listening {
  return { stop: () => running.stop(), kept, toString: () => running.toString() };
}

/** A program that writes what it has to say to a file. */
export function logging(running: Daemon, log: string, kept: Listening["kept"]): Listening {
  // Its folder may be gone when somebody asks.
  let last: string | null = null;
  const logged = (): string => (existsSync(log) ? readFileSync(log, "utf8") : "nothing\n");
  return {
    async stop() {
      await running.stop();
      last = logged();
    },
    kept,
    toString: () => `${running}It has logged:\n${last ?? logged()}`,
  };
}

/** A server, and another program that it needs. */
export function together(server: Listening, needed: Daemon): Listening {
  return {
    async stop() {
      await server.stop();
      await needed.stop();
    },
    kept: server.kept,
    toString: () => `${server}\n${needed}`,
  };
}

/** The content of each file in a folder, by name; none if there is no such folder. */
export function filesIn(path: string): Buffer[] {
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch {
    return [];
  }
  return names.map((name) => readFileSync(`${path}/${name}`));
}
