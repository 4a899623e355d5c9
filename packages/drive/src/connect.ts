import {
  canonicalAddress,
  type Endpoint,
  formatProxyHeader,
  type ProxyStatement,
  parseDomain,
  UsageError,
} from "@sansmtp/core";
import { unlessAborted } from "./aborted.ts";
import { Client, type ClientOptions } from "./client.ts";
import { ConnectError } from "./client-error.ts";
import type { Incoming } from "./connection.ts";
import type { SocketTransport } from "./socket-transport.ts";
import { defaultTls, type Tls } from "./tls-choice.ts";
import type { Transport } from "./transport.ts";

/** Where to connect to, how the protocol goes, and TLS, of which the options are as the adapter's runtime takes them. */
export interface SecureConnectOptions<TlsOptions> extends ConnectOptions {
  /**
   * Of what `tls.connect` of Node takes, what the runtime heeds: `ca`, `cert`, `servername`... The certificate has to be
   * valid for the host unless `rejectUnauthorized` is false; that is its default only where TLS is `offered` and there is
   * no `auth`, since nobody who could forge a certificate needs to: he could take away the offer.
   */
  readonly tlsOptions?: TlsOptions;
}

/** Where to connect to, and how the protocol goes. */
export interface ConnectOptions extends Omit<ClientOptions, "name"> {
  /** Name or address of the server. Default `localhost`. */
  readonly host?: string;
  /** Default 465 with TLS from the start, 587 with `auth`, else 25. */
  readonly port?: number;
  /** A Unix socket, in the place of host and port. */
  readonly path?: string;
  /**
   * The argument of EHLO. The default is the name of this machine if that is a full one, else its address on this
   * connection (RFC 5321 §4.1.4).
   */
  readonly name?: string;
  /**
   * When to use TLS. Default: `implicit` on port 465; `required` with `auth`, unless `allowInsecureAuth` is true; else
   * `offered`. A handshake that fails where it was only `offered` leads to another connection without TLS: never does
   * the same one go on in the clear (RFC 3207 §4.1).
   */
  readonly tls?: "never" | "offered" | "required" | "implicit";
  /**
   * Whom the server is to take for the client, said by the PROXY protocol before anything else, before TLS, too. Only
   * for a server that is set up to expect it. See {@link formatProxyHeader}.
   */
  readonly proxyHeader?: ProxyStatement;
  /** How long to wait for the connection itself, in milliseconds. Default 30,000. */
  readonly connectTimeout?: number;
  /** Ends the attempt; when the client is ready it has done its work. */
  readonly signal?: AbortSignal;
}

/** What an adapter is asked for. */
export interface Target {
  readonly place: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Whose certificate is expected. */
  readonly host: string;
  readonly tls: NonNullable<ConnectOptions["tls"]>;
  /** The certificate has to be valid for the host, unless the caller's own options say otherwise. */
  readonly verify: boolean;
}

/** A connection that was made, and on which nothing has happened yet: TLS has not begun, either. */
export interface Dialled {
  readonly transport: Transport;
  /** This end; null where it has no address. */
  readonly local: Endpoint | null;
  /** Tells the connection what happens from now on. */
  attach(connection: Incoming): void;
  /** Lets go of it at once. */
  destroy(): void;
}

/** What an adapter has dialled. */
export function dialled(transport: SocketTransport, local: Endpoint | null): Dialled {
  return {
    transport,
    local,
    attach: (connection) => transport.attach(connection),
    destroy: () => transport.destroy(),
  };
}

/** How an adapter connects. It rejects with the system's error; it need not heed the signal, but it may. */
export interface Dialler {
  dial(target: Target, signal: AbortSignal): Promise<Dialled>;
  /** The name of this machine; empty where that is not told. */
  hostname(): string;
}

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done. What `connect` of each
 * adapter does.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the system
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export async function connectBy(options: ConnectOptions, dialler: Dialler): Promise<Client> {
  const tls = options.tls ?? defaultTls(options);
  try {
    return await open(options, tls, dialler);
  } catch (error) {
    if (tls !== "offered" || !(error instanceof ConnectError) || error.code !== "tls-failed") throw error;
    return open(options, "never", dialler);
  }
}

async function open(options: ConnectOptions, tls: Tls, dialler: Dialler): Promise<Client> {
  const { signal, auth, host = "localhost", path, proxyHeader } = options;
  // What cannot be said is known before anything is dialled.
  if (proxyHeader !== undefined) formatProxyHeader(proxyHeader);
  signal?.throwIfAborted();
  const port = options.port ?? defaultPort(options, tls);
  if (path === undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new UsageError(`port: ${port}`);
  const place = path === undefined ? { host, port } : { path };
  const verify = tls !== "offered" || auth !== undefined;
  const found = await dial(options, { place, host, tls, verify }, dialler);
  const name = options.name ?? ownName(dialler.hostname(), found.local);
  const server = "path" in place ? {} : place;
  return connectOver({ ...options, ...server, tls, name }, found);
}

/**
 * Makes a client on a connection that is there, and waits until it takes messages. There is no other one to fall back
 * on: a handshake that fails is `tls-failed`, though TLS was only offered.
 *
 * @throws {ConnectError} (as a rejection) when it never will
 * @throws {UsageError} (as a rejection) naming the option that cannot be; the connection is let go of
 */
export async function connectOver(
  options: ClientOptions & Pick<ConnectOptions, "signal" | "proxyHeader">,
  over: Dialled,
): Promise<Client> {
  const { signal, proxyHeader } = options;
  let client: Client;
  try {
    if (proxyHeader !== undefined) void over.transport.write(formatProxyHeader(proxyHeader));
    client = new Client(options, over.transport);
  } catch (error) {
    over.destroy();
    throw error;
  }
  over.attach(client.connection);
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

/** A connection, in time. */
async function dial(options: ConnectOptions, target: Target, dialler: Dialler): Promise<Dialled> {
  const { signal, connectTimeout = 30_000 } = options;
  const attempt = new AbortController();
  const abort = (): void => attempt.abort(signal?.reason);
  const timer = setTimeout(() => attempt.abort(new Error("no answer in time")), connectTimeout);
  signal?.addEventListener("abort", abort);
  const found = dialler.dial(target, attempt.signal);
  try {
    return await unlessAborted(found, attempt.signal);
  } catch (error) {
    // What comes too late is let go of.
    found.then(
      (late) => late.destroy(),
      () => {},
    );
    signal?.throwIfAborted();
    const detail = `cannot connect to ${placeName(target)}: ${messageOf(error)}`;
    throw new ConnectError({ code: "unreachable", detail }, null, error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

function placeName({ place }: Target): string {
  if ("path" in place) return place.path;
  return place.host.includes(":") ? `[${place.host}]:${place.port}` : `${place.host}:${place.port}`;
}

function defaultPort({ auth }: ConnectOptions, tls: Tls): number {
  return tls === "implicit" ? 465 : auth === undefined ? 25 : 587;
}

/** What the client calls itself: a domain that could be looked up, or the address that the server sees. */
function ownName(name: string, local: Endpoint | null): string {
  if (name.includes(".") && canonicalAddress(name) === null && parseDomain(name) !== null) return name;
  const address = (local?.address ?? "127.0.0.1").replace(/%.*$/, "");
  return address.includes(":") ? `[IPv6:${address}]` : `[${address}]`;
}

/** With several addresses that all fail, an error may have no message and hold the others. */
function messageOf(error: unknown): string {
  const { message = "", errors = [] } = error as { message?: string; errors?: readonly Error[] };
  return message || errors.map((each) => each.message).join("; ");
}
