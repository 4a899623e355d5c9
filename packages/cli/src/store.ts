import { HeaderReader, loopReply, type Reply, reply } from "@sansmtp/core";
import { systemCode } from "./exit.ts";
import type { Draft, Maildir } from "./maildir.ts";

/** What became of a message: kept, refused, or not kept for a reason of this side. */
export type Outcome =
  | { readonly reply: Reply; readonly message: Kept; readonly error: null }
  | { readonly reply: Reply; readonly message: null; readonly error: Error | null };

/** A message that would survive a power failure. */
export interface Kept {
  readonly id: string;
  /** The path of its file. */
  readonly file: string;
  /** With the trace fields. */
  readonly octets: number;
}

/**
 * Keeps a message: streams it to a file, and says 250 only when it is on the disk. Of a message that is not
 * accepted nothing remains, so a client that tries again makes no second copy.
 *
 * @param trace makes the fields that go before the content (RFC 5321 §4.4), which itself stays as it is
 * @param body the content; what it throws is thrown here, when the file has been removed
 */
export async function store(
  maildir: Maildir,
  trace: (id: string) => Uint8Array,
  body: AsyncIterable<Uint8Array>,
): Promise<Outcome> {
  let draft: Draft | null = null;
  try {
    draft = await onDisk(maildir.draft());
    await onDisk(draft.write(trace(draft.id)));
    const header = new HeaderReader();
    for await (const octets of body) {
      header.take(octets);
      const looping = loopReply(header.received);
      if (looping !== null) return { reply: looping, message: null, error: null };
      await onDisk(draft.write(octets));
    }
    const file = await onDisk(draft.commit());
    const { id, size } = draft;
    return {
      reply: reply(250, "2.0.0", `Ok: queued as ${id}`),
      message: { id, file, octets: size },
      error: null,
    };
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    return { reply: full.has(error.code) ? noSpace : failed, message: null, error };
  } finally {
    // After `commit` there is nothing to discard.
    await draft?.discard();
  }
}

/** The disk failed, in contrast to the client. */
class DiskError extends Error {
  readonly code: string;

  constructor(cause: unknown) {
    super(`a message could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.code = systemCode(cause) ?? "";
  }
}

async function onDisk<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new DiskError(error);
  }
}

const noSpace = reply(452, "4.3.1", "Insufficient system storage");
const failed = reply(451, "4.3.0", "The message could not be kept, try again later");

/** No space on the disk, none left for this user, or none that a file may take. */
const full: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
