/**
 * Reads the header that a proxy puts before a connection to say who the client is: the PROXY protocol, version 1
 * (a line of text) and version 2 (binary). The document is HAProxy's `proxy-protocol.txt`, cited as PROXY.
 *
 * The versions differ in their first octet. From there on every octet either can still belong to a header or ends
 * the attempt: nothing is guessed, and nobody is asked to wait for an octet that could not help. The one exception
 * is a text line, which is looked at when its CRLF has come.
 *
 *     version 1   PROXY SP family SP source SP destination SP source-port SP destination-port CRLF
 *     version 2   signature(12) version-and-command(1) family(1) L(2) addresses TLVs      the last two are L octets
 */
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "./address.ts";
import { crc32c } from "./crc32c.ts";
import { decodeUtf8 } from "./utf8.ts";

/** A PROXY header. Plain data: it can be kept as JSON. */
export interface ProxyHeader {
  readonly version: 1 | 2;
  /** `LOCAL`: the proxy itself has connected, for a health check, and stands for nobody (PROXY §2.2). */
  readonly command: "PROXY" | "LOCAL";
  /** `UNSPEC`: not said, or UNKNOWN in version 1. */
  readonly family: "TCP4" | "TCP6" | "UDP4" | "UDP6" | "UNIX" | "UNSPEC";
  /** The client; null when the header names no address of the internet, and the real peer is the client. */
  readonly source: Endpoint | null;
  /** What the client has connected to; null together with `source`. */
  readonly destination: Endpoint | null;
  /** The host name that the client has asked the proxy for, by SNI for example; null if not said. */
  readonly authority: string | null;
  /** The TLS that the proxy has ended; null if it does not speak of TLS, or there was none. */
  readonly tls: ProxyTls | null;
  /** Everything behind the addresses in version 2, known or not, in its order. */
  readonly tlvs: readonly Tlv[];
}

/** One end of a connection. */
export interface Endpoint {
  /** IPv4 dotted, or IPv6 as RFC 5952 writes it. */
  readonly address: string;
  /** 0 to 65535. */
  readonly port: number;
}

/** What the proxy tells of the client's TLS (PROXY §2.2.6). */
export interface ProxyTls {
  /** For example `TLSv1.3`. */
  readonly version: string | null;
  /** For example `ECDHE-RSA-AES128-GCM-SHA256`. */
  readonly cipher: string | null;
  /** The common name in the client's certificate. */
  readonly commonName: string | null;
  /** The client has shown a certificate, on this connection or earlier in this TLS session, and it was verified. */
  readonly verified: boolean;
}

/** A field of version 2: its type, its octets (PROXY §2.2). */
export interface Tlv {
  readonly type: number;
  readonly value: readonly number[];
}

/** Why something is not a PROXY header. There is no reply to it: the connection is aborted (PROXY §2). */
export interface ProxyFault {
  /** The requirement that was broken, as numbered in the catalogue: `SEC-PRX-04`. */
  readonly rule: string;
  /** What was wrong, in a few plain words. */
  readonly detail: string;
  /** Where: the offset in octets from the start of the connection. */
  readonly at: number;
}

/**
 * Reads one PROXY header, in whatever pieces it comes. What is held is at most the header: 107 octets in version
 * 1, what the header declares in version 2, 65551 at most, and never more than twice of what has come.
 */
export class ProxyReader {
  #held = new Uint8Array(longestLine);
  #length = 0;
  /** Octets of a header of version 2; 0 as long as it is not known. */
  #size = 0;
  #taken = 0;
  #result: ProxyHeader | ProxyFault | null = null;

  /**
   * Reads on in what has come next. Null: all of it was taken, and the header goes on. After a header or a fault
   * nothing more is taken, and the same is returned again.
   */
  read(octets: Uint8Array): ProxyHeader | ProxyFault | null {
    let at = 0;
    while (this.#result === null && at < octets.length) {
      const wanted = this.#size === 0 ? 1 : this.#size - this.#length;
      const end = Math.min(at + wanted, octets.length);
      this.#hold(octets, at, end);
      this.#result = this.#look();
      at = end;
    }
    this.#taken = at;
    return this.#result;
  }

