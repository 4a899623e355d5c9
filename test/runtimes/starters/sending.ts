import type { Client, Pool } from "@sansmtp/drive";
import type { Send, Sent } from "../calls.ts";
import { pieces } from "../content.ts";

/** A client or a pool that sends messages, and how far it is. */
export class Sending {
  /** Octets of content that were asked for. */
  taken = 0;
  readonly #client: Client | Pool;

  constructor(client: Client | Pool) {
    this.#client = client;
  }

  async send(
    { to = ["b@example.com"], size }: Omit<Send, "client" | "signal">,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Sent> {
    const message = { from: "a@example.net", to, body: () => this.#content(size), ...options };
    const { outcomes, safeToRetry } = await this.#client.send(message);
    return { statuses: outcomes.map(({ status }) => status), safeToRetry };
  }

  async quit(): Promise<null> {
    if ("quit" in this.#client) await this.#client.quit();
    return null;
  }

  async *#content(size: number): AsyncGenerator<Uint8Array> {
    for (const piece of pieces(size)) {
      this.taken += piece.length;
      yield piece;
    }
  }
}
