import type { ServerConfig } from "@sansmtp/core";
import type { Core } from "../core.ts";
import type { Ground } from "./spot.ts";

const never = {
  errors: 1e9,
  idleCommands: 1e9,
  authFailures: 1e9,
  refusedRecipients: 1e9,
  transactions: 1e9,
};

const common: ServerConfig = {
  name: "mx.example.com",
  limits: never,
};

const mechanisms = ["SCRAM-SHA-256", "CRAM-MD5"];

const all = { binarymime: true, smtputf8: true, dsn: true };
const trusted = { trusted: ["10.0.0.0/8"] };

/** A walk: a configuration, and how much is said. */
interface Way {
  readonly config: ServerConfig;
  /** Everything in each of its forms. */
  readonly all?: boolean;
  readonly idle?: boolean;
  readonly early?: boolean;
  readonly auth?: boolean;
  readonly counted?: readonly string[];
  readonly peer?: string;
}

/**
 * The walks: every modifier of the table, and whatever adds states of its own. What a transaction can be is walked
 * whole where nothing else is to be walked; where TLS, AUTH or a proxy are, it is walked in one way.
 */
const ways: Readonly<Record<string, Way>> = {
  plain: { all: true, config: { ...common, extensions: all, limits: { ...never, message: 65_536 } } },
  LMTP: {
    all: true,
    config: { ...common, protocol: "lmtp" },
  },
  "without extensions": {
    all: true,
    early: true,
    auth: true,
    config: {
      ...common,
      extensions: { pipelining: false, chunking: false, enhancedStatusCodes: false, help: false },
    },
  },
  PRDR: { config: { ...common, extensions: { prdr: true } } },
  "concurrent recipients": { config: { ...common, concurrentRecipients: 3 } },
  "TLS and AUTH offered": {
    auth: true,
    config: { ...common, mechanisms, tls: "offered", extensions: { vrfy: true, expn: true, etrn: true } },
  },
  "TLS required": {
    auth: true,
    early: true,
    config: { ...common, mechanisms, tls: "required", timers: { greetingDelay: 1000 } },
  },
  "AUTH required": {
    auth: true,
    counted: ["authFailures"],
    config: { ...common, mechanisms, authRequired: true, limits: { ...never, authFailures: 3 } },
  },
  "implicit TLS": {
    auth: true,
    config: { ...common, mechanisms, tls: "implicit", timers: { session: 3_600_000, data: 600_000 } },
  },
  LMTPS: { idle: true, config: { ...common, protocol: "lmtp", tls: "offered" } },
  "submission with BURL": {
    all: true,
    auth: true,
    config: { ...common, mechanisms, service: "submission", extensions: { burl: { urls: ["imap"] } } },
  },
  "behind a proxy": { config: { ...common, proxy: true } },
  "behind a proxy that says XCLIENT": {
    peer: "10.0.0.1",
    config: { ...common, tls: "offered", extensions: { xclient: trusted } },
  },
  "behind a relay that says XFORWARD": {
    peer: "10.0.0.1",
    config: { ...common, extensions: { xforward: trusted } },
  },
  "on demand": { auth: true, config: { ...common, mechanisms, tls: "offered", service: "on-demand" } },
  "few of everything": {
    idle: true,
    counted: ["errors", "idleCommands", "refusedRecipients", "transactions"],
    config: {
      ...common,
      closeOnBareLineEnds: true,
      limits: { ...never, errors: 1, idleCommands: 1, refusedRecipients: 1, transactions: 1 },
    },
  },
};

export const serverWalks: readonly string[] = Object.keys(ways);

export function groundOf(core: Core, name: string): Ground {
  const way = ways[name];
  if (way === undefined) throw new Error(`no such walk: ${name}`);
  const { config, all = false, idle = false, early = false, auth = false, counted = [], peer = null } = way;
  return { core, settings: core.settle(config), all, idle, early, auth, counted, peer };
}
