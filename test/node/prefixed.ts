import { Duplex } from "node:stream";

/** A connection on which a header goes before the first octets, cut somewhere. */
export class Prefixed extends Duplex {
  readonly #inner: Duplex;
  #header: Buffer | null;
  readonly #cut: number;

  constructor(inner: Duplex, header: Buffer, cut: number) {
    super();
    this.#inner = inner;
    this.#header = header;
    this.#cut = cut;
    inner.on("data", (octets) => this.push(octets));
    inner.on("end", () => this.push(null));
  }

  override _read(): void {}

  override _write(octets: Buffer, _: string, done: () => void): void {
    const whole = this.#header === null ? octets : Buffer.concat([this.#header, octets]);
    const cut = this.#header === null ? 0 : this.#cut;
    this.#header = null;
    if (cut > 0) this.#inner.write(whole.subarray(0, cut));
    setTimeout(() => this.#inner.write(whole.subarray(cut), done), cut > 0 ? 30 : 0);
  }
}
