/**
 * Where mail for a domain goes (RFC 5321 §5.1): answers of the DNS in, the addresses to be tried out, in order.
 *
 * No DNS is spoken here. {@link findRoute} is called with what is known so far; either it knows the way then, or that
 * there is none, or it says what to ask next:
 *
 *     let route = findRoute(domain, answers, options);
 *     while (route.status === "asking") {
 *       answers.push(...(await Promise.all(route.questions.map(ask))));
 *       route = findRoute(domain, answers, options);
 *     }
 *
 * It asks twice at most, for the exchanges and for their addresses, and once more for each alias on the way.
 */
import { UsageError } from "../errors.ts";
import { type Reply, reply } from "../reply.ts";
import { type Domain, lowerAscii, parseDomain } from "../syntax/domain.ts";
import { formatIpv4, formatIpv6, isIpv4Mapped, parseIpv4, parseIpv6 } from "../wire/address.ts";
import { domainToAscii } from "./alabel.ts";

/** Something to ask the DNS. */
export interface DnsQuestion {
  /** `mx`: the MX records of a name. `addresses`: its A and AAAA records, one list. */
  readonly type: "mx" | "addresses";
  /** In ASCII and lower case, without a dot behind it. */
  readonly name: string;
}

/** What the DNS says to a question, which it repeats. */
export type DnsAnswer =
  /** The MX records; an empty list where the name exists and has none. */
  | {
      readonly type: "mx";
      readonly name: string;
      readonly status: "found";
      readonly records: readonly MxRecord[];
    }
  /** The addresses, IPv4 and IPv6 as text, in the order of the resolver; an empty list where there are none. */
  | {
      readonly type: "addresses";
      readonly name: string;
      readonly status: "found";
      readonly addresses: readonly string[];
    }
  /** The name is a CNAME, and the resolver has not followed it: most do, and then this is never said. */
  | {
      readonly type: DnsQuestion["type"];
      readonly name: string;
      readonly status: "alias";
      readonly to: string;
    }
  /** `nonexistent`: there is no such name (NXDOMAIN). `failed`: no answer for now (SERVFAIL, a timeout). */
  | { readonly type: DnsQuestion["type"]; readonly name: string; readonly status: "nonexistent" | "failed" };

/** An MX record (RFC 1035 §3.3.9). */
export interface MxRecord {
  /** 0 to 65535: the lowest is tried first. */
  readonly preference: number;
  /** The name of the host; `.`, or empty as some resolvers have it, for the root. */
  readonly exchange: string;
}

/** An address to connect to. */
export interface Target {
  /** The name of the host, for its certificate; null where the address was given as a literal. */
  readonly host: string | null;
  /** IPv4 dotted, or IPv6 as in RFC 5952, without brackets. */
  readonly address: string;
  readonly preference: number;
}

/** The way to a domain. */
export type Route =
  | { readonly status: "asking"; readonly questions: readonly DnsQuestion[] }
  /** Try these in order until one takes the message or refuses it (`nextStep` says which failure is which). */
  | { readonly status: "found"; readonly targets: readonly Target[] }
  /** There is none. A reply of 5yz: return the message; 4yz: try again later. A server can give it to RCPT, too. */
  | { readonly status: "none"; readonly reason: NoRoute; readonly reply: Reply };

/** Why there is no way to a domain. */
export type NoRoute =
  /** The name does not exist, or has neither exchange nor address. */
  | "no-such-domain"
  /** The domain says that it takes no mail (RFC 7505). */
  | "null-mx"
  /** It has exchanges, and none of them has an address. */
  | "no-exchange"
  /** The best of its exchanges is this host. */
  | "loop"
  /** An address literal of a kind that nobody knows. */
  | "unknown-literal"
  /** The DNS does not answer now. */
  | "dns-failure";

/** What a route depends on beside the DNS. */
export interface RouteOptions {
  /** The names of this host, and its addresses: mail is not sent to them, nor to exchanges that are no better. */
  readonly own: readonly string[];
  /** From 0 to below 1: the order of equal preferences. */
  readonly random: () => number;
  /** Which addresses of a host come first, or at all. Default `given`: as the resolver has them (RFC 5321 §5.2). */
  readonly family?: "given" | "ipv4-first" | "ipv6-first" | "ipv4" | "ipv6";
  /**
   * At most so many exchanges are looked up, and so many addresses tried. Default 50: nobody has as many, and a
   * domain with thousands is not to make others ask and try that often.
   */
  readonly limit?: number;
  /** The A-labels of a name, null if it has none. Default {@link domainToAscii}. */
  readonly toAscii?: (name: string) => string | null;
}

/**
 * The way to a domain, as far as it is known. The order of equal preferences is drawn anew at each call that finds
 * it.
 *
 * @param domain the domain of a forward-path
 * @param answers every answer so far, in any order
 * @throws {UsageError} when the domain is no domain, or the limit is below 1
 */
