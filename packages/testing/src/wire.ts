import {
  type ClientEvent,
  type ClientSession,
  type Failure,
  ClientSession as LiveClient,
  ServerSession as LiveServer,
  type Millis,
  type ServerSession,
} from "@sansmtp/core";
import { ClientEnd, type ClientSide, defaultClient, type SentMessage } from "./client-end.ts";
import { Connection } from "./connection.ts";
import type { Fault, Latency, Side, Split } from "./faults.ts";
import { type Recorder, recordClient, recordServer } from "./recorder.ts";
import { type Script, ScriptEnd } from "./script.ts";
import { type AcceptedMessage, defaultServer, ServerEnd, type ServerSide } from "./server-end.ts";
import type { TranscriptOptions } from "./transcript.ts";

/** A client and a server, and what lies between them. */
export interface WirePlan {
  /** A client session and its work; or a script. Default: a client that says EHLO and QUIT. */
  readonly client?: ClientSide | Script;
  /** A server session and its application; or a script. Default: a server that accepts everything. */
  readonly server?: ServerSide | Script;
  /** Default 0. */
  readonly latency?: Latency | PerSide<Latency>;
  /** How what a side sends is cut into pieces. */
  readonly split?: Split | PerSide<Split>;
  /** Octets that may be sent and not yet read before content waits. Default: any number. */
  readonly window?: number;
  readonly faults?: readonly Fault[];
  /** Whose handshakes fail. Default: nobody's. */
  readonly tlsFails?: Side | "both";
  /** Sessions are recorded. Default false. */
  readonly record?: boolean;
  /** The virtual time at which all ends, whatever goes on. Default: a week. */
  readonly until?: Millis;
}

/** Something for what each side sends. */
export interface PerSide<T> {
  readonly client?: T;
  readonly server?: T;
}

/** What came of it. */
export interface Wired {
  /** The messages for which the server's application took responsibility, in the order of its verdicts. */
  readonly accepted: readonly AcceptedMessage[];
  /** What the client says about the messages that it was given, in their order. */
  readonly sent: readonly SentMessage[];
  /** Why the client's session ended other than by QUIT; null: it did not. */
  readonly failure: Failure | null;
  /** Everything else that the sessions told, in order. */
  readonly events: {
    readonly client: readonly Exclude<ClientEvent, { type: "send" }>[];
    readonly server: ServerEnd["events"];
  };
  /** The sessions as they stand; null for a script. */
  readonly client: ClientSession | null;
  readonly server: ServerSession | null;
  /** The octets that each side has sent, and of those how many were read by the other. */
  readonly octets: Record<Side, { readonly sent: number; readonly read: number }>;
  /** The lines of the scripts that were not reached. */
  readonly unreached: readonly string[];
  /** The virtual time at the end. */
  readonly now: Millis;
  /** The recordings, where they were asked for. */
  readonly recorders: { readonly client: Recorder | null; readonly server: Recorder | null };
  /** The dialogue as it was heard. */
  transcript(options?: TranscriptOptions): string;
}

/**
 * Joins a client and a server in memory, on a virtual clock, and lets them talk until nothing more can happen. No
 * socket is opened, no time passes, and the same plan gives the same result.
 *
 * @throws {ScriptMismatch} when a side says something else than the other's script has; the message has the transcript
 */
export function wire(plan: WirePlan): Wired {
  const record = plan.record === true;
  const recorders: { client: Recorder | null; server: Recorder | null } = { client: null, server: null };
  const connection = new Connection({
    latency: perSide(plan.latency, 0),
    split: perSide<Split | undefined>(plan.split, undefined),
    window: plan.window ?? Number.POSITIVE_INFINITY,
    faults: plan.faults ?? [],
    tlsFails: plan.tlsFails,
    until: plan.until ?? week,
  });
  const client = makeClient();
  const server = makeServer();
  connection.run(client, server);
  return {
    accepted: server instanceof ServerEnd ? server.accepted : [],
    sent: client instanceof ClientEnd ? client.results() : [],
    failure: client instanceof ClientEnd ? client.failure : null,
    events: {
      client: client instanceof ClientEnd ? client.events : [],
      server: server instanceof ServerEnd ? server.events : [],
    },
    client: client instanceof ClientEnd ? client.session : null,
    server: server instanceof ServerEnd ? server.session : null,
    octets: connection.octets(),
    unreached: [client, server].flatMap((end) => (end instanceof ScriptEnd ? end.left : [])),
    now: connection.now,
    recorders,
    transcript: (options) => connection.transcript.write(options),
  };

  function makeClient(): ClientEnd | ScriptEnd {
    const { client: side = {} } = plan;
    if (typeof side === "string") return new ScriptEnd("client", side, connection.line("client"));
    const config = side.config ?? defaultClient;
    if (record) recorders.client = recordClient(config);
    const session = recorders.client?.session as ClientSession | undefined;
    return new ClientEnd(side, session ?? new LiveClient(config), connection.line("client"));
  }

  function makeServer(): ServerEnd | ScriptEnd {
    const { server: side = {} } = plan;
    if (typeof side === "string") return new ScriptEnd("server", side, connection.line("server"));
    const config = side.config ?? defaultServer;
    if (record) recorders.server = recordServer(config);
    const session = recorders.server?.session as ServerSession | undefined;
    return new ServerEnd(side, session ?? new LiveServer(config), connection.line("server"));
  }
}

function perSide<T>(given: T | PerSide<T> | undefined, otherwise: T): Record<Side, T> {
  if (typeof given === "object" && given !== null && !Array.isArray(given)) {
    const { client, server } = given as PerSide<T>;
    return { client: client ?? otherwise, server: server ?? otherwise };
  }
  const both = (given as T | undefined) ?? otherwise;
  return { client: both, server: both };
}

const week = 604_800_000;
