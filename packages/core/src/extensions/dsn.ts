import { UsageError } from "../errors.ts";
import { atext, is } from "../syntax/octets.ts";
import type { MailParameters, RcptParameters, Value } from "../syntax/parameters.ts";
import { parseAddress } from "../syntax/path.ts";
import { decodeXtext, encodeUtf8Address, encodeXtext, upperHex } from "../syntax/xtext.ts";
import { ascii, decodeUtf8, encodeUtf8 } from "../wire/utf8.ts";
import type { AddresseeParameters, Extension, OutgoingParameters } from "./extension.ts";
import { loneSurrogate, oneOf, upperText } from "./values.ts";

/** DSN (RFC 3461): the sender says when it wants to be told of what, and how. */
export const dsn: Extension = {
  name: "dsn",
  keyword: "DSN",
  source: "RFC 3461, RFC 6533",
  purpose: "delivery notifications as the sender asks for them",
  mail: {
    RET: {
      read: (given) => given && readRet(given),
      write: ({ ret }) => (ret === undefined ? null : oneOf<"FULL" | "HDRS">("ret", ret, ["FULL", "HDRS"])),
    },
    ENVID: { read: (given) => given && readEnvid(given), write: ({ envid }) => writeEnvid(envid) },
  },
  rcpt: {
    NOTIFY: { read: (given) => given && readNotify(given), write: ({ notify }) => writeNotify(notify) },
    ORCPT: {
      read: (given, { utf8 }) => given && readOrcpt(given, utf8),
      write: ({ orcpt }) => writeOrcpt(orcpt),
    },
  },
};

function readRet(given: Value): Partial<MailParameters> | null {
  const ret = upperText(given);
  return ret === "FULL" || ret === "HDRS" ? { ret } : null;
}

/** xtext of up to 100 characters that stands for printable ASCII and blanks (RFC 3461 §4.4, §5.4). */
function readEnvid({ octets, start, end }: Value): Partial<MailParameters> | null {
  const decoded = end - start > 100 ? null : decodeXtext(octets, start, end);
  if (decoded === null || !decoded.every((octet) => octet >= 0x20 && octet <= 0x7e)) return null;
  return { envid: ascii(octets, start, end) };
}

function readNotify(given: Value): Partial<RcptParameters> | null {
  const words = upperText(given).split(",");
  const events = ["NEVER", "SUCCESS", "FAILURE", "DELAY"] as const;
  const notify = words.map((word) => events.find((event) => event === word));
  if (notify.includes(undefined) || (notify.includes("NEVER") && notify.length > 1)) return null;
  return { notify: notify as (typeof events)[number][] };
}

/** An address type, which is an atom, then the address in xtext, or for `utf-8` in the form of RFC 6533 §3. */
function readOrcpt({ octets, start, end }: Value, utf8: boolean): Pick<RcptParameters, "orcpt"> | null {
  let semicolon = start;
  while (semicolon < end && octets[semicolon] !== 0x3b) semicolon++;
  if (semicolon === start || semicolon === end || end - start > 500) return null;
  for (let at = start; at < semicolon; at++) {
    if (!is(octets[at], atext)) return null;
  }
  const type = ascii(octets, start, semicolon);
  const address =
    type.toLowerCase() === "utf-8"
      ? readUtf8Address(octets, semicolon + 1, end)
      : readXtextAddress(octets, semicolon + 1, end, utf8);
  const raw = decodeUtf8(octets, start, end);
  return address === null || raw === null ? null : { orcpt: { type, address, raw } };
}

/** No control octet is in any address (RFC 5321 §4.1.2): decoded, CR and LF would end a header field. */
function readXtextAddress(octets: Uint8Array, start: number, end: number, utf8: boolean): string | null {
  const decoded = decodeXtext(octets, start, end);
  if (decoded === null) return null;
  const fits = decoded.every((octet) => (octet >= 0x20 && octet < 0x7f) || (utf8 && octet >= 0x80));
  return fits ? decodeUtf8(decoded) : null;
}

