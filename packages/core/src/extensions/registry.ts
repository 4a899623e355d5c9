import type { Known, KnownParameters, MailParameters, RcptParameters } from "../syntax/parameters.ts";
import { auth, startTls } from "./auth.ts";
import { burl } from "./burl.ts";
import { binaryMime, chunking, eightBitMime, smtpUtf8 } from "./content.ts";
import { type CustomExtension, customMail, customRcpt } from "./custom.ts";
import { deliverBy } from "./deliver-by.ts";
import { dsn } from "./dsn.ts";
import type { Extension, ExtensionName, Extensions, Parameter } from "./extension.ts";
import { prdr, requireTls } from "./flags.ts";
import { futureRelease } from "./future-release.ts";
import { mtrk } from "./mtrk.ts";
import { priority } from "./priority.ts";
import { rrvs } from "./rrvs.ts";
import { atrn, enhancedStatusCodes, etrn, expn, help, limits, pipelining, vrfy } from "./session.ts";
import { size } from "./size.ts";
import { noSoliciting } from "./solicit.ts";
import { xclient, xforward } from "./trust.ts";

/**
 * The registry of extensions: a row for each, in the order of the EHLO lines.
 *
 * A row says all that an extension adds: its keyword and what stands behind it, its parameters as both sides have
 * them, its verbs, and the conditions under which it is offered. Server, client and documents are made from it. When
 * a verb is legal stands in the table of the server's state.
 */
export const registry: readonly Extension[] = [
  pipelining,
  size,
  eightBitMime,
  smtpUtf8,
  enhancedStatusCodes,
  chunking,
  binaryMime,
  dsn,
  startTls,
  auth,
  requireTls,
  prdr,
  limits,
  deliverBy,
  futureRelease,
  priority,
  rrvs,
  noSoliciting,
  mtrk,
  burl,
  etrn,
  atrn,
  xclient,
  xforward,
  vrfy,
  expn,
  help,
];

/** What is offered unless the configuration says otherwise. */
export const defaultExtensions: Extensions = {
  pipelining: true,
  size: true,
  "8bitmime": true,
  enhancedStatusCodes: true,
  chunking: true,
  binarymime: false,
  smtputf8: false,
  dsn: false,
  deliverby: false,
  futurerelease: false,
  mtPriority: false,
  requiretls: false,
  rrvs: false,
  noSoliciting: false,
  mtrk: false,
  prdr: false,
  limits: false,
  burl: false,
  etrn: false,
  atrn: false,
  xclient: false,
  xforward: false,
  vrfy: false,
  expn: false,
  help: true,
};

/** The row of a name. */
export function extensionOf(name: ExtensionName): Extension {
  return rows[name];
}

const rows = Object.fromEntries(registry.map((extension) => [extension.name, extension])) as Readonly<
  Record<ExtensionName, Extension>
>;

/** All parameters of MAIL and RCPT: those of the registry, and of what an application adds to it. */
export function knownParameters(custom: readonly CustomExtension[]): KnownParameters {
  const mail: Record<string, Known<MailParameters>> = Object.create(null);
  const rcpt: Record<string, Known<RcptParameters>> = Object.create(null);
  for (const { name, ...row } of registry) {
    add(mail, row.mail ?? {}, name);
    add(rcpt, row.rcpt ?? {}, name);
  }
  for (const extension of custom) {
    for (const parameter of extension.mail ?? []) mail[parameter.keyword] = customMail(parameter);
    for (const parameter of extension.rcpt ?? []) rcpt[parameter.keyword] = customRcpt(parameter);
  }
  return { mail, rcpt };
}

/** The parameters of the registry alone. */
export const standardParameters: KnownParameters = knownParameters([]);

/** A parameter that several extensions have is known by each. */
function add<Read>(
  known: Record<string, Known<Read>>,
  parameters: Readonly<Record<string, Parameter<Read, never>>>,
  name: ExtensionName,
): void {
  for (const [keyword, { read, equals = false, malformed }] of Object.entries(parameters)) {
    const extensions = [...(known[keyword]?.extensions ?? []), name];
    known[keyword] = { extensions, equals, read, malformed };
  }
}
