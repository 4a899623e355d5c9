import { UsageError } from "@sansmtp/core";
import type { ConnectOptions } from "./connect.ts";

/** When a client uses TLS. */
export type Tls = NonNullable<ConnectOptions["tls"]>;

/** When TLS is used if nothing is said of it. */
export function defaultTls({ port, auth, allowInsecureAuth }: ConnectOptions): Tls {
  if (port === 465) return "implicit";
  return auth !== undefined && allowInsecureAuth !== true ? "required" : "offered";
}

/**
 * What is wanted of TLS, as far as a connection that is there can still do it.
 *
 * @param able whether it is inside TLS (`on`), never will be (`off`), can begin it (`starttls`), or can do that at once,
 * too (`any`)
 * @param what it is, for the error
 * @throws {UsageError} when what is wanted cannot be had
 */
export function tlsOver(options: ConnectOptions, able: keyof typeof possible, what: string): Tls {
  // No port says what it is: the connection is there.
  const { tls, port: _, ...others } = options;
  const wanted = tls ?? defaultTls(others);
  if (possible[able].includes(wanted)) return wanted;
  // TLS that is there already is more than what is wanted; where there can be none, none can be offered.
  if (able === "on" && wanted !== "never") return "implicit";
  if (able === "off" && tls === undefined && wanted === "offered") return "never";
  throw new UsageError(`tls: ${wanted} cannot be had with ${what}`);
}

const possible: Readonly<Record<"on" | "off" | "starttls" | "any", readonly Tls[]>> = {
  on: ["implicit"],
  off: ["never"],
  starttls: ["offered", "required", "never"],
  any: ["offered", "required", "never", "implicit"],
};
