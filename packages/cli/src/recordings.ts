import { accessSync, closeSync, constants, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Millis, type ServerConfig, ServerSession } from "@sansmtp/core";
import type { Handlers } from "@sansmtp/node";
import { type Recorder, type Recording, recordServer, redact, writeRecording } from "@sansmtp/testing";
import type { Journal } from "./journal.ts";

/** The handlers of a server whose sessions are recorded in files. */
export function recorded(
  handlers: Handlers,
  config: ServerConfig,
  recordings: Recordings,
  journal: Journal,
): Handlers {
  const { observe } = handlers;
  const failed = (connection: number, error: unknown): void =>
    journal({ event: "failed", connection, error: `not recorded: ${(error as Error).message}` });
  return {
    ...handlers,
    session(_, now, id) {
      try {
        return recordings.begin(id, config, now, (error) => failed(id, error));
      } catch (error) {
        failed(id, error);
        return new ServerSession(config, now);
      }
    },
    observe: {
      ...observe,
      send(octets, connection) {
        observe?.send?.(octets, connection);
        recordings.later(connection.id);
      },
    },
    onClose(closing, connection) {
      recordings.end(connection.id);
      handlers.onClose?.(closing, connection);
    },
  };
}

/**
 * A folder of recordings, a file for each connection, named by the time and its number.
 *
 * They are written while the sessions go on, each time that one has come to rest between commands: then whatever AUTH
 * exchange there was is over, so that all of a secret is known and taken out before a part of it is written. To write
 * is synchronous, so that a recording is there whatever happens next, and what is left is written when the process
 * exits.
 */
export class Recordings {
  readonly #directory: string;
  readonly #open: Map<number, Writer> = new Map();

  /** @throws the error of the operating system when the folder cannot be made or written to */
  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.W_OK);
    this.#directory = directory;
    process.once("exit", () => {
      for (const id of [...this.#open.keys()]) this.end(id);
    });
  }

  /**
   * Makes a session that is recorded.
   *
   * @param onError is told why the rest cannot be written, once
   * @throws the error of the operating system when the file cannot be made
   */
  begin(id: number, config: ServerConfig, now: Millis, onError: (error: unknown) => void): ServerSession {
    const time = new Date().toISOString().replace(/[-:]/g, "");
    const writer = new Writer(join(this.#directory, `${time}-${id}.jsonl`), config, now, onError);
    this.#open.set(id, writer);
    return writer.session;
  }

  /** Writes what is new as soon as what is going on has been done, if the session is at rest then. */
  later(id: number): void {
    this.#open.get(id)?.later();
  }

  /** The connection is over: writes the rest. */
  end(id: number): void {
    this.#open.get(id)?.end();
    this.#open.delete(id);
  }
}

/** One recording and its file. */
class Writer {
  readonly #recorder: Recorder<ServerSession>;
  readonly #onError: (error: unknown) => void;
  /** Null: it was closed. */
  #file: number | null;
  /** How many calls were written. */
  #written = 0;
  #due = false;

  constructor(path: string, config: ServerConfig, now: Millis, onError: (error: unknown) => void) {
    this.#recorder = recordServer(config, now);
    this.#onError = onError;
    // Exclusive, and for nobody else to read: in it is mail.
    this.#file = openSync(path, "wx", 0o600);
    this.#append(writeRecording(this.#recorder.recording()));
  }

  get session(): ServerSession {
    return this.#recorder.session;
  }

  later(): void {
    if (this.#due) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      const recording = this.#news();
      if (this.#resting(recording.calls)) this.#write(recording);
    });
  }

  end(): void {
    this.#write(this.#news());
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  /** What was not written yet, with its secrets. */
  #news(): Recording {
    const { calls, ...head } = this.#recorder.recording({ secrets: true });
    return { ...head, calls: calls.slice(this.#written) };
  }

  /** What was received were whole commands, and all of them were answered. */
  #resting(calls: Recording["calls"]): boolean {
    const { waiting, reader } = this.session;
    const last = calls.filter(({ call }) => call === "receive").at(-1)?.with[0] as Uint8Array | undefined;
    return waiting === "input" && reader === "line" && (last === undefined || last.at(-1) === lineFeed);
  }

  #write(recording: Recording): void {
    this.#written += recording.calls.length;
    const text = writeRecording(redact(recording));
    // The first line is in the file already.
    this.#append(text.slice(text.indexOf("\n") + 1));
  }

  #append(text: string): void {
    if (this.#file === null) return;
    try {
      const octets = new TextEncoder().encode(text);
      for (let at = 0; at < octets.length; ) at += writeSync(this.#file, octets, at);
    } catch (error) {
      closeSync(this.#file);
      this.#file = null;
      this.#onError(error);
    }
  }
}

const lineFeed = 0x0a;
