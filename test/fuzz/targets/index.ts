import type { Target } from "../target.ts";
import { addresses } from "./addresses.ts";
import { client, clientSplit } from "./client.ts";
import { codecs } from "./codecs.ts";
import { commands } from "./commands.ts";
import { content } from "./content.ts";
import { envelopes } from "./envelopes.ts";
import { proxy } from "./proxy.ts";
import { replies } from "./replies.ts";
import { sasl, saslClient } from "./sasl.ts";
import { server, serverSplit } from "./server.ts";
import { trace } from "./trace.ts";

/** All that is fuzzed; `names.ts` has their order. */
export const targets: readonly Target[] = [
  server,
  client,
  serverSplit,
  clientSplit,
  commands,
  envelopes,
  content,
  replies,
  addresses,
  proxy,
  sasl,
  saslClient,
  trace,
  codecs,
];
