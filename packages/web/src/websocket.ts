import type { Streams } from "./streams.ts";

/** A WebSocket, of the platform or of a library, as far as it is needed here. */
export interface BinaryWebSocket {
  binaryType: string;
  readonly readyState: number;
  /** Octets that were sent and have not left; some platforms do not say. */
  readonly bufferedAmount?: number;
  send(octets: Uint8Array<ArrayBuffer>): void;
  close(code?: number): void;
  addEventListener(type: "open" | "error", listener: () => void): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: "close",
    listener: (event: { readonly code: number; readonly wasClean: boolean }) => void,
  ): void;
}

/**
 * The streams of a WebSocket that carries octets in binary frames, whatever their borders.
 *
 * Two things it cannot do. It cannot hold back the peer: what nobody reads piles up here, and ends the connection when
 * it is more than `maxUnread`. And it cannot end one side alone: closing `writable` closes it, and what the peer sends
 * then is lost. When `bufferedAmount` says that the peer does not read, writing waits; without it, it does not.
 *
 * @param options `maxUnread`: octets; default 16 MiB, for a message that comes faster than it is stored
 */
export function webSocketStreams(
  socket: BinaryWebSocket,
  { maxUnread = 16_777_216 }: { readonly maxUnread?: number } = {},
): Streams {
  socket.binaryType = "arraybuffer";
  let reading: ReadableStreamDefaultController<Uint8Array>;
  let writing: WritableStreamDefaultController;
  let over = false;
  const opened = later();
  const closed = later();
  const end = (error: Error | null): void => {
    if (over) return;
    over = true;
    opened.resolve();
    closed.resolve();
    if (error === null) reading.close();
    else reading.error(error);
    writing.error(error ?? new Error("the WebSocket was closed"));
    socket.close();
  };
  const readable = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        reading = controller;
      },
      cancel: () => end(new Error("the WebSocket is not read any more")),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: maxUnread }),
  );
  const writable = new WritableStream<Uint8Array>(
    {
      start: (controller) => {
        writing = controller;
        return socket.readyState === connecting ? opened.promise : undefined;
      },
      write: async (octets) => {
        // What is sent after the end is dropped without a word.
        if (over || socket.readyState !== open) throw new Error("the WebSocket is not open");
        socket.send(octets as Uint8Array<ArrayBuffer>);
        while (!over && (socket.bufferedAmount ?? 0) > bufferedLimit) await pause();
      },
      close: () => {
        socket.close(1000);
        return closed.promise;
      },
      abort: () => end(new Error("the WebSocket was given up")),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 65_536 }),
  );
  socket.addEventListener("open", opened.resolve);
  socket.addEventListener("message", ({ data }) => {
    if (over) return;
    if (!(data instanceof ArrayBuffer)) return end(new TypeError("a WebSocket frame that is not binary"));
    reading.enqueue(new Uint8Array(data));
    if ((reading.desiredSize ?? 0) < 0) end(new Error(`more than ${maxUnread} octets are unread`));
  });
  socket.addEventListener("error", () => end(new Error("the WebSocket failed")));
  socket.addEventListener("close", ({ code, wasClean }) =>
    end(wasClean ? null : new Error(`the WebSocket broke off: ${code}`)),
  );
  return { readable, writable };
}

function later(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** There is no event for it. */
function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** Values of `readyState`. */
const connecting = 0;
const open = 1;

/** Octets that may wait in the WebSocket: with a look each 10 ms it is not what limits the rate. */
const bufferedLimit = 1_048_576;
