import type { ClientConfig } from "@sansmtp/core";
import type { Core } from "../core.ts";
import { chunkSize, type Ground, type Work } from "./spot.ts";

const name = "client.example.net";
const limits = { chunk: chunkSize, chunks: 2 };

interface Way {
  readonly config: ClientConfig;
  readonly offers: readonly (readonly string[])[];
  readonly work: readonly Work[];
  readonly queue?: number;
}

const bare: readonly string[] = [];
const pipelined = ["PIPELINING", "SIZE 1000", "8BITMIME", "DSN"];
const chunked = ["PIPELINING", "CHUNKING", "SIZE 50"];
const auth = "AUTH SCRAM-SHA-256 PLAIN";

/** The walks: each policy, each kind of server, and what can be asked for. */
const ways: Readonly<Record<string, Way>> = {
  transactions: { config: { name, tls: "never" }, offers: [bare, pipelined], work: ["transaction", "rich"] },
  "transactions, DATA not ahead": {
    config: { name, tls: "never", pipelineData: false, heloFallback: false, lineEnds: "normalize" },
    offers: [pipelined],
    work: ["transaction", "nobody", "reset"],
  },
  chunks: {
    config: { name, tls: "never", limits },
    offers: [chunked, ["CHUNKING"]],
    work: ["transaction"],
  },
  "chunks required": {
    config: { name, tls: "never", chunking: "require", limits },
    offers: [chunked, pipelined],
    work: ["nobody"],
  },
  PRDR: {
    config: { name, tls: "never", chunking: "avoid" },
    offers: [["PRDR"], ["PRDR", "PIPELINING"]],
    work: ["transaction"],
  },
  LMTP: {
    config: { name, tls: "never", protocol: "lmtp", limits },
    offers: [["PIPELINING"], ["PIPELINING", "CHUNKING"]],
    work: ["transaction"],
  },
  commands: {
    config: { name, tls: "never" },
    offers: [["PIPELINING"], bare],
    work: ["nobody", "vrfy", "reset"],
    queue: 2,
  },
  "TLS offered, and AUTH": {
    config: { name },
    offers: [["STARTTLS", auth], [auth], bare],
    work: ["auth", "starttls", "nobody"],
  },
  "TLS required": {
    config: { name, tls: "required" },
    offers: [
      ["STARTTLS", "PIPELINING"],
      ["PIPELINING", auth],
    ],
    work: ["auth", "nobody"],
  },
  "implicit TLS": {
    config: { name, tls: "implicit" },
    offers: [["STARTTLS", auth]],
    work: ["plain", "nobody", "starttls", "quit"],
  },
  "the roles turn, and a proxy": {
    config: { name, tls: "never" },
    offers: [["XCLIENT NAME", "ATRN", auth], bare],
    work: ["xclient", "atrn", "auth", "nobody", "quit"],
  },
};

export const clientWalks: readonly string[] = Object.keys(ways);

export function groundOf(core: Core, name: string): Ground {
  const way = ways[name];
  if (way === undefined) throw new Error(`no such walk: ${name}`);
  return { core, queue: 1, ...way };
}
