import type { RuntimeCapabilities } from "@sansmtp/drive";
import type { Runtime } from "./runtimes.ts";

/** The rows of the table: what can be done, and at the end what a runtime may be unable to do. */
export const rows = {
  plain: "SMTP over TCP, as server and as client",
  implicitTls: "TLS from the start, as server and as client",
  clientStartTls: "STARTTLS as client",
  serverStartTls: "STARTTLS as server",
  largeMail: "Large mail, both ways at once",
  backPressure: "Back-pressure: a slow reader slows down the other side",
  gracefulClose: "Graceful close: open transactions end, and the last reply arrives",
  abort: "Signals end `listen`, `connect` and `send`",
  timeouts: "Timeouts: connecting, handshakes, commands",
  crowd: "500 connections at once",
  realClients: "Real clients: swaks, curl, smtplib",
  unixSocket: "Unix sockets",
  unixSocketTls: "TLS over Unix sockets",
  sharedPort: "A port that several processes share",
  halfClose: "Half-closed connections, with TLS, too",
  connectAbort: "Connecting that is given up leaves nothing behind",
  sni: "Certificates by the name that the client asks for (SNI)",
  serverVerifiesClient: "A server that demands certificates",
  clientCertificate: "A client that shows one",
  proxyBeforeTls: "A PROXY header in front of TLS",
  ownAuthorities: "Authorities of one's own instead of the runtime's",
  tlsDetails: "Version, cipher and server name of TLS are known",
  cipherControl: "Ciphers of TLS can be chosen",
  channelBindings: "SCRAM that is bound to TLS",
} as const satisfies Record<keyof RuntimeCapabilities, string> & Record<string, string>;

export type Row = keyof typeof rows;

/** What is in a cell for a test that passes: yes, or why not. */
export function cell(row: Row, { capabilities }: Runtime): string {
  const capability = (capabilities as Partial<Record<Row, true | string>>)[row] ?? true;
  return capability === true ? "yes" : capability;
}

/** The table in Markdown; reasons are below it, each once. */
export function table(names: readonly string[], show: (row: Row, name: string) => string): string {
  const reasons: string[] = [];
  const note = (text: string): string => {
    if (!text.includes(" ")) return text;
    if (!reasons.includes(text)) reasons.push(text);
    return `no [${reasons.indexOf(text) + 1}]`;
  };
  const lines = Object.entries(rows).map(
    ([row, title]) => `| ${title} | ${names.map((name) => note(show(row as Row, name))).join(" | ")} |`,
  );
  return [
    `| | ${names.join(" | ")} |`,
    `|---|${names.map(() => "---|").join("")}`,
    ...lines,
    ...(reasons.length === 0 ? [] : ["", ...reasons.map((text, at) => `${at + 1}. ${text}`)]),
    "",
  ].join("\n");
}