export function findRoute(
  domain: Domain | string,
  answers: readonly DnsAnswer[],
  options: RouteOptions,
): Route {
  if (!((options.limit ?? defaultLimit) >= 1))
    throw new UsageError(`limit: ${options.limit}, must be at least 1`);
  const parsed = typeof domain === "string" ? parseDomain(domain, tolerant) : domain;
  if (parsed === null) throw new UsageError(`not a domain: ${JSON.stringify(domain)}`);
  if (parsed.kind === "general") return none("unknown-literal");
  if (parsed.kind !== "name") return literalRoute(parsed.octets, options);
  const name = (options.toAscii ?? domainToAscii)(parsed.text.replace(/\.$/, ""));
  if (name === null || !isHostName(name)) return none("no-such-domain");
  return namedRoute(canonical(name), answers, options);
}

/** `550 5.7.27`: for a sender whose domain has a null MX, and so can be told of no failure (RFC 7505 §4.2). */
export const senderTakesNoMail: Reply = reply(550, "5.7.27", "Sender address has null MX");

/**
 * Recipients whose targets are the same, so that they can share a transaction (RFC 5321 §4.5.4.1). The order of equal
 * preferences is no difference.
 */
export function groupByTargets<T extends { readonly targets: readonly Target[] }>(
  recipients: readonly T[],
): T[][] {
  const groups = new Map<string, T[]>();
  for (const recipient of recipients) {
    const key = targetsKey(recipient.targets);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [recipient]);
    else group.push(recipient);
  }
  return [...groups.values()];
}

function targetsKey(targets: readonly Target[]): string {
  const preferences = [...new Set(targets.map(({ preference }) => preference))].sort(
    (one, other) => one - other,
  );
  const ranked = targets.map(
    ({ host, address, preference }) => `${preferences.indexOf(preference)} ${host} ${address}`,
  );
  return ranked.sort().join("\n");
}

/** RFC 5321 §4.1.3: a literal is where to go; nothing is asked. */
function literalRoute(octets: readonly number[], { own }: RouteOptions): Route {
  const address = addressText(octets);
  if (ownAddresses(own).has(address)) return none("loop");
  return { status: "found", targets: [{ host: null, address, preference: 0 }] };
}

function namedRoute(domain: string, answers: readonly DnsAnswer[], options: RouteOptions): Route {
  const chain = followAliases(domain, "mx", answers);
  const { name, answer } = chain;
  if (chain.circular) return none("dns-failure");
  if (answer === null) return { status: "asking", questions: [{ type: "mx", name }] };
  if (answer.status === "nonexistent") return none("no-such-domain");
  if (answer.type !== "mx" || answer.status !== "found") return none("dns-failure");
  const [first, ...others] = answer.records;
  if (first === undefined) return implicitRoute(name, answers, options);
  if (others.length === 0 && isRoot(first.exchange)) return none("null-mx");
  return exchangeRoute(answer.records, answers, options);
}

/** A domain without MX records is its own exchange (RFC 5321 §5.1). */
function implicitRoute(domain: string, answers: readonly DnsAnswer[], options: RouteOptions): Route {
  if (ownNames(options.own).has(domain)) return none("loop");
  const { name, answer, circular } = followAliases(domain, "addresses", answers);
  if (circular) return none("dns-failure");
  if (answer === null) return { status: "asking", questions: [{ type: "addresses", name }] };
  return chooseTargets([{ preference: 0, host: name, answer }], "no-such-domain", options);
}

function exchangeRoute(
  records: readonly MxRecord[],
  answers: readonly DnsAnswer[],
  options: RouteOptions,
): Route {
  const own = ownNames(options.own);
  const usable = records
    .map(({ preference, exchange }) => ({ preference, host: canonical(exchange) }))
    .filter(({ host }) => isHostName(host) && !isAddressInText(host))
    .sort((one, other) => one.preference - other.preference);
  const ours = usable.find(({ host }) => own.has(host))?.preference ?? Number.POSITIVE_INFINITY;
  const better = usable.filter(({ preference }) => preference < ours);
  if (better.length === 0) return none(usable.length === 0 ? "no-exchange" : "loop");
  const kept = better
    .filter(({ host }, at) => better.findIndex((each) => each.host === host) === at)
    .slice(0, options.limit ?? defaultLimit);
  const known = kept.map((exchange) => ({
    ...exchange,
    answer: answerTo("addresses", exchange.host, answers),
  }));
  const questions = known
    .filter(({ answer }) => answer === null)
    .map(({ host }): DnsQuestion => ({ type: "addresses", name: host }));
  if (questions.length > 0) return { status: "asking", questions };
  return chooseTargets(known as Exchange[], "no-exchange", options);
}

/** An exchange, and what is known of its addresses. */
interface Exchange {
  readonly preference: number;
  readonly host: string;
  readonly answer: DnsAnswer;
}

