import type { ClientConfig } from "@sansmtp/core";
import type { Client, ClientOptions } from "./client.ts";
import { ConnectError } from "./client-error.ts";

/** When a client uses TLS. */
export type ClientTls = NonNullable<ClientConfig["tls"]>;

/** What an application says of where and how to connect, in any runtime. */
export interface ConnectChoices extends Pick<ClientOptions, "auth" | "allowInsecureAuth"> {
  readonly port?: number;
  /**
   * Default: `implicit` on port 465; `required` with `auth`, unless `allowInsecureAuth` is true; else `offered`.
   */
  readonly tls?: ClientTls;
}

/** When to use TLS, if the application does not say. */
export function chosenTls({ port, tls, auth, allowInsecureAuth }: ConnectChoices): ClientTls {
  if (tls !== undefined) return tls;
  if (port === 465) return "implicit";
  return auth !== undefined && allowInsecureAuth !== true ? "required" : "offered";
}

/** Where to connect to, if the application does not say: 465 with TLS from the start, 587 with `auth`, else 25. */
export function chosenPort({ port, auth }: ConnectChoices, tls: ClientTls): number {
  return port ?? (tls === "implicit" ? 465 : auth === undefined ? 25 : 587);
}

/**
 * Makes a client by `open`. Where TLS was only offered and its handshake fails, another connection is made without:
 * never does the same one go on in the clear (RFC 3207 §4.1).
 */
export async function openClient(tls: ClientTls, open: (tls: ClientTls) => Promise<Client>): Promise<Client> {
  try {
    return await open(tls);
  } catch (error) {
    if (tls !== "offered" || !(error instanceof ConnectError) || error.code !== "tls-failed") throw error;
    return open("never");
  }
}

/**
 * Waits until a client takes messages. The signal ends the attempt, and has done its work then.
 *
 * @throws {ConnectError} (as a rejection) when it never will; the reason of the signal (likewise) when that is aborted
 */
export async function readyClient(client: Client, signal: AbortSignal | undefined): Promise<Client> {
  const abort = (): void => client.close();
  signal?.addEventListener("abort", abort);
  try {
    if (signal?.aborted) abort();
    await client.ready;
    return client;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
