import { isIPv4, isIPv6 } from "node:net";
import {
  canonicalAddress,
  formatDomain,
  formatMailbox,
  inNetworks,
  isLocal,
  parseAddress,
  parseDomain,
  parseNetwork,
  sameDomain,
  sameMailbox,
} from "@sansmtp/core";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../../../packages/core/src/wire/address.ts";
import { hold, same } from "../finding.ts";
import { Choices, octets } from "../input.ts";
import * as reference from "../reference.ts";
import type { Target } from "../target.ts";

/** Addresses, domains, address literals and networks, as text: what is read is printed, and read as the same. */
export const addresses: Target = {
  name: "addresses",
  seeds: () =>
    [
      "a@example.com",
      '"a b"@example.com',
      '"\\"\\\\"@[192.0.2.1]',
      "a.b@[IPv6:2001:db8::1]",
      "x@[tag:content]",
      "\u00c3\u00bc@\u00c3\u00bc.example",
      "192.0.2.0/24",
      "2001:db8::/32",
      "::ffff:192.0.2.0/120",
      "1::2:3",
      "[IPv6:::]",
      "[IPv6:1:2:3:4:5:6:1.2.3.4]",
    ].map((text) => Uint8Array.from([0, ...octets(text)])),
  words: [
    "[IPv6:",
    "[",
    "]",
    "::",
    "@",
    ".",
    '"',
    "\\",
    "/",
    "ffff:",
    "example.com",
    "255",
    "0",
    "::ffff:",
    "-",
  ].map(octets),
  head: 1,
  grown: 4000,
  longest: 330,
  check(input) {
    const text = textOf(input);
    const mailbox = parseAddress(text, { utf8: true });
    if (mailbox !== null) {
      const printed = formatMailbox(mailbox);
      hold(!/[\0-\x1f\x7f]/.test(printed), "G12 a control octet in an address", () => printed);
      const again = parseAddress(printed, { utf8: true });
      hold(again !== null, "an address that was read cannot be read again", () => printed);
      hold(sameMailbox(mailbox, again), "an address comes back as another", () => printed);
      same(formatMailbox(again), printed, "an address is printed differently");
      hold(
        mailbox.domain !== null && isLocal(mailbox, [formatDomain(mailbox.domain)]),
        "it is not of its own domain",
      );
      if (/^[\0-\x7f]*$/.test(text))
        hold(parseAddress(text) !== null, "ASCII is an address with UTF-8 alone");
    }
    const domain = parseDomain(text, { utf8: true, underscore: true, trailingDot: false });
    if (domain !== null) {
      const printed = formatDomain(domain);
      const again = parseDomain(printed, { utf8: true, underscore: true, trailingDot: false });
      hold(again !== null && sameDomain(domain, again), "a domain comes back as another", () => printed);
      same(formatDomain(again), printed, "a domain is printed differently");
    }
    internet(text);
    const network = parseNetwork(text);
    if (network === null) return;
    const own = network.octets.length === 4 ? formatIpv4(network.octets) : formatIpv6(network.octets);
    hold(inNetworks(own, [network]), "a network is not in itself", () => text);
    const bits = [...network.octets].flatMap((octet) => octet.toString(2).padStart(8, "0").split(""));
    hold(!bits.slice(network.bits).includes("1"), "bits behind the length of a network", () => text);
  },
  plain(input) {
    const text = textOf(input);
    parseAddress(text, { utf8: true });
    parseDomain(text);
    canonicalAddress(text);
    parseNetwork(text);
  },
};

function textOf(input: Uint8Array): string {
  const choices = new Choices(input);
  const lossy = choices.octet() % 2 === 0;
  const rest = choices.rest();
  return lossy ? Buffer.from(rest).toString("utf8") : Buffer.from(rest).toString("latin1");
}

/** IP addresses, against the host, and against a reader of the grammar. */
function internet(text: string): void {
  const four = parseIpv4(text);
  same(JSON.stringify(four), JSON.stringify(reference.ipv4(text)), "another IPv4 address");
  hold((four !== null) === isIPv4(text), "the host sees an IPv4 address differently", () => text);
  const six = parseIpv6(text);
  if (!text.includes("%"))
    hold((six !== null) === isIPv6(text), "the host sees an IPv6 address differently", () => text);
  if (six !== null) {
    hold(six.length === 16, "an IPv6 address of another length");
    const printed = formatIpv6(six);
    same(JSON.stringify(parseIpv6(printed)), JSON.stringify(six), "an IPv6 address comes back as another");
    const host = new URL(`http://[${text}]/`).hostname.slice(1, -1);
    same(JSON.stringify(parseIpv6(host)), JSON.stringify(six), "the host reads another IPv6 address");
  }
  const canonical = canonicalAddress(text);
  if (canonical !== null)
    same(String(canonicalAddress(canonical)), canonical, "a canonical address has another");
}