/** The addresses of all exchanges, best first. An exchange that is an alias is outside the standard (RFC 2181 §10.3). */
function chooseTargets(exchanges: readonly Exchange[], otherwise: NoRoute, options: RouteOptions): Route {
  const own = ownAddresses(options.own);
  const found = exchanges.map(({ preference, host, answer }) => ({
    preference,
    host,
    addresses: answer.type === "addresses" && answer.status === "found" ? addressTexts(answer.addresses) : [],
  }));
  const ours = Math.min(
    ...found
      .filter(({ addresses }) => addresses.some((address) => own.has(address)))
      .map(({ preference }) => preference),
  );
  const targets = shuffleEquals(
    found.filter(({ preference }) => preference < ours),
    options.random,
  )
    .flatMap(({ preference, host, addresses }) =>
      inFamily(addresses, options.family ?? "given").map(
        (address): Target => ({ host, address, preference }),
      ),
    )
    .slice(0, options.limit ?? defaultLimit);
  if (targets.length > 0) return { status: "found", targets };
  // An exchange that nobody can look up now may be a way tomorrow.
  if (exchanges.some(({ preference, answer }) => answer.status === "failed" && preference < ours))
    return none("dns-failure");
  return none(ours === Number.POSITIVE_INFINITY ? otherwise : "loop");
}

/** Best preference first, equals in random order: the load is shared (RFC 5321 §5.1). */
function shuffleEquals<T extends { readonly preference: number }>(
  exchanges: readonly T[],
  random: () => number,
): T[] {
  const shuffled = [...exchanges];
  for (let at = shuffled.length - 1; at > 0; at--) {
    // A generator that says 1 is wrong, and nothing is lost by it.
    const other = Math.min(Math.floor(random() * (at + 1)), at);
    [shuffled[at], shuffled[other]] = [shuffled[other], shuffled[at]];
  }
  return shuffled.sort((one, other) => one.preference - other.preference);
}

function inFamily(addresses: readonly string[], family: NonNullable<RouteOptions["family"]>): string[] {
  const four = addresses.filter((address) => !address.includes(":"));
  const six = addresses.filter((address) => address.includes(":"));
  switch (family) {
    case "given":
      return [...addresses];
    case "ipv4":
      return four;
    case "ipv6":
      return six;
    case "ipv4-first":
      return [...four, ...six];
    case "ipv6-first":
      return [...six, ...four];
  }
}

/** Goes from alias to alias. The answer is null where the next thing is not known; a circle never ends. */
function followAliases(
  domain: string,
  type: DnsQuestion["type"],
  answers: readonly DnsAnswer[],
): { readonly name: string; readonly answer: DnsAnswer | null; readonly circular: boolean } {
  let name = domain;
  for (let steps = 0; steps <= longestChain; steps++) {
    const answer = answerTo(type, name, answers);
    if (answer?.status !== "alias") return { name, answer, circular: false };
    name = canonical(answer.to);
    if (!isHostName(name)) break;
  }
  return { name, answer: null, circular: true };
}

function answerTo(type: DnsQuestion["type"], name: string, answers: readonly DnsAnswer[]): DnsAnswer | null {
  return answers.find((answer) => answer.type === type && canonical(answer.name) === name) ?? null;
}

/** As names are compared: without the dot of the root, in lower case. */
function canonical(name: string): string {
  return lowerAscii(name).replace(/\.$/, "");
}

function isRoot(exchange: string): boolean {
  return canonical(exchange) === "";
}

function isHostName(name: string): boolean {
  return parseDomain(name, { utf8: false, underscore: true, trailingDot: false })?.kind === "name";
}

/** `192.0.2.1` reads as a name; but no top-level domain is a number (RFC 3696 §2). */
function isAddressInText(host: string): boolean {
  return /(^|\.)[0-9]+$/.test(host);
}

function ownNames(own: readonly string[]): Set<string> {
  return new Set(own.map(canonical));
}

function ownAddresses(own: readonly string[]): Set<string> {
  return new Set(addressTexts(own));
}

/** The addresses in their canonical form; what is none is left out. */
function addressTexts(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    const bare = text.replace(/^\[(?:IPv6:)?(.*)\]$/i, "$1");
    const octets = parseIpv4(bare) ?? parseIpv6(bare);
    return octets === null ? [] : [addressText(octets)];
  });
}

function addressText(octets: readonly number[]): string {
  if (octets.length === 4) return formatIpv4(octets);
  return isIpv4Mapped(octets) ? formatIpv4(octets.slice(12)) : formatIpv6(octets);
}

function none(reason: NoRoute): Route {
  return { status: "none", reason, reply: noRoutes[reason] };
}

const noRoutes: Readonly<Record<NoRoute, Reply>> = {
  "no-such-domain": reply(550, "5.1.2", "Recipient domain does not exist"),
  "null-mx": reply(556, "5.1.10", "Domain does not accept mail"),
  "no-exchange": reply(550, "5.4.4", "No mail host of the domain has an address"),
  loop: reply(554, "5.4.6", "Mail for the domain loops back to this host"),
  "unknown-literal": reply(550, "5.1.2", "Address literal of an unknown kind"),
  "dns-failure": reply(451, "4.4.3", "Recipient domain cannot be looked up now"),
};

const tolerant = { utf8: true, underscore: true, trailingDot: true };
const defaultLimit = 50;
/** Aliases of aliases; resolvers stop at about as many. */
const longestChain = 8;
