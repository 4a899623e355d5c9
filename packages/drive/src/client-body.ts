import {
  ContentWriter,
  decodeUtf8,
  encodeUtf8,
  type Failure,
  type LineEndPolicy,
  type Scanner,
  UsageError,
} from "@sansmtp/core";

/**
 * The content of a message: header, empty line, text. Strings go as UTF-8. A stream can be read once; a function that
 * gives a new one at each call can be read again, which a retry and the splitting of many recipients need.
 */
export type OutgoingBody = string | Uint8Array | OutgoingStream | (() => OutgoingStream);

/** Content in pieces of any size. */
export type OutgoingStream = AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array | string>;

/** How text is checked. */
export interface TextRules {
  readonly lineEnds: LineEndPolicy;
  /** Octets of a line without CRLF. */
  readonly textLine: number;
  /** BINARYMIME: anything goes. */
  readonly binary: boolean;
  readonly scanner: Scanner | null;
}

/** What is known of content that is in memory. */
export interface Survey {
  /** Octets with CRLF line ends, the last one too: what SIZE declares (RFC 1870 §6.1). */
  readonly size: number;
  readonly eightBit: boolean;
  /** The header has UTF-8 in it (RFC 6532). */
  readonly utf8Header: boolean;
}

/** One reading of content. */
export interface Reading {
  /** The next piece, of a bounded size; null: that was all. */
  next(): Uint8Array | null | Promise<Uint8Array | null>;
  /** It is known that there is no next piece. */
  readonly over: boolean;
  /** No more is wanted: the stream can let go of what it holds. */
  release(): void;
}

/** The content of one message, read as often as it can be. */
export class Source {
  /** Null for a stream. */
  readonly survey: Survey | null;
  /** Why it cannot be sent. */
  readonly fault: Failure | null;
  readonly #open: () => Reading;
  readonly #repeatable: boolean;
  #opened: Reading | null = null;

  private constructor(
    open: () => Reading,
    repeatable: boolean,
    survey: Survey | null = null,
    fault: Failure | null = null,
  ) {
    this.#open = open;
    this.#repeatable = repeatable;
    this.survey = survey;
    this.fault = fault;
  }

  /**
   * Reads what is in memory to its end: what a server cannot take is known before anything is sent.
   *
   * @throws {UsageError} when it is no content
   */
  static of(body: OutgoingBody, rules: TextRules): Source {
    if (typeof body === "string") return Source.#text(encodeUtf8(body), rules);
    if (body instanceof Uint8Array) return Source.#text(body, rules);
    if (typeof body === "function") return new Source(() => new StreamReading(body()), true);
    if (isStream(body)) return new Source(() => new StreamReading(body), false);
    throw new UsageError(
      "body: must be a string, a Uint8Array, an async iterable, a ReadableStream, or give one",
    );
  }

  /** Whether it can be read from the start, once more or for the first time. */
  get fresh(): boolean {
    return this.#repeatable || this.#opened === null;
  }

  /** Whether it can be read more than once. */
  get repeatable(): boolean {
    return this.#repeatable;
  }

  /** Begins at the start. */
  open(): Reading {
    this.#opened = this.#open();
    return this.#opened;
  }

  /** It will not be read any more. */
  release(): void {
    try {
      if (this.#opened === null && !this.#repeatable) this.#opened = this.#open();
      this.#opened?.release();
    } catch {
      // Somebody else reads it, or it cannot be left: that is no news of the message.
    }
  }

  /** Lets go of content that nobody will send. */
  static discard(body: OutgoingBody): void {
    if (isStream(body)) new Source(() => new StreamReading(body), false).release();
  }

  static #text(octets: Uint8Array, { lineEnds, textLine, binary, scanner }: TextRules): Source {
    const writer = new ContentWriter({ dots: false, lineEnds, maxLine: textLine, binary, scanner });
    const text = writer.write(octets);
    const end = text instanceof Uint8Array ? writer.finish() : text;
    if (!(text instanceof Uint8Array) || !(end instanceof Uint8Array)) {
      const { fault, at } = end as Exclude<typeof end, Uint8Array>;
      return new Source(noReading, true, null, { code: fault, detail: `${faults[fault]} at octet ${at}` });
    }
    // DATA ends each message with CRLF; so it is the same message by BDAT, and its size is exact.
    const complete = binary || endsLine(end.length > 0 ? end : text);
    const pieces = [text, end, complete ? nothing : crLf].filter(({ length }) => length > 0);
    const size = pieces.reduce((sum, { length }) => sum + length, 0);
    const { eightBit } = writer;
    const utf8Header = eightBit && hasUtf8Header(text);
    return new Source(() => new MemoryReading(pieces), true, { size, eightBit, utf8Header });
  }
}

