import type { ConnectionOptions, TlsOptions } from "node:tls";
import { UsageError } from "@sansmtp/core";
import { givenIn, refuseOthers } from "@sansmtp/drive";
import type { NativeTls } from "./sockets.ts";

/** Of what `tls.createServer` of Node takes, what Bun heeds. */
export type ServerTls = Pick<TlsOptions, Common | "requestCert" | "SNICallback">;

/** Likewise, of what `tls.connect` of Node takes. */
export type ClientTls = Pick<ConnectionOptions, Common | "servername" | "checkServerIdentity">;

type Common = (typeof identity)[number] | (typeof terms)[number] | (typeof compatible)[number];

/** What Bun's own sockets take: who this is, and on what terms it speaks. */
const identity = ["key", "cert", "passphrase", "ca"] as const;
const terms = ["rejectUnauthorized", "minVersion", "maxVersion", "ciphers", "ecdhCurve", "sigalgs"] as const;
/** What only the sockets of Node that Bun has take. */
const compatible = ["pfx", "crl", "ALPNProtocols", "secureOptions"] as const;

/**
 * The options, as Bun has to be told them.
 *
 * @throws {UsageError} naming the first that Bun would ignore
 */
export function serverTls(options: ServerTls): ServerTls {
  check(options, ["requestCert", "SNICallback"]);
  return withVersions(options);
}

/**
 * Likewise.
 *
 * @throws {UsageError} naming the first that Bun would ignore
 */
export function clientTls(options: ClientTls = {}): ClientTls {
  check(options, ["servername", "checkServerIdentity"]);
  return withVersions(options);
}

/** Bun's own sockets can do all that is asked for. */
export function isNative(options: ServerTls): boolean {
  return !givenIn(options).some((name) => ["SNICallback", ...compatible].includes(name));
}

/** What Bun's own sockets are told. It is never empty: `tls: {}` would be none. */
export function nativeTls(options: ServerTls): NativeTls {
  const { minVersion = "TLSv1.2", maxVersion = "TLSv1.3" } = options;
  const named = [...identity, ...terms].map((name) => [name, options[name]] as const);
  const given = Object.fromEntries(named.filter(([, value]) => value !== undefined));
  return { ...given, minVersion: versions[minVersion], maxVersion: versions[maxVersion] };
}

function check(options: ServerTls | ClientTls, own: readonly string[]): void {
  refuseOthers(options, [...identity, ...terms, ...compatible, ...own], "Bun would ignore it");
  for (const name of ["minVersion", "maxVersion"] as const) {
    const version = options[name];
    if (version !== undefined && !(version in versions))
      throw new UsageError(`tlsOptions.${name}: ${version}`);
  }
}

/** Ciphers that are given are all there are, in Node; Bun would leave those of TLS 1.3 as they are. */
function withVersions<Options extends ServerTls | ClientTls>(options: Options): Options {
  const { ciphers, minVersion, maxVersion } = options;
  if (ciphers === undefined) return options;
  if (/TLS_/.test(ciphers))
    throw new UsageError("tlsOptions.ciphers: Bun cannot choose among the ciphers of TLS 1.3");
  if (minVersion === "TLSv1.3")
    throw new UsageError("tlsOptions.ciphers: none is of TLS 1.3, which minVersion demands");
  return maxVersion === undefined || maxVersion === "TLSv1.3"
    ? { ...options, maxVersion: "TLSv1.2" }
    : options;
}

/** As they are on the wire (RFC 8446 §4.2.1). */
const versions = { TLSv1: 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304 } as const;
