import { reply, type ServeOptions, type Streams, serveStreams } from "@sansmtp/web";
import { onTestFinished } from "vitest";

/** Both ends of a connection in memory. */
export interface Ends {
  readonly client: Streams;
  readonly server: Streams;
}

/** How a connection in memory carries octets. */
export interface Carriage {
  /** Octets of a piece at most. */
  readonly piece?: number;
  /** Pieces that a stream holds before it says that it is full. */
  readonly holds?: number;
}

export function connected({ piece, holds = 1 }: Carriage = {}): Ends {
  const pipe = (): TransformStream<Uint8Array, Uint8Array> =>
    new TransformStream(
      {
        transform(octets, controller) {
          const step = piece ?? octets.length;
          for (let at = 0; at < octets.length; at += step) controller.enqueue(octets.slice(at, at + step));
        },
      },
      { highWaterMark: holds },
    );
  const up = pipe();
  const down = pipe();
  return {
    client: { readable: down.readable, writable: up.writable },
    server: { readable: up.readable, writable: down.writable },
  };
}

/** One end of a connection, played by hand. */
export class Hand {
  /** Everything that was received, an octet a character. */
  heard = "";
  ended = false;
  error: unknown = null;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  constructor({ readable, writable }: Streams) {
    this.#reader = (readable as ReadableStream<Uint8Array>).getReader();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  /** Sends octets; resolves when they were taken. */
  send(octets: string): Promise<void> {
    return this.#writer.write(Buffer.from(octets, "latin1"));
  }

  /** Reads the next piece. */
  async read(): Promise<string> {
    const { done, value } = await this.#reader.read();
    if (done) this.ended = true;
    const text = done ? "" : Buffer.from(value).toString("latin1");
    this.heard += text;
    return text;
  }

  /** Reads until what was heard matches, or to the end. */
  async hear(pattern?: RegExp): Promise<string> {
    while (!this.ended && !pattern?.test(this.heard)) await this.read();
    return this.heard;
  }

  end(): Promise<void> {
    return this.#writer.close();
  }

  /** Breaks the side that this end writes. */
  abort(error: Error): Promise<void> {
    return this.#writer.abort(error);
  }

  /** Breaks the side that this end reads. */
  cancel(error: Error): Promise<void> {
    return this.#reader.cancel(error);
  }

  /** Gives the streams back. */
  release(): void {
    this.#reader.releaseLock();
    this.#writer.releaseLock();
  }
}

/** A server that takes all mail, with what became of it; it is gone when the test is over. */
export function serving(streams: Streams, options: Partial<ServeOptions> = {}): Serving {
  const messages: string[] = [];
  const errors: unknown[] = [];
  const connection = serveStreams(streams, {
    name: "mx.example.com",
    rcpt: () => undefined,
    async message({ body }) {
      messages.push(await text(body));
      return reply(250, "2.0.0", "Queued");
    },
    onError: (error) => errors.push(error),
    ...options,
  });
  onTestFinished(() => connection.shutdown("now"));
  return { connection, messages, errors };
}

export interface Serving {
  readonly connection: ReturnType<typeof serveStreams>;
  readonly messages: string[];
  readonly errors: unknown[];
}

/** All content of a message, an octet a character. */
export async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const octets of body) pieces.push(octets);
  return Buffer.concat(pieces).toString("latin1");
}

/** The codes of the replies. */
export function codes(heard: string): string {
  return (heard.match(/^\d{3}(?=[ \r])/gm) ?? []).join(" ");
}

export const ehlo = "EHLO client.example.net\r\n";
export const envelope = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n";

export const message = {
  from: "a@example.net",
  to: ["b@example.com"],
  body: "Subject: hello\r\n\r\nIt works.\r\n",
} as const;
