import {
  type ClientConfig,
  ClientSession,
  type ServerConfig,
  ServerSession,
  UsageError,
} from "@sansmtp/core";
import type { Called, Recording } from "./recording.ts";
import { toPlain } from "./recording.ts";

/** A recorded call, made again. */
export interface Step {
  readonly call: string;
  readonly with: readonly unknown[];
  /** What came of it then and now, on one line each; `same` if there is no difference. */
  readonly then: string;
  readonly now: string;
  readonly same: boolean;
}

/** What came of a replay. */
export interface Replayed {
  /** Every call gave what it gave when it was recorded. */
  readonly same: boolean;
  /** Null; or the first call that differs, with those that led to it: `-` what was recorded, `+` what came now. */
  readonly diff: string | null;
  readonly steps: readonly Step[];
}

/**
 * Makes the calls of a recording again, in a fresh session.
 *
 * @param config another configuration than the recorded one, to see what it would have changed
 * @throws {UsageError} when the recording has a call that no session knows
 */
export function replay(
  recording: Recording,
  config: ServerConfig | ClientConfig = recording.config,
): Replayed {
  const session =
    recording.side === "server"
      ? new ServerSession(config as ServerConfig, recording.now)
      : new ClientSession(config as ClientConfig, recording.now);
  const steps = recording.calls.map((called) => step(session, called));
  const at = steps.findIndex(({ same }) => !same);
  return { same: at < 0, diff: at < 0 ? null : difference(steps, at), steps };
}

function step(session: object, called: Called): Step {
  const now = call(session, called);
  const then = called.throws === undefined ? line(called.gives) : `throws ${called.throws}`;
  return { call: called.call, with: called.with, then, now, same: then === now };
}

function call(session: object, { call, with: given }: Called): string {
  const method: unknown = Reflect.get(session, call, session);
  if (typeof method !== "function" || call === "constructor") {
    throw new UsageError(`replay: no session has a call ${JSON.stringify(call)}`);
  }
  try {
    return line(method.apply(session, given));
  } catch (error) {
    return `throws ${(error as Error).message}`;
  }
}

function line(value: unknown): string {
  return JSON.stringify(toPlain(value));
}

function difference(steps: readonly Step[], at: number): string {
  const before = steps.slice(Math.max(0, at - context), at).map((each) => `  ${shown(each)} = ${each.then}`);
  const differing = steps[at] as Step;
  const lines = [`call ${at + 1} of ${steps.length} differs`, ...before, `  ${shown(differing)}`];
  return [...lines, `- ${differing.then}`, `+ ${differing.now}`].join("\n");
}

function shown({ call, with: given }: Step): string {
  return `${call}(${given.map(line).join(", ")})`;
}

const context = 5;
