import { formatIpv4, formatIpv6, isIpv4Mapped, parseIpv4, parseIpv6 } from "./address.ts";

/** Addresses that begin with the same bits. */
export interface Network {
  /** 4 octets, or 16. */
  readonly octets: readonly number[];
  readonly bits: number;
}

/** The octets of an IPv4 or IPv6 address; an IPv4 address in IPv6 form is the IPv4 address. Null: it is neither. */
export function parseAddressOctets(text: string): readonly number[] | null {
  const octets = parseIpv4(text) ?? parseIpv6(text);
  return octets !== null && isIpv4Mapped(octets) ? octets.slice(12) : octets;
}

/** The one canonical text of an address, IPv4 dotted or IPv6 as RFC 5952 has it; null: it is neither. */
export function canonicalAddress(text: string): string | null {
  // Without leading zeros there is one way to write an IPv4 address.
  if (parseIpv4(text) !== null) return text;
  const octets = parseAddressOctets(text);
  if (octets === null) return null;
  return octets.length === 4 ? formatIpv4(octets) : formatIpv6(octets);
}

/**
 * Reads `192.0.2.0/24`, `2001:db8::/32`, or a single address. Null when it is none, or has bits behind its length.
 * A network of IPv4 addresses in IPv6 form, `::ffff:192.0.2.0/120`, is the IPv4 network.
 */
export function parseNetwork(text: string): Network | null {
  const [address, length, more] = text.split("/");
  const octets = parseAddressOctets(address);
  if (octets === null || more !== undefined) return null;
  const all = octets.length * 8;
  if (length === undefined) return { octets, bits: all };
  const given = /^[0-9]{1,3}$/.test(length) ? Number(length) : -1;
  const bits = all === 32 && address.includes(":") ? given - 96 : given;
  return bits >= 0 && bits <= all && octets.every((octet, at) => (octet & ~mask(bits, at) & 0xff) === 0)
    ? { octets, bits }
    : null;
}

/** Whether an address, as text, is in one of these networks. */
export function inNetworks(address: string, networks: readonly Network[]): boolean {
  const octets = parseAddressOctets(address);
  return octets !== null && networks.some((network) => isWithin(octets, network));
}

/** Whether an address is in a network. */
export function isWithin(address: readonly number[], { octets, bits }: Network): boolean {
  return (
    address.length === octets.length && address.every((octet, at) => (octet & mask(bits, at)) === octets[at])
  );
}

/** The bits of the octet at `at` that belong to the network. */
function mask(bits: number, at: number): number {
  const here = Math.min(8, Math.max(0, bits - 8 * at));
  return (0xff << (8 - here)) & 0xff;
}
