import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { ExitError } from "./exit.ts";

/** A message to be sent: in memory when it is small enough, so that it is looked at before anything is said. */
export interface Content {
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** Octets in the file; null: nobody knows. */
  readonly size: number | null;
}

/**
 * Reads a file, or the standard input.
 *
 * @throws {ExitError} when it cannot be read
 */
export async function read(file: string | undefined): Promise<Content> {
  const standard = file === undefined || file === "-";
  try {
    const size = standard ? null : (await stat(file)).size;
    return await gathered(standard ? process.stdin : createReadStream(file), size);
  } catch (error) {
    const { message } = error as Error;
    const reason = /^[A-Z0-9]+: (.*?), /.exec(message)?.[1] ?? message;
    throw new ExitError("noInput", `cannot read ${standard ? "the standard input" : file}: ${reason}`);
  }
}

async function gathered(stream: Readable, size: number | null): Promise<Content> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterableIterator<Uint8Array>;
  while (length <= inMemory) {
    const { done, value } = await iterator.next();
    if (done === true) return { body: Buffer.concat(pieces), size: length };
    pieces.push(value);
    length += value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    yield* pieces.splice(0);
    yield* iterator;
  }
  return { body: all(), size };
}

/** Octets that are held in memory at most. */
const inMemory = 32 * 1024 * 1024;
