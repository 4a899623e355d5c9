import { createHash } from "node:crypto";
import {
  type ClientMechanism,
  type ServerContext,
  type ServerExchange,
  type ServerStep,
  type Stored,
  serverExchange,
} from "@sansmtp/sasl";

/** The server's side of an exchange, in a world where everything is fixed. */
export function context(changes: Partial<ServerContext> = {}): ServerContext {
  return {
    random: octetsFrom("server"),
    secret: new Uint8Array(32).fill(7),
    host: "mx.example.com",
    now: 1000,
    bindings: {},
    plus: false,
    certificate: null,
    ...changes,
  };
}

/** Octets that look random, another each time, and the same for the same seed. */
export function octetsFrom(seed: string): (octets: number) => Uint8Array {
  let count = 0;
  return (octets) => {
    count++;
    const made = createHash("sha512").update(`${seed} ${count}`).digest();
    return new Uint8Array(made.subarray(0, octets));
  };
}

export function server(mechanism: string, changes: Partial<ServerContext> = {}): ServerExchange {
  return serverExchange(mechanism, context(changes));
}

export function octets(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "utf8"));
}

export function base64(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

export function text(given: Uint8Array | null | undefined): string | null {
  return given === null || given === undefined ? null : Buffer.from(given).toString("utf8");
}

/** A step as text, for comparison. */
export function shown(step: ServerStep): string {
  switch (step.type) {
    case "challenge":
      return `challenge ${text(step.octets)}`;
    case "identity":
      return `identity ${step.identity.authzid ?? "-"} ${step.identity.user}`;
    case "success":
      return `success ${step.identity.user}${step.data === null ? "" : ` ${text(step.data)}`}`;
    case "failure":
      return `${step.reason} ${step.rule}`;
  }
}

/** What a client and a server came to. */
export interface Result {
  readonly step: ServerStep;
  /** The client believes it. */
  readonly complete: boolean;
  /** Every message, in order. */
  readonly said: readonly { readonly by: "client" | "server"; readonly octets: Uint8Array }[];
}

/**
 * An exchange as SMTP carries it: the data of a success is a challenge, to which the client has to say nothing.
 *
 * @param tamper changes the messages on their way, by their number
 */
export function meet(
  client: ClientMechanism,
  exchange: ServerExchange,
  stored: (user: string) => Stored,
  tamper: (octets: Uint8Array, index: number) => Uint8Array = (same) => same,
  mayAct?: boolean,
): Result {
  const said: { by: "client" | "server"; octets: Uint8Array }[] = [];
  const pass = (by: "client" | "server", message: Uint8Array): Uint8Array => {
    said.push({ by, octets: message });
    return tamper(message, said.length - 1);
  };
  const failed = (step: ServerStep): Result => ({ step, complete: false, said });
  let step = exchange.receive(client.initial ? pass("client", client.initial) : null);
  for (let rounds = 0; rounds < 10; rounds++) {
    if (step.type === "identity") step = exchange.verify(stored(step.identity.user), mayAct);
    if (step.type === "failure") return failed(step);
    const out = step.type === "challenge" ? step.octets : step.type === "success" ? step.data : null;
    if (out === null) return { step, complete: client.complete !== false, said };
    const response = client.respond(pass("server", out)) as Uint8Array | null;
    if (response === null)
      return failed({ type: "failure", reason: "denied", rule: "A-AUTH-06", detail: "*" });
    if (step.type === "success") {
      if (response.length > 0)
        return failed({ type: "failure", reason: "malformed", rule: "A-AUTH-11", detail: "" });
      return { step, complete: client.complete !== false, said };
    }
    step = exchange.receive(pass("client", response));
  }
  throw new Error("the exchange has no end");
}

/** The least time that something takes, of some attempts: a busy machine only ever makes it more. */
export function leastTime(work: () => void, attempts = 12): number {
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const since = performance.now();
    work();
    least = Math.min(least, performance.now() - since);
  }
  return least;
}
