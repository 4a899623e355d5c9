import { UsageError } from "../errors.ts";
import { checkBurl } from "../extensions/burl.ts";
import type { CustomExtension } from "../extensions/custom.ts";
import { checkDeliverBy } from "../extensions/deliver-by.ts";
import type { ExtensionName, Extensions, Service } from "../extensions/extension.ts";
import { checkFutureRelease } from "../extensions/future-release.ts";
import { checkPriority } from "../extensions/priority.ts";
import { register } from "../extensions/register.ts";
import { defaultExtensions, knownParameters, registry, standardParameters } from "../extensions/registry.ts";
import { checkSolicit } from "../extensions/solicit.ts";
import { checkTrust } from "../extensions/trust.ts";
import { listOf, oneOf, textsOf } from "../extensions/values.ts";
import { parseDomain } from "../syntax/domain.ts";
import type { KnownParameters } from "../syntax/parameters.ts";
import { type Lenient, strict } from "../syntax/path.ts";
import type { BarePolicy } from "../wire/dot.ts";
import { checkScanner, type Scanner } from "../wire/scan.ts";
import {
  type AuthMechanism,
  defaultLimits,
  defaultTimers,
  onDemandTimers,
  type ServerConfig,
  type ServerLimits,
  type ServerTimers,
} from "./config.ts";
import { customRule, type Rule, rules } from "./state.ts";

/** A configuration with every default filled in, checked and frozen. */
export interface ServerSettings {
  readonly name: string;
  readonly lmtp: boolean;
  readonly service: Service;
  readonly banner: readonly string[];
  readonly extensions: Extensions;
  readonly tls: "none" | "offered" | "required" | "implicit";
  readonly mechanisms: readonly AuthMechanism[];
  readonly authRequired: boolean;
  readonly trustAuthParameter: boolean;
  readonly proxy: boolean;
  readonly bareCr: BarePolicy;
  readonly bareLf: BarePolicy;
  readonly lenient: Lenient;
  readonly concurrentRecipients: number;
  readonly strictPipelining: boolean;
  readonly closeOnBareLineEnds: boolean;
  readonly scanner: Scanner | null;
  readonly custom: readonly Required<CustomExtension>[];
  readonly hostileVerbs: readonly string[];
  readonly limits: ServerLimits;
  readonly timers: ServerTimers;
  /** All parameters of MAIL and RCPT, those of `custom` among them. */
  readonly parameters: KnownParameters;
  /** The rules of the verbs of `custom`. */
  readonly verbs: Readonly<Record<string, Rule>>;
}

/**
 * Fills in the defaults and checks what the caller gave. Settle once and make many sessions of it.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function settle(config: ServerConfig | ServerSettings): ServerSettings {
  if (settled.has(config)) return config as ServerSettings;
  const given = config as ServerConfig;
  const protocol = given.protocol ?? "smtp";
  oneOf("protocol", protocol, ["smtp", "lmtp"]);
  const lmtp = protocol === "lmtp";
  const service = given.service ?? "relay";
  oneOf("service", service, ["relay", "submission", "on-demand"]);
  const banner = given.banner ?? (lmtp ? "LMTP" : "ESMTP");
  const custom = listOf("custom", given.custom ?? []).map((extension) =>
    register(extension, Object.keys(rules)),
  );
  const settings: ServerSettings = {
    name: given.name,
    lmtp,
    service,
    banner: typeof banner === "string" ? [banner] : [...listOf("banner", banner)],
    extensions: { ...defaultExtensions, atrn: service === "on-demand", ...copy(given.extensions ?? {}) },
    tls: given.tls ?? "none",
    mechanisms: listOf("mechanisms", given.mechanisms ?? []).map(mechanism),
    authRequired: given.authRequired ?? service !== "relay",
    trustAuthParameter: given.trustAuthParameter ?? false,
    proxy: given.proxy ?? false,
    bareCr: given.bareCr ?? "reject",
    bareLf: given.bareLf ?? "reject",
    lenient: { ...strict, ...copy(given.lenient ?? {}) },
    concurrentRecipients: given.concurrentRecipients ?? 1,
    strictPipelining: given.strictPipelining ?? false,
    closeOnBareLineEnds: given.closeOnBareLineEnds ?? false,
    scanner: given.scanner ?? null,
    custom,
    hostileVerbs: textsOf("hostileVerbs", given.hostileVerbs ?? []).map((verb) => verb.toUpperCase()),
    limits: {
      ...defaultLimits,
      commandLine: commandLine(given),
      ...copy(given.limits ?? {}),
    },
    timers: {
      ...defaultTimers,
      ...(service === "on-demand" ? onDemandTimers : {}),
      ...copy(given.timers ?? {}),
    },
    parameters: custom.length === 0 ? standardParameters : knownParameters(custom),
    verbs: Object.fromEntries(
      custom.flatMap(({ verbs }) => verbs.map((verb) => [verb.verb, customRule(verb)])),
    ),
  };
  check(settings);
  settled.add(freeze(settings));
  return settings;
}

/**
 * The caller's objects and lists stay the caller's: a copy of them, of any depth; functions are as they are. An option
 * that is undefined counts as left out: what is off by default must not be turned on by it.
 */
