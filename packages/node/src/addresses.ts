import { BlockList, isIP, isIPv6, type Socket } from "node:net";
import { type Endpoint, UsageError } from "@sansmtp/core";

/** Both ends of a connection; null for a Unix socket, which has no addresses. */
export function endsOf(socket: Socket): { readonly peer: Endpoint | null; readonly local: Endpoint | null } {
  return {
    peer: endpoint(socket.remoteAddress, socket.remotePort),
    local: endpoint(socket.localAddress, socket.localPort),
  };
}

/**
 * A list of addresses and networks (`10.0.0.0/8`, `2001:db8::/32`).
 *
 * @throws {UsageError} when one of them is none
 */
export function networks(places: readonly string[]): BlockList {
  const list = new BlockList();
  for (const place of places) {
    const [address, prefix] = place.split("/") as [string, string | undefined];
    const version = isIP(address);
    const longest = version === 6 ? 128 : 32;
    const bits = prefix === undefined ? longest : Number(prefix);
    if (version === 0 || !/^\d+$/.test(prefix ?? "0") || bits > longest) {
      throw new UsageError(`trustedProxies: neither an address nor a network: ${JSON.stringify(place)}`);
    }
    list.addSubnet(address, bits, version === 6 ? "ipv6" : "ipv4");
  }
  return list;
}

/** Whether an address is on a list. */
export function contains(list: BlockList, { address }: Endpoint): boolean {
  return list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | null {
  if (address === undefined || port === undefined) return null;
  // An IPv4 client of a socket that listens on both families is an IPv4 client.
  return { address: address.replace(/^::ffff:(?=[0-9.]+$)/i, ""), port };
}
