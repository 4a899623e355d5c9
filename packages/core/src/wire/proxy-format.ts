/** Writes the header of the PROXY protocol, version 1 or 2, that `proxy.ts` reads. */
import { UsageError } from "../errors.ts";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { type Endpoint, type ProxyHeader, signature, type Tlv } from "./proxy.ts";

/**
 * What a PROXY header says: for whom a proxy has connected. A {@link ProxyHeader} that was read is one, and is passed
 * on in this way.
 */
export interface ProxyStatement extends Pick<ProxyHeader, "version" | "source" | "destination"> {
  /** Fields behind the addresses, in this order, as they are: a checksum among them is not computed. Version 2 only. */
  readonly tlvs?: readonly Tlv[];
}

/**
 * The octets of a PROXY header, to be sent in one write before anything else, before TLS, too (PROXY §2).
 *
 * Without addresses it says that the proxy speaks for itself: LOCAL in version 2. Version 1 has no word for that
 * but UNKNOWN, which servers may refuse (PROXY §2.1).
 *
 * @throws {UsageError} when an address is none of the internet, when the two are of different families, when a port
 * or a field cannot be, or when there are fields in version 1 or without addresses
 */
export function formatProxyHeader(said: ProxyStatement): Uint8Array {
  const { version, source, destination, tlvs = [] } = said;
  if (version !== 1 && version !== 2) throw new UsageError(`version: ${version}`);
  if ((source === null) !== (destination === null))
    throw new UsageError("source and destination go together");
  const ends = source === null || destination === null ? null : endsOf(source, destination);
  if (version === 1) {
    if (tlvs.length > 0) throw new UsageError("tlvs: version 1 has none");
    return ascii(ends === null ? "PROXY UNKNOWN\r\n" : line(ends));
  }
  if (ends === null && tlvs.length > 0) throw new UsageError("tlvs: there are none without addresses");
  return ends === null ? Uint8Array.of(...signature, local, unspecified, 0, 0) : binary(ends, tlvs);
}

/** Both ends of a connection, their addresses as octets of one family. */
interface Ends {
  readonly addresses: readonly [readonly number[], readonly number[]];
  readonly ports: readonly [number, number];
}

function endsOf(source: Endpoint, destination: Endpoint): Ends {
  const addresses = [octetsOf(source), octetsOf(destination)] as const;
  if (addresses[0].length !== addresses[1].length)
    throw new UsageError("source and destination: two families of addresses");
  return { addresses, ports: [portOf(source), portOf(destination)] };
}

function octetsOf({ address }: Endpoint): readonly number[] {
  const octets = parseIpv4(address) ?? parseIpv6(address);
  if (octets === null) throw new UsageError(`address: ${JSON.stringify(address)}`);
  return octets;
}

function portOf({ port }: Endpoint): number {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new UsageError(`port: ${port}`);
  return port;
}

/** Version 1 (PROXY §2.1). */
function line({ addresses, ports }: Ends): string {
  const four = addresses[0].length === 4;
  const texts = addresses.map(four ? formatIpv4 : formatIpv6);
  return `${["PROXY", four ? "TCP4" : "TCP6", ...texts, ...ports].join(" ")}\r\n`;
}

/** Version 2 (PROXY §2.2). */
function binary({ addresses, ports }: Ends, tlvs: readonly Tlv[]): Uint8Array {
  const block = [...addresses.flat(), ...ports.flatMap(uint16)];
  const length = tlvs.reduce((sum, { value }) => sum + 3 + value.length, block.length);
  if (length > 65535) throw new UsageError(`tlvs: ${length} octets in all`);
  const header = new Uint8Array(signature.length + 4 + length);
  let at = 0;
  const put = (octets: ArrayLike<number>): void => {
    header.set(octets, at);
    at += octets.length;
  };
  put(signature);
  put([proxied, addresses[0].length === 4 ? tcp4 : tcp6, ...uint16(length)]);
  put(block);
  for (const { type, value } of tlvs) {
    if (![type, ...value].every(isOctet)) throw new UsageError("tlvs: not an octet");
    put([type, ...uint16(value.length)]);
    put(value);
  }
  return header;
}

function isOctet(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= 255;
}

function uint16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Version 2 with its two commands, and families with their protocol (PROXY §2.2). */
const local = 0x20;
const proxied = 0x21;
const unspecified = 0x00;
const tcp4 = 0x11;
const tcp6 = 0x21;
