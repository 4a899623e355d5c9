import type { Extension, ExtensionName, Surroundings } from "../extensions/extension.ts";
import { extensionOf, registry } from "../extensions/registry.ts";
import type { AuthMechanism } from "./config.ts";
import type { TlsInfo } from "./events.ts";
import type { ServerSettings } from "./settings.ts";
import type { Offer } from "./state.ts";

/**
 * The extension lines of an EHLO or LHLO reply (RFC 5321 §4.1.1.1), made anew each time: what is offered may
 * differ before and after TLS and AUTH, and by who the client is.
 */
export function capabilities(surroundings: Surroundings, settings: ServerSettings): readonly string[] {
  const lines: string[] = [];
  for (const extension of registry) {
    const words = announced(extension, surroundings, settings);
    if (words !== null) lines.push(words === "" ? extension.keyword : `${extension.keyword} ${words}`);
  }
  for (const { keyword, announce } of settings.custom) {
    if (keyword !== null) lines.push(announce === "" ? keyword : `${keyword} ${announce}`);
  }
  // They are shown to the application before they are sent.
  return Object.freeze(lines);
}

/** What stands behind the keyword of an extension now; null: it is not offered to this client now. */
export function announced(
  { name, announce }: Extension,
  surroundings: Surroundings,
  settings: ServerSettings,
): string | null {
  if (!offered(name, settings)) return null;
  return announce === undefined ? "" : announce(surroundings);
}

/** Whether a configuration offers something at all. */
export function offered(offer: Offer, settings: ServerSettings): boolean {
  switch (offer) {
    case "always":
      return true;
    case "never":
      return false;
    case "starttls":
      return settings.tls !== "none";
    case "auth":
      return settings.mechanisms.length > 0;
    default:
      return settings.extensions[offer] !== false;
  }
}

/** The mechanisms that a client could use now (RFC 4954 §3). */
export function usableMechanisms(settings: ServerSettings, tls: TlsInfo | null): readonly string[] {
  return settings.mechanisms.filter((mechanism) => lacking(mechanism, tls) === null).map(({ name }) => name);
}

/** What a mechanism needs and this session has not, and the rule that says so; null: nothing. */
export function lacking(
  { cleartext, needs = null }: AuthMechanism,
  tls: TlsInfo | null,
): { readonly rule: string; readonly detail: string } | null {
  if (cleartext && tls === null) return { rule: "A-AUTH-01", detail: "mechanism that needs TLS" };
  if (needs === "certificate" && !tls?.peer)
    return { rule: "A-EXT-02", detail: "mechanism that needs a certificate of the client" };
  const bound = tls !== null && Object.keys(tls.bindings).length > 0;
  if (needs === "channel-binding" && !bound)
    return { rule: "A-SCRAM-14", detail: "mechanism that needs channel binding" };
  return null;
}

/** Whether an extension is offered to this client now. */
export function isOffered(
  name: ExtensionName,
  surroundings: Surroundings,
  settings: ServerSettings,
): boolean {
  return announced(extensionOf(name), surroundings, settings) !== null;
}
