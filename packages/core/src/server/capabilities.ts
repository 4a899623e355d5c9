import type { ServerSettings } from "./config.ts";
import type { Situation } from "./state.ts";

/**
 * The extension lines of an EHLO or LHLO reply (RFC 5321 §4.1.1.1), made anew each time: what is offered may
 * differ before and after TLS and AUTH.
 */
export function capabilities(situation: Situation, settings: ServerSettings): readonly string[] {
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
  const mechanisms = usable(situation, settings);
  if (mechanisms !== "") lines.push(`AUTH ${mechanisms}`);
  if (extensions.etrn) lines.push("ETRN");
  if (extensions.vrfy) lines.push("VRFY");
  if (extensions.expn) lines.push("EXPN");
  for (const { keyword } of settings.commands) if (keyword !== null) lines.push(keyword);
  if (extensions.help) lines.push("HELP");
  // They are shown to the application before they are sent.
  return Object.freeze(lines);
}

/** Mechanisms that this client could use now (RFC 4954 §3): those that show credentials only inside TLS. */
function usable(situation: Situation, settings: ServerSettings): string {
  return settings.mechanisms
    .filter(({ cleartext }) => situation.tlsActive || !cleartext)
    .map(({ name }) => name)
    .join(" ");
}
