import { redactUrl, type Send, type ServerEvent, type TlsInfo } from "@sansmtp/core";
import type { Closing, Connection } from "./connection.ts";
import type { Handlers } from "./handlers.ts";

/**
 * Those who are told and not asked: the hooks of an application. None of them can throw anything back at the pump.
 */
export class Audience {
  readonly #handlers: Pick<Handlers, "observe" | "onClose" | "onError">;
  readonly #connection: Connection;

  constructor(handlers: Handlers, connection: Connection) {
    this.#handlers = handlers;
    this.#connection = connection;
  }

  received(octets: Uint8Array): void {
    const hook = this.#handlers.observe?.receive;
    if (hook !== undefined) this.#tell(() => hook(octets, this.#connection));
  }

  sent(octets: Uint8Array): void {
    const hook = this.#handlers.observe?.send;
    if (hook !== undefined) this.#tell(() => hook(octets, this.#connection));
  }

  /** An event, without what is secret in it (G13). */
  event(event: Exclude<ServerEvent, Send>): void {
    const hook = this.#handlers.observe?.event;
    if (hook === undefined) return;
    this.#tell(() => hook(withoutSecrets(event), this.#connection));
  }

  secured(tls: TlsInfo): void {
    const hook = this.#handlers.observe?.secured;
    if (hook !== undefined) this.#tell(() => hook(tls, this.#connection));
  }

  closed(closing: Closing): void {
    const hook = this.#handlers.onClose;
    if (hook !== undefined) this.#tell(() => hook(closing, this.#connection));
  }

  error(error: unknown): void {
    try {
      if (this.#handlers.onError === undefined) console.error(error);
      else this.#handlers.onError(error, this.#connection);
    } catch {
      // There is nobody left to tell.
    }
  }

  #tell(hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.error(error);
    }
  }
}

function withoutSecrets(event: Exclude<ServerEvent, Send>): Exclude<ServerEvent, Send> {
  switch (event.type) {
    case "auth":
      return { ...event, response: null };
    case "burl":
      return { ...event, url: redactUrl(event.url) };
    default:
      return event;
  }
}
