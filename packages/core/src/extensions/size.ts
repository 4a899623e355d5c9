import { digit, is } from "../syntax/octets.ts";
import type { MailParameters, Value } from "../syntax/parameters.ts";
import { ascii } from "../wire/utf8.ts";
import type { Extension } from "./extension.ts";

/** SIZE (RFC 1870): the octets of a message are declared, and known to be too many, before they are sent. */
export const size: Extension = {
  name: "size",
  keyword: "SIZE",
  source: "RFC 1870",
  purpose: "the size of a message is declared before it is sent",
  announce: ({ limits }) => String(limits.message),
  mail: { SIZE: { read: (given) => given && readSize(given), write: null } },
};

/** 1 to 20 digits (RFC 1870 §3). */
function readSize({ octets, start, end }: Value): Partial<MailParameters> | null {
  if (end - start > 20) return null;
  for (let at = start; at < end; at++) if (!is(octets[at], digit)) return null;
  const size = Number(ascii(octets, start, end));
  return { size: Number.isSafeInteger(size) ? size : Number.POSITIVE_INFINITY };
}
