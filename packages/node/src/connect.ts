import { connect as connectNet, isIP, isIPv6, type Socket } from "node:net";
import { hostname } from "node:os";
import type { ConnectionOptions } from "node:tls";
import {
  type Endpoint,
  formatProxyHeader,
  type ProxyStatement,
  parseDomain,
  UsageError,
} from "@sansmtp/core";
import { Client, type ClientOptions, ConnectError, Pool, type PoolOptions } from "@sansmtp/drive";
import { endsOf } from "./addresses.ts";
import { ClientHandshakes } from "./client-handshakes.ts";
import { SocketTransport } from "./transport.ts";

/** Where to connect to, how the protocol goes, and what is Node's own. */
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
   * What `tls.connect` of Node takes: `ca`, `cert`, `servername`... The certificate has to be valid for the host
   * unless `rejectUnauthorized` is false; that is its default only where TLS is `offered` and there is no `auth`,
   * since nobody who could forge a certificate needs to: he could take away the offer.
   */
  readonly tlsOptions?: ConnectionOptions;
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

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the system
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const tls = options.tls ?? defaultTls(options);
  try {
    return await open(options, tls);
  } catch (error) {
    if (tls !== "offered" || !(error instanceof ConnectError) || error.code !== "tls-failed") throw error;
    return open(options, "never");
  }
}

/**
 * Makes a pool of connections to one server; each is made when it is needed, by {@link connect}. The `signal` ends
 * attempts to connect, not messages: these have a `signal` of their own.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createPool(options: ConnectOptions & PoolOptions): Pool {
  return new Pool(() => connect(options), options);
}

async function open(options: ConnectOptions, tls: Tls): Promise<Client> {
  const { signal, tlsOptions = {}, auth } = options;
  const { host = "localhost", proxyHeader } = options;
  const header = proxyHeader === undefined ? null : formatProxyHeader(proxyHeader);
  signal?.throwIfAborted();
  const port = options.port ?? defaultPort(options, tls);
  const socket = await dial(options, host, port);
  const verify = tls !== "offered" || auth !== undefined;
  const handshakes = new ClientHandshakes(host, { rejectUnauthorized: verify, ...tlsOptions });
  const transport = new SocketTransport(socket, handshakes);
  if (header !== null) socket.write(header);
  let client: Client;
  try {
    const name = options.name ?? ownName(endsOf(socket).local);
    const server = options.path === undefined ? { host, port } : {};
    client = new Client({ ...options, ...server, tls, name }, transport);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  transport.attach(client.connection);
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

/** A connected socket. */
function dial(options: ConnectOptions, host: string, port: number): Promise<Socket> {
  const { path, signal, connectTimeout = 30_000 } = options;
  if (path === undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new UsageError(`port: ${port}`);
  const common = { allowHalfOpen: true, noDelay: true };
  // A quarter of a second for each address, as Node has it, is less than some round trips.
  const family = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_500 };
  const socket =
    path === undefined ? connectNet({ host, port, ...common, ...family }) : connectNet({ path, ...common });
  const place = path ?? (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => failed(new Error("no answer in time")), connectTimeout);
    const settled = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
      socket.off("connect", connected).off("error", failed);
    };
    const connected = (): void => {
      settled();
      resolve(socket);
    };
    const failed = (error: Error): void => {
      settled();
      socket.on("error", () => {}).destroy();
      const detail = `cannot connect to ${place}: ${messageOf(error)}`;
      reject(new ConnectError({ code: "unreachable", detail }, null, error));
    };
    const aborted = (): void => {
      settled();
      socket.on("error", () => {}).destroy();
      reject(signal?.reason);
    };
    socket.once("connect", connected).once("error", failed);
    signal?.addEventListener("abort", aborted);
  });
}

function defaultTls({ port, auth, allowInsecureAuth }: ConnectOptions): Tls {
  if (port === 465) return "implicit";
  return auth !== undefined && allowInsecureAuth !== true ? "required" : "offered";
}

function defaultPort({ auth }: ConnectOptions, tls: Tls): number {
  return tls === "implicit" ? 465 : auth === undefined ? 25 : 587;
}

/** What the client calls itself: a domain that could be looked up, or the address that the server sees. */
function ownName(local: Endpoint | null): string {
  const name = hostname();
  if (name.includes(".") && isIP(name) === 0 && parseDomain(name) !== null) return name;
  const address = (local?.address ?? "127.0.0.1").replace(/%.*$/, "");
  return isIPv6(address) ? `[IPv6:${address}]` : `[${address}]`;
}

/** With several addresses that all fail, Node gives an error without a message that holds the others. */
function messageOf(error: Error): string {
  const { errors } = error as Error & { readonly errors?: readonly Error[] };
  return error.message || (errors ?? []).map(({ message }) => message).join("; ");
}

type Tls = NonNullable<ConnectOptions["tls"]>;