function copy<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copy) as T;
  if (typeof value !== "object" || value === null) return value;
  const there = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(there.map(([key, each]) => [key, copy(each)])) as T;
}

/** What was checked stays so: nothing can come into a reply through it later (G12). A scanner has a state of its own. */
function freeze<T extends object>(value: T): T {
  for (const [name, each] of Object.entries(value)) {
    if (typeof each === "object" && each !== null && name !== "scanner") freeze(each);
  }
  return Object.freeze(value);
}

/** A server whose extensions lengthen no command keeps to the 512 octets of RFC 5321 §4.5.3.1.4. */
function commandLine({ extensions, mechanisms, custom }: ServerConfig): number {
  const offered = { ...defaultExtensions, ...copy(extensions ?? {}) };
  const lengthened = registry.some(
    ({ name, mail, rcpt }) =>
      isOn(name, offered) &&
      // BURL and ATRN may be long, too: they come with AUTH, which is reason enough.
      (mail !== undefined || rcpt !== undefined || name === "xclient" || name === "xforward"),
  );
  return lengthened || (mechanisms ?? []).length > 0 || (custom ?? []).length > 0
    ? defaultLimits.commandLine
    : 512;
}

/** STARTTLS and AUTH are configured elsewhere. */
function isOn(name: ExtensionName, extensions: Partial<Record<ExtensionName, boolean | object>>): boolean {
  const given = extensions[name];
  return given !== undefined && given !== false;
}

const settled = new WeakSet<object>();

/** Mechanisms whose ways are known, so that a name is enough. */
const knownMechanisms: Record<string, Omit<AuthMechanism, "name">> = {
  PLAIN: { first: "client", cleartext: true },
  LOGIN: { first: "either", cleartext: true },
  XOAUTH2: { first: "client", cleartext: true },
  OAUTHBEARER: { first: "client", cleartext: true },
  "CRAM-MD5": { first: "server", cleartext: false },
  EXTERNAL: { first: "client", cleartext: false, needs: "certificate" },
  "SCRAM-SHA-1-PLUS": { first: "client", cleartext: false, needs: "channel-binding" },
  "SCRAM-SHA-256-PLUS": { first: "client", cleartext: false, needs: "channel-binding" },
};

function mechanism(given: string | AuthMechanism): AuthMechanism {
  if (typeof given !== "string") return { ...given };
  return { name: given, ...(knownMechanisms[given] ?? { first: "client", cleartext: false }) };
}

function check(settings: ServerSettings): void {
  const { extensions, limits, timers } = settings;
  if (typeof settings.name !== "string" || parseDomain(settings.name) === null) {
    throw new UsageError(
      `name ${JSON.stringify(settings.name)}: must be a domain or an address literal in brackets`,
    );
  }
  if (settings.banner.length === 0) throw new UsageError("banner: at least one line, which may be empty");
  for (const line of settings.banner) {
    if (typeof line !== "string" || !/^[\t\x20-\x7e]*$/.test(line))
      throw new UsageError(`banner: printable ASCII only: ${JSON.stringify(line)}`);
  }
  oneOf("tls", settings.tls, ["none", "offered", "required", "implicit"]);
  oneOf("bareCr", settings.bareCr, barePolicies);
  oneOf("bareLf", settings.bareLf, barePolicies);
  checkScanner(settings.scanner);
  checkExtensions(settings);
  if (settings.lmtp && !(extensions.pipelining && extensions.enhancedStatusCodes)) {
    throw new UsageError("extensions: LMTP needs pipelining and enhancedStatusCodes (RFC 2033 §5)");
  }
  for (const { name, first, needs = null } of settings.mechanisms) {
    if (!/^[A-Z0-9_-]{1,20}$/.test(name))
      throw new UsageError(`mechanisms: not a mechanism name: ${JSON.stringify(name)}`);
    oneOf(`mechanisms: ${name}: first`, first, ["client", "server", "either"]);
    oneOf(`mechanisms: ${name}: needs`, needs, [null, "certificate", "channel-binding"]);
  }
  if (settings.mechanisms.map(({ name }) => name).join(" ").length > longestKeyword - "AUTH ".length)
    throw new UsageError("mechanisms: too many for a line of the EHLO reply");
  if (settings.authRequired && settings.mechanisms.length === 0)
    throw new UsageError("authRequired: no mechanisms");
  checkService(settings);
  for (const [name, least] of Object.entries(leastLimits)) {
    const limit = limits[name as keyof ServerLimits];
    if (!isNumber(limit, least) && !(name === "message" && limit === 0)) {
      throw new UsageError(`limits.${name}: ${limit}, must be at least ${least}`);
    }
    if (!Number.isSafeInteger(limit) && (name === "message" || limit !== Number.POSITIVE_INFINITY)) {
      throw new UsageError(`limits.${name}: ${limit}, must be a whole number`);
    }
  }
  for (const [name, span] of Object.entries(timers)) {
    if (!isNumber(span, 0)) throw new UsageError(`timers.${name}: ${span}, must be at least 0 milliseconds`);
  }
  if (!isNumber(settings.concurrentRecipients, 1))
    throw new UsageError("concurrentRecipients: must be at least 1");
}

