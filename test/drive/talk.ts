import { Client, type ClientOptions } from "@sansmtp/drive";
import { settled, Wire } from "./wire.ts";

/** A client on a wire, and whoever plays the server. */
export class Talk {
  readonly wire: Wire;
  readonly client: Client;
  readonly errors: unknown[] = [];
  #seen = 0;

  constructor(options: Partial<ClientOptions> = {}, wire: Wire = new Wire()) {
    this.wire = wire;
    this.client = new Client(
      { name: "client.example.net", tls: "never", onError: (error) => this.errors.push(error), ...options },
      wire,
    );
  }

  /** A client that is ready, at a server that offers this. */
  static async ready(offer: readonly string[] = [], options: Partial<ClientOptions> = {}): Promise<Talk> {
    const talk = new Talk(options);
    await talk.greet(offer);
    await talk.client.ready;
    return talk;
  }

  async greet(offer: readonly string[] = []): Promise<void> {
    await this.say("220 mx.example.com ESMTP");
    await this.say(...hello(offer));
    this.heard();
  }

  /** The server says these lines; gives what the client says to them. */
  async say(...lines: string[]): Promise<string> {
    this.client.connection.receive(Buffer.from(lines.map((line) => `${line}\r\n`).join(""), "latin1"));
    await settled();
    return this.heard();
  }

  /** What the client has said since the last time. */
  heard(): string {
    const heard = this.wire.sent.slice(this.#seen);
    this.#seen = this.wire.sent.length;
    return heard;
  }

  /** Lets the connection rest until its next deadline, and wakes it then. */
  async expire(): Promise<number> {
    const { wakesAt, time } = this.wire;
    if (wakesAt === null) throw new Error("there is no deadline");
    this.wire.time = wakesAt;
    this.client.connection.wake();
    await settled();
    return wakesAt - time;
  }
}

/** The reply to EHLO. */
export function hello(offer: readonly string[]): string[] {
  const lines = ["mx.example.com", ...offer];
  return lines.map((line, at) => `250${at === lines.length - 1 ? " " : "-"}${line}`);
}

export const message = {
  from: "a@example.net",
  to: ["b@example.com"],
  body: "Subject: hello\r\n\r\nIt works.\r\n",
} as const;
