import type { ConnectionOptions, TlsOptions } from "node:tls";
import { UsageError } from "@sansmtp/core";
import { refuseOthers } from "@sansmtp/drive";
import type { Quirks } from "@sansmtp/node";

/**
 * Of what `tls.createServer` of Node takes, what Deno heeds; it would ignore the rest: `ciphers`, `secureOptions`,
 * `sigalgs`...
 */
export type ServerTls = Pick<TlsOptions, Common | "requestCert" | "SNICallback">;

/** Likewise, of what `tls.connect` of Node takes. */
export type ClientTls = Pick<ConnectionOptions, Common | "servername" | "checkServerIdentity">;

type Common = (typeof identity)[number] | (typeof terms)[number];

const identity = ["key", "cert", "pfx", "passphrase", "ca"] as const;
const terms = ["rejectUnauthorized", "minVersion", "maxVersion", "ALPNProtocols"] as const;

/** @throws {UsageError} naming the first option that Deno would ignore */
export function checkServerTls(options: ServerTls = {}): void {
  const own: readonly (keyof ServerTls)[] = ["requestCert", "SNICallback"];
  check(options, own);
}

/** @throws {UsageError} naming the first option that Deno would ignore */
export function checkClientTls(options: ClientTls = {}): void {
  const own: readonly (keyof ClientTls)[] = ["servername", "checkServerIdentity"];
  check(options, own);
}

function check(options: ServerTls | ClientTls, own: readonly string[]): void {
  refuseOthers(
    options,
    [...identity, ...terms, ...own],
    "TLS in Deno has no such option, and would ignore it",
  );
  for (const name of ["minVersion", "maxVersion"] as const) {
    const version = options[name];
    if (version !== undefined && version !== "TLSv1.2" && version !== "TLSv1.3")
      throw new UsageError(`tlsOptions.${name}: ${version}: TLS in Deno has 1.2 and 1.3`);
  }
}

/**
 * Deno goes on reading from a socket of Node on which a TLS socket was paused, and keeps all of it in memory
 * (denoland/deno#33524). That can be stopped at the handle, which is not public: without it there is no connection.
 */
const gate: NonNullable<Quirks["gate"]> = (raw, open) => {
  const { _handle: handle } = raw as typeof raw & { readonly _handle?: Partial<Handle> | null };
  if (handle === null || raw.destroyed) return;
  if (handle?.readStart === undefined || handle.readStop === undefined)
    return void raw.destroy(new Error("this version of Deno cannot hold back what comes over TLS"));
  if (open) handle.readStart();
  else handle.readStop();
};

/**
 * What the sockets of Node do otherwise in Deno. It has no exporter of TLS, and its Finished is not the one that was
 * sent, so that no channel binding can be had.
 */
export const quirks: Quirks = { gate, bindings: false };

interface Handle {
  readStart(): void;
  readStop(): void;
}
