import type { AuthMechanism, ServerSettings } from "./config.ts";
import type { TlsInfo } from "./events.ts";
import type { Situation } from "./state.ts";

/**
 * The extension lines of an EHLO or LHLO reply (RFC 5321 §4.1.1.1), made anew each time: what is offered may
 * differ before and after TLS and AUTH.
 */
export function capabilities(
  situation: Situation & { readonly tls: TlsInfo | null },
  settings: ServerSettings,
): readonly string[] {
  const { extensions, limits } = settings;
  const lines: string[] = [];
  if (extensions.pipelining) lines.push("PIPELINING");
  if (extensions.size) lines.push(`SIZE ${limits.message}`);
  if (extensions["8bitmime"]) lines.push("8BITMIME");
  if (extensions.smtputf8) lines.push("SMTPUTF8");
  if (extensions.enhancedStatusCodes) lines.push("ENHANCEDSTATUSCODES");
  if (extensions.chunking) lines.push("CHUNKING");
  if (extensions.binarymime) lines.push("BINARYMIME");
  if (extensions.dsn) lines.push("DSN");
  if ((settings.tls === "offered" || settings.tls === "required") && !situation.tlsActive)
    lines.push("STARTTLS");
  const mechanisms = settings.mechanisms.filter((mechanism) => lacking(mechanism, situation.tls) === null);
  if (mechanisms.length > 0) lines.push(`AUTH ${mechanisms.map(({ name }) => name).join(" ")}`);
  if (extensions.etrn) lines.push("ETRN");
  if (extensions.vrfy) lines.push("VRFY");
  if (extensions.expn) lines.push("EXPN");
  for (const { keyword } of settings.commands) if (keyword !== null) lines.push(keyword);
  if (extensions.help) lines.push("HELP");
  // They are shown to the application before they are sent.
  return Object.freeze(lines);
}

/** What a mechanism needs and this session has not (RFC 4954 §3), and the rule that says so; null: nothing. */
export function lacking(
  { cleartext, needs = null }: AuthMechanism,
  tls: TlsInfo | null,
): { readonly rule: string; readonly what: string } | null {
  if (cleartext && tls === null) return { rule: "A-AUTH-01", what: "TLS" };
  if (needs === "certificate" && !tls?.peer) return { rule: "A-EXT-02", what: "a certificate of the client" };
  const bound = tls !== null && Object.keys(tls.bindings).length > 0;
  if (needs === "channel-binding" && !bound) return { rule: "A-SCRAM-14", what: "channel binding" };
  return null;
}
