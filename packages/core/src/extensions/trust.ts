import { bug, UsageError } from "../errors.ts";
import { inNetworks, parseNetwork } from "../wire/network.ts";
import type { Extension, Surroundings } from "./extension.ts";
import { textsOf } from "./values.ts";

/** Whose word is taken for who a client is. */
export interface TrustOptions {
  /** Addresses, IPv4 or IPv6, and networks (`192.0.2.0/24`): what connects from there is believed. */
  readonly trusted: readonly string[];
}

/** XCLIENT (Postfix): a proxy in front tells who the client is, as if it had connected itself. */
export const xclient: Extension = {
  name: "xclient",
  keyword: "XCLIENT",
  source: "Postfix, XCLIENT_README",
  purpose: "a proxy in front tells who the client is",
  verbs: ["XCLIENT"],
  announce: (surroundings) =>
    isTrusted(surroundings.extensions.xclient, surroundings) ? xclientNames.join(" ") : null,
};

/** XFORWARD (Postfix): a relay in front tells where a message came from, for logs and traces alone. */
export const xforward: Extension = {
  name: "xforward",
  keyword: "XFORWARD",
  source: "Postfix, XFORWARD_README",
  purpose: "a relay in front tells where a message came from",
  verbs: ["XFORWARD"],
  announce: (surroundings) =>
    isTrusted(surroundings.extensions.xforward, surroundings) ? xforwardNames.join(" ") : null,
};

/** The attributes of XCLIENT, in the order in which they are announced and sent: the address last of all. */
export const xclientNames = [
  "NAME",
  "PORT",
  "PROTO",
  "HELO",
  "LOGIN",
  "DESTADDR",
  "DESTPORT",
  "ADDR",
] as const;

/** The attributes of XFORWARD. */
export const xforwardNames = ["NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE"] as const;

/** Whether a client's address is one that is believed. */
export function isTrusted(
  options: false | TrustOptions,
  { address }: Pick<Surroundings, "address">,
): boolean {
  if (options === false || address === null) return false;
  return options.trusted.some((text) =>
    inNetworks(address, [parseNetwork(text) ?? bug("a network unchecked")]),
  );
}

/** @throws {UsageError} for options that cannot be */
export function checkTrust(name: string, options: false | TrustOptions): void {
  if (options === false) return;
  for (const text of textsOf(`extensions.${name}.trusted`, options.trusted)) {
    if (parseNetwork(text) === null)
      throw new UsageError(
        `extensions.${name}.trusted: neither address nor network: ${JSON.stringify(text)}`,
      );
  }
}