/** Each extension is on or off, has what it needs, and is where it may be. */
function checkExtensions({ extensions, service, lmtp, custom }: ServerSettings): void {
  for (const [name, given] of Object.entries<unknown>({ ...extensions })) {
    if (typeof given !== "boolean" && (typeof given !== "object" || given === null))
      throw new UsageError(`extensions.${name}: ${given}, must be true, false, or options`);
  }
  for (const { name, needs = [], services } of registry) {
    if (!isOn(name, extensions)) continue;
    if (services !== undefined && !services.includes(service))
      throw new UsageError(`extensions: ${name} is for service ${services.join(" or ")}, not ${service}`);
    for (const need of needs) {
      // A service that has what needs AUTH has to have mechanisms: see checkService.
      if (need !== "auth" && !isOn(need, extensions))
        throw new UsageError(`extensions: ${name} needs ${need}`);
    }
  }
  if (lmtp && extensions.prdr)
    throw new UsageError("extensions: LMTP has a verdict for each recipient without prdr");
  checkDeliverBy(extensions.deliverby);
  checkFutureRelease(extensions.futurerelease);
  checkPriority(extensions.mtPriority);
  checkSolicit(extensions.noSoliciting);
  checkBurl(extensions.burl);
  checkTrust("xclient", extensions.xclient);
  checkTrust("xforward", extensions.xforward);
  const names = custom.flatMap(({ keyword, mail, rcpt, verbs }) => [
    ...(keyword === null ? [] : [`keyword ${keyword.toUpperCase()}`]),
    ...mail.map((parameter) => `parameter ${parameter.keyword} of MAIL`),
    ...rcpt.map((parameter) => `parameter ${parameter.keyword} of RCPT`),
    ...verbs.map(({ verb }) => `verb ${verb}`),
  ]);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new UsageError(`custom: ${twice} is there twice`);
}

/** What a service must offer (RFC 6409 §7, RFC 2645 §5). */
function checkService({ service, mechanisms, authRequired, extensions }: ServerSettings): void {
  const names = mechanisms.map(({ name }) => name);
  if (service === "submission" && names.length === 0)
    throw new UsageError("service: submission offers AUTH: mechanisms are missing (RFC 6409 §7)");
  if (service !== "on-demand") return;
  if (!names.includes("CRAM-MD5")) throw new UsageError("service: on-demand needs CRAM-MD5 (RFC 2645 §6)");
  if (!authRequired) throw new UsageError("authRequired: on-demand hands out mail to its owners alone");
  if (!extensions.atrn) throw new UsageError("extensions: service on-demand is ATRN");
}

function isNumber(given: unknown, least: number): boolean {
  return typeof given === "number" && given >= least;
}

const barePolicies: readonly BarePolicy[] = ["reject", "normalize", "space", "keep"];

/** Octets of an EHLO line behind `250-`, without CRLF: a longer one would be folded into two (RFC 5321 §4.5.3.1.5). */
const longestKeyword = 512 - 6;

/** Below these a server does not conform: RFC 5321 §4.5.3.1, RFC 4954 §4 and §9, RFC 3461 §5.4. */
const leastLimits: Readonly<Record<keyof ServerLimits, number>> = {
  message: 65_536,
  commandLine: 512,
  authLine: 12_288,
  textLine: 998,
  recipients: 100,
  recipientDomains: 1,
  parameters: 8,
  localPart: 64,
  domain: 255,
  path: 256,
  unread: 1024,
  errors: 1,
  idleCommands: 1,
  refusedRecipients: 1,
  authFailures: 3,
  transactions: 1,
  dataBlock: 1,
};
