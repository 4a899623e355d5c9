import {
  type ClientConfig,
  ClientSession,
  type Millis,
  type ServerConfig,
  ServerSession,
} from "@sansmtp/core";
import type { Side } from "./faults.ts";
import { type Called, type Recording, writeRecording } from "./recording.ts";
import { redact } from "./redaction.ts";

/** A session whose calls, with their octets, times and answers, and everything that it tells, are written down. */
export interface Recorder<Session = ClientSession | ServerSession> {
  /** To be used as any other. */
  readonly session: Session;
  /** What was written down so far. AUTH exchanges are replaced by placeholders, unless `secrets` asks for them. */
  recording(options?: { readonly secrets?: boolean }): Recording;
  /** The recording as JSON lines. */
  toString(): string;
}

/** Makes a server session that is recorded. */
export function recordServer(config: ServerConfig, now: Millis = 0): Recorder<ServerSession> {
  return record("server", config, now, new ServerSession(config, now));
}

/** Makes a client session that is recorded. */
export function recordClient(config: ClientConfig, now: Millis = 0): Recorder<ClientSession> {
  return record("client", config, now, new ClientSession(config, now));
}

function record<Session extends object>(
  side: Side,
  config: ServerConfig | ClientConfig,
  now: Millis,
  session: Session,
): Recorder<Session> {
  const calls: Called[] = [];
  const recording = (options: { readonly secrets?: boolean } = {}): Recording => {
    const whole: Recording = { side, config, now, calls: [...calls] };
    return options.secrets === true ? whole : redact(whole);
  };
  return {
    session: new Proxy(session, { get: (target, name) => member(target, name, calls) }),
    recording,
    toString: () => writeRecording(recording()),
  };
}

/** A getter's value; or a method that is written down, but for `snapshot`, which changes nothing. */
function member(session: object, name: string | symbol, calls: Called[]): unknown {
  const value: unknown = Reflect.get(session, name, session);
  if (typeof value !== "function") return value;
  if (name === "snapshot") return value.bind(session);
  return (...given: unknown[]) => {
    const args = given.map(copied);
    try {
      const gives: unknown = value.apply(session, given);
      calls.push({ call: String(name), with: args, gives: copied(gives) });
      return gives;
    } catch (error) {
      calls.push({ call: String(name), with: args, throws: String((error as Error).message) });
      throw error;
    }
  };
}

/** Octets are copied: the caller may use their buffer again. */
function copied(value: unknown): unknown {
  return value instanceof Uint8Array ? value.slice() : value;
}