/** utf-8-addr-xtext, and where SMTPUTF8 is in force utf-8-addr-unitext; decoded it is a mailbox. */
function readUtf8Address(octets: Uint8Array, start: number, end: number): string | null {
  const text = decodeUtf8(octets, start, end);
  if (text === null) return null;
  let address = "";
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) as number;
    if (point === 0x5c) {
      const close = text.indexOf("}", at);
      const embedded = embeddedPoint(text.slice(at, close + 1));
      if (embedded === null) return null;
      address += String.fromCodePoint(embedded);
      at = close + 1;
      continue;
    }
    // A value has neither blanks nor controls, and octets above 0x7F with SMTPUTF8 alone: these two are left.
    if (point === 0x2b || point === 0x3d) return null;
    address += String.fromCodePoint(point);
    at += point > 0xffff ? 2 : 1;
  }
  return parseAddress(address, { utf8: true }) === null ? null : address;
}

/** `\x{FC}`: upper case, shortest form, and only for what cannot stand for itself (RFC 6533 §3). */
function embeddedPoint(text: string): number | null {
  if (!text.startsWith("\\x{")) return null;
  const digits = text.slice(3, -1);
  if (digits.length < 2) return null;
  for (let at = 0; at < digits.length; at++) if (upperHex(digits.charCodeAt(at)) < 0) return null;
  const point = Number.parseInt(digits, 16);
  if (digits.length > 2 && digits[0] === "0") return null;
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return null;
  const plain = point > 0x20 && point < 0x7f && point !== 0x2b && point !== 0x3d && point !== 0x5c;
  return plain ? null : point;
}

function writeEnvid(envid: OutgoingParameters["envid"]): string | null {
  if (envid === undefined) return null;
  if (typeof envid === "object") {
    if (envid.raw === "" || readEnvid(asValue(envid.raw)) === null)
      throw new UsageError("envid.raw: not an ENVID (RFC 3461 §4.4)");
    return envid.raw;
  }
  if (!/^[\x20-\x7e]+$/.test(envid)) throw new UsageError("envid: printable ASCII only");
  const encoded = encodeXtext(envid);
  if (encoded.length > 100) throw new UsageError("envid: more than 100 octets (RFC 3461 §5.4)");
  return encoded;
}

function writeNotify(notify: AddresseeParameters["notify"]): string | null {
  if (notify === undefined) return null;
  for (const word of notify) oneOf("notify", word, ["NEVER", "SUCCESS", "FAILURE", "DELAY"]);
  const alone = notify.length === 1 || !notify.includes("NEVER");
  if (notify.length === 0 || !alone)
    throw new UsageError("notify: NEVER alone, or one or more of the others");
  return notify.join(",");
}

function writeOrcpt(orcpt: AddresseeParameters["orcpt"]): string | null {
  if (orcpt === undefined) return null;
  if (orcpt.raw !== undefined && /^[\x21-\x7e]+$/.test(orcpt.raw)) {
    const same = readOrcpt(asValue(orcpt.raw), true)?.orcpt;
    if (same?.type === orcpt.type && same.address === orcpt.address) return orcpt.raw;
  }
  if (!/^[A-Za-z0-9-]+$/.test(orcpt.type)) throw new UsageError("orcpt.type: not an address type");
  const text = `${orcpt.type};${encodeOriginal(orcpt.type, orcpt.address)}`;
  if (text.length > 500) throw new UsageError("orcpt: more than 500 octets (RFC 3461 §5.4)");
  return text;
}

function asValue(text: string): Value {
  const octets = encodeUtf8(text);
  return { octets, start: 0, end: octets.length };
}

/** The address of ORCPT: in xtext, or for `utf-8` in the form that any server takes (RFC 6533 §3). */
function encodeOriginal(type: string, address: string): string {
  if (type.toLowerCase() !== "utf-8") {
    if (!/^[\x20-\x7e]+$/.test(address)) throw new UsageError("orcpt.address: printable ASCII only");
    return encodeXtext(address);
  }
  if (loneSurrogate.test(address) || parseAddress(address, { utf8: true }) === null)
    throw new UsageError(`orcpt.address: not an address: ${JSON.stringify(address)}`);
  return encodeUtf8Address(address);
}
