import { UsageError } from "../errors.ts";
import type { MailParameters, ParameterContext, Value } from "../syntax/parameters.ts";
import { formatMailbox, parseAddress } from "../syntax/path.ts";
import { decodeXtext, encodeXtext } from "../syntax/xtext.ts";
import { decodeUtf8 } from "../wire/utf8.ts";
import type { Extension } from "./extension.ts";
import { loneSurrogate } from "./values.ts";

/** AUTH (RFC 4954): the client shows who it is. */
export const auth: Extension = {
  name: "auth",
  keyword: "AUTH",
  source: "RFC 4954",
  purpose: "the client shows who it is",
  verbs: ["AUTH"],
  announce: (surroundings) => surroundings.mechanisms().join(" ") || null,
  mail: {
    AUTH: {
      read: (given, context) => given && readAuth(given, context),
      write: ({ auth }) => writeAuth(auth),
    },
  },
};

/** STARTTLS (RFC 3207): the connection is encrypted from here on. */
export const startTls: Extension = {
  name: "starttls",
  keyword: "STARTTLS",
  source: "RFC 3207",
  purpose: "TLS on a connection that began without",
  verbs: ["STARTTLS"],
  announce: ({ tlsPossible, tlsActive }) => (tlsPossible && !tlsActive ? "" : null),
};

/** `<>`, or the xtext of an address (RFC 4954 §5). */
function readAuth({ octets, start, end }: Value, { utf8 }: ParameterContext): Partial<MailParameters> | null {
  if (end - start === 2 && octets[start] === 0x3c && octets[start + 1] === 0x3e) return { auth: "<>" };
  const decoded = decodeXtext(octets, start, end);
  const text = decoded === null ? null : decodeUtf8(decoded);
  const mailbox = text === null ? null : parseAddress(text, { utf8 });
  return mailbox === null ? null : { auth: formatMailbox(mailbox) };
}

function writeAuth(auth: string | undefined): string | null {
  if (auth === undefined || auth === "<>") return auth ?? null;
  if (loneSurrogate.test(auth) || parseAddress(auth, { utf8: true }) === null)
    throw new UsageError(`auth: not an address: ${JSON.stringify(auth)}`);
  const encoded = encodeXtext(auth);
  if (encoded.length > 494) throw new UsageError("auth: more than 500 octets (RFC 4954 §3)");
  return encoded;
}