  /** How many of the octets last given to `read` were taken. The rest is not the proxy's: it is TLS or SMTP. */
  get taken(): number {
    return this.#taken;
  }

  /** A copy of all octets taken so far. A new reader that reads them is where this one is. */
  held(): Uint8Array {
    return this.#held.slice(0, this.#length);
  }

  #hold(octets: Uint8Array, from: number, to: number): void {
    const needed = this.#length + to - from;
    if (needed > this.#held.length) {
      const wider = new Uint8Array(Math.min(this.#size, Math.max(needed, 2 * this.#length)));
      wider.set(this.#held.subarray(0, this.#length));
      this.#held = wider;
    }
    for (let at = from; at < to; at++) this.#held[this.#length++] = octets[at];
  }

  /** What is to be said now that another octet is held, or all of the header when its size is known. */
  #look(): ProxyHeader | ProxyFault | null {
    const held = this.#held.subarray(0, this.#length);
    const last = held.length - 1;
    const start = held[0] === signature[0] ? signature : keyword;
    if (last < start.length) {
      return held[last] === start[last] ? null : fault("SEC-PRX-03", "not a PROXY header", last);
    }
    if (start === keyword) return lookAtLine(held);
    if (held.length === fixedLength) {
      const wrong = checkFixed(held);
      if (wrong !== null) return wrong;
      this.#size = fixedLength + uint16(held, 14);
    }
    return held.length === this.#size ? readBinary(held) : null;
  }
}

/** A line of version 1 up to the octet that came last (PROXY §2.1). */
function lookAtLine(held: Uint8Array): ProxyHeader | ProxyFault | null {
  const last = held.length - 1;
  if (held[last] === LF) {
    if (held[last - 1] === CR) return readLine(ascii(held.subarray(0, last - 1)));
    // Behind UNKNOWN anything is ignored until CRLF; elsewhere LF cannot become right.
    if (!ascii(held).startsWith("PROXY UNKNOWN ")) return fault("SEC-PRX-04", "LF without CR", last);
  }
  return held.length < longestLine ? null : fault("L-LEN-18", "no CRLF within 107 octets", last);
}

/** A line of version 1, without its CRLF. */
function readLine(line: string): ProxyHeader | ProxyFault {
  const fields = line.split(" ");
  const [, family, source, destination, sourcePort, destinationPort] = fields;
  if (family === "UNKNOWN") return header({ version: 1 });
  if (family !== "TCP4" && family !== "TCP6") return fault("SEC-PRX-04", "unknown family", keyword.length);
  const names = ["keyword", "family", "source", "destination", "source port", "destination port"];
  if (fields.length !== names.length) return fault("SEC-PRX-04", "not six fields", line.length);

  const wrong = (field: number): ProxyFault =>
    fault("SEC-PRX-04", `bad ${names[field]}`, fields.slice(0, field).join(" ").length + 1);
  const from = canonicalAddress(family, source);
  if (from === null) return wrong(2);
  const to = canonicalAddress(family, destination);
  if (to === null) return wrong(3);
  const fromPort = portNumber(sourcePort);
  if (fromPort === null) return wrong(4);
  const toPort = portNumber(destinationPort);
  if (toPort === null) return wrong(5);
  return header({
    version: 1,
    family,
    source: { address: from, port: fromPort },
    destination: { address: to, port: toPort },
  });
}

function canonicalAddress(family: "TCP4" | "TCP6", text: string): string | null {
  const octets = family === "TCP4" ? parseIpv4(text) : parseIpv6(text);
  if (octets === null) return null;
  return family === "TCP4" ? formatIpv4(octets) : formatIpv6(octets);
}

function portNumber(text: string): number | null {
  return /^(0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65535 ? Number(text) : null;
}

/** What can be said of the first 16 octets of version 2: command, family, and whether L can hold the addresses. */
function checkFixed(held: Uint8Array): ProxyFault | null {
  const versionAndCommand = held[12];
  if (versionAndCommand >> 4 !== 2) return fault("SEC-PRX-05", "not version 2", 12);
  if ((versionAndCommand & 0xf) > 1) return fault("SEC-PRX-05", "unknown command", 12);
  if (versionAndCommand === local) return null;
  const family = held[13];
  if (family >> 4 > 3) return fault("SEC-PRX-06", "unknown address family", 13);
  if ((family & 0xf) > 2) return fault("SEC-PRX-06", "unknown transport protocol", 13);
  const block = blocks.get(family);
  if (block !== undefined && uint16(held, 14) < block.length) {
    return fault("SEC-PRX-06", "length smaller than the addresses", 14);
  }
  return null;
}

/** A whole header of version 2, its first 16 octets checked. */
function readBinary(held: Uint8Array): ProxyHeader | ProxyFault {
  if (held[12] === local) return header({ version: 2, command: "LOCAL" });
  // Where the family is not said, or is one without a block of its own, it is not known where the TLVs begin.
  const block = blocks.get(held[13]);
  if (block === undefined) return header({ version: 2 });

  const tlvs = readTlvs(held, fixedLength + block.length);
  if ("rule" in tlvs) return tlvs;
  const tls = tlvs.find((tlv) => tlv.type === typeTls);
  const proxyTls = tls === undefined ? null : readTls(tls);
  if (proxyTls !== null && "rule" in proxyTls) return proxyTls;
  return header({
    version: 2,
    family: block.family,
    ...endpoints(held, block),
    authority: text(tlvs, typeAuthority),
    tls: proxyTls,
    tlvs: tlvs.map(({ type, value }) => ({ type, value: Array.from(value) })),
  });
}

/** Source address, destination address, source port, destination port, big-endian (PROXY §2.2). */
function endpoints(held: Uint8Array, { family, width }: Block): Pick<ProxyHeader, "source" | "destination"> {
  if (family === "UNIX") return { source: null, destination: null };
  const endpoint = (index: 0 | 1): Endpoint => {
    const start = fixedLength + index * width;
    const address = held.subarray(start, start + width);
    return {
      address: width === 4 ? formatIpv4(address) : formatIpv6(address),
      port: uint16(held, fixedLength + 2 * width + index * 2),
    };
  };
  return { source: endpoint(0), destination: endpoint(1) };
}

/** A TLV as it lies in the header. */
interface Field {
  readonly type: number;
  readonly value: Uint8Array;
  /** Where the value begins, from the start of the connection. */
  readonly at: number;
}

/** The TLVs of the header, with the checksum compared and what has a stated length checked. */
function readTlvs(held: Uint8Array, start: number): Field[] | ProxyFault {
  const fields = splitTlvs(held, start, 0);
  if ("rule" in fields) return fields;
  let checksums = 0;
  for (const { type, value, at } of fields) {
    if (type === typeUniqueId && value.length > 128) return fault("SEC-PRX-09", "unique id too long", at);
    if (type !== typeCrc32c) continue;
    // One at most: another would make the work grow with the square of the length.
    if (++checksums > 1) return fault("SEC-PRX-10", "two checksums", at);
    if (value.length !== 4) return fault("SEC-PRX-10", "checksum not of 4 octets", at);
    const zeroed = held.slice();
    zeroed.fill(0, at, at + 4);
    if (crc32c(zeroed) !== uint16(held, at) * 0x10000 + uint16(held, at + 2)) {
      return fault("SEC-PRX-10", "wrong checksum", at);
    }
  }
  return fields;
}

/** Cuts octets from `start` to the end into TLVs. `origin` is where they lie in the connection. */
function splitTlvs(octets: Uint8Array, start: number, origin: number): Field[] | ProxyFault {
  const fields: Field[] = [];
  let at = start;
  while (at < octets.length) {
    const begin = at + 3;
    const end = begin > octets.length ? begin : begin + uint16(octets, at + 1);
    if (end > octets.length) return fault("SEC-PRX-09", "TLV exceeds what holds it", origin + at);
    fields.push({ type: octets[at], value: octets.subarray(begin, end), at: origin + begin });
    at = end;
  }
  return fields;
}

/** The TLV of type 0x20: what kinds of TLS there were (1 octet), 0 for verified (4), and TLVs within (§2.2.6). */
function readTls({ value, at }: Field): ProxyTls | ProxyFault | null {
  if (value.length < 5) return fault("SEC-PRX-09", "TLS without its first 5 octets", at);
  const fields = splitTlvs(value, 5, at);
  if ("rule" in fields) return fields;
  const kinds = value[0];
  if ((kinds & 1) === 0) return null;
  return {
    version: text(fields, 0x21),
    cipher: text(fields, 0x23),
    commonName: text(fields, 0x22),
    verified: (kinds & 6) !== 0 && value.subarray(1, 5).every((octet) => octet === 0),
  };
}

/**
 * A field that is text in UTF-8, null if there is none. What is not well-formed, or has a control in it, is null
 * too, and no fault: much of it comes from the client through the proxy, and it may end in logs.
 */
function text(fields: readonly Field[], type: number): string | null {
  const field = fields.find((each) => each.type === type);
  if (field === undefined) return null;
  const decoded = decodeUtf8(field.value);
  return decoded === null || /[\p{Cc}\p{Zl}\p{Zp}]/u.test(decoded) ? null : decoded;
}

/** The only place where a header is built, so that its shape is always the same. */
function header(known: Pick<ProxyHeader, "version"> & Partial<ProxyHeader>): ProxyHeader {
  return {
    version: known.version,
    command: known.command ?? "PROXY",
    family: known.family ?? "UNSPEC",
    source: known.source ?? null,
    destination: known.destination ?? null,
    authority: known.authority ?? null,
    tls: known.tls ?? null,
    tlvs: known.tlvs ?? [],
  };
}

function fault(rule: string, detail: string, at: number): ProxyFault {
  return { rule, detail, at };
}

/** Octets as characters of the same number: what is not ASCII stays different from all that is. */
function ascii(octets: Uint8Array): string {
  return String.fromCharCode(...octets);
}

function uint16(octets: Uint8Array, at: number): number {
  return (octets[at] << 8) | octets[at + 1];
}

/** How the addresses of a family lie in the header: octets of the whole block, and of one address. */
interface Block {
  readonly family: ProxyHeader["family"];
  readonly length: number;
  readonly width: number;
}

/** The octet of family and protocol, and what it announces (PROXY §2.2). */
const blocks: ReadonlyMap<number, Block> = new Map<number, Block>([
  [0x11, { family: "TCP4", length: 12, width: 4 }],
  [0x12, { family: "UDP4", length: 12, width: 4 }],
  [0x21, { family: "TCP6", length: 36, width: 16 }],
  [0x22, { family: "UDP6", length: 36, width: 16 }],
  [0x31, { family: "UNIX", length: 216, width: 108 }],
  [0x32, { family: "UNIX", length: 216, width: 108 }],
]);

const keyword = Uint8Array.from("PROXY ", (character) => character.charCodeAt(0));
/** What version 2 begins with (PROXY §2.2). */
export const signature: Readonly<Uint8Array> = Uint8Array.from([
  0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
]);
/** Version 2 and the command LOCAL. */
const local = 0x20;
const typeAuthority = 0x02;
const typeCrc32c = 0x03;
const typeUniqueId = 0x05;
const typeTls = 0x20;
/** Octets of a line of version 1 with CRLF (PROXY §2.1). */
const longestLine = 107;
/** Octets of version 2 before the addresses. */
const fixedLength = 16;
const CR = 13;
const LF = 10;