const faults = {
  "content-bare-cr": "CR without LF",
  "content-bare-lf": "LF without CR (see lineEnds)",
  "content-long-line": "line of more octets than the limit",
};

class MemoryReading implements Reading {
  readonly #pieces: readonly Uint8Array[];
  #piece = 0;
  #at = 0;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = pieces;
  }

  next(): Uint8Array | null {
    for (; this.#piece < this.#pieces.length; this.#piece++, this.#at = 0) {
      const octets = this.#pieces[this.#piece].subarray(this.#at, this.#at + pieceSize);
      this.#at += octets.length;
      if (octets.length > 0) return octets;
    }
    return null;
  }

  get over(): boolean {
    const left = this.#pieces.length - this.#piece;
    return left === 0 || (left === 1 && this.#at >= this.#pieces[this.#piece].length);
  }

  release(): void {}
}

class StreamReading implements Reading {
  readonly #pieces: Pieces;
  #rest: Uint8Array = nothing;
  /** The first half of a pair of surrogates, whose second half is in the next string. */
  #half = "";
  #ended = false;
  /** The stream has to be asked. */
  readonly over: boolean = false;

  constructor(stream: OutgoingStream) {
    if (!isStream(stream)) throw new UsageError("body: the function gave no stream");
    this.#pieces = piecesOf(stream);
  }

  next(): Uint8Array | null | Promise<Uint8Array | null> {
    return this.#rest.length > 0 ? this.#cut() : this.#read();
  }

  release(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#rest = nothing;
    // How a stream ends that nobody reads is nobody's concern.
    this.#pieces.leave().catch(() => {});
  }

  async #read(): Promise<Uint8Array | null> {
    while (this.#rest.length === 0) {
      if (this.#ended) return null;
      const { done, value } = await this.#pieces.next();
      if (done === true) {
        this.#ended = true;
        this.#rest = encodeUtf8(this.#half);
        if (this.#rest.length === 0) return null;
      } else if (typeof value === "string") {
        const text = this.#half + value;
        this.#half = /[\ud800-\udbff]$/.exec(text)?.[0] ?? "";
        this.#rest = encodeUtf8(text.slice(0, text.length - this.#half.length));
      } else if (value instanceof Uint8Array) {
        this.#rest = value;
      } else {
        throw new TypeError("body: a piece that is neither a string nor a Uint8Array");
      }
    }
    return this.#cut();
  }

  #cut(): Uint8Array {
    const octets = this.#rest.subarray(0, pieceSize);
    this.#rest = this.#rest.subarray(pieceSize);
    return octets;
  }
}

interface Pieces {
  next(): Promise<{ readonly done?: boolean; readonly value?: unknown }>;
  leave(): Promise<unknown>;
}

/** Not every runtime, nor every type of them, lets a ReadableStream be iterated. */
function piecesOf(stream: OutgoingStream): Pieces {
  if ("getReader" in stream) {
    const reader = stream.getReader();
    return { next: () => reader.read(), leave: () => reader.cancel() };
  }
  const iterator = stream[Symbol.asyncIterator]();
  return { next: () => iterator.next(), leave: async () => iterator.return?.() };
}

function isStream(body: unknown): body is OutgoingStream {
  return typeof body === "object" && body !== null && ("getReader" in body || Symbol.asyncIterator in body);
}

function endsLine(octets: Uint8Array): boolean {
  const { length } = octets;
  return length === 0 || (octets[length - 2] === 0x0d && octets[length - 1] === 0x0a);
}

/** Whether the header has characters beyond ASCII. */
function hasUtf8Header(text: Uint8Array): boolean {
  const header = text.subarray(0, headerEnd(text));
  return header.some((octet) => octet >= 0x80) && decodeUtf8(header) !== null;
}

/** Where the header ends, at the first empty line. */
function headerEnd(octets: Uint8Array): number {
  for (let at = octets.indexOf(0x0d); at >= 0; at = octets.indexOf(0x0d, at + 1)) {
    if (at === 0 || (octets[at + 2] === 0x0d && octets[at + 3] === 0x0a)) return at;
  }
  return octets.length;
}

const noReading = (): Reading => new MemoryReading([]);
const nothing: Uint8Array = new Uint8Array(0);
const crLf: Uint8Array = Uint8Array.of(0x0d, 0x0a);

/** Octets that are given to the session at a time: what waits for a slow server is no more than a few of these. */
const pieceSize = 65_536;
