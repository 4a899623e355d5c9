import { type Reply, reply } from "./reply.ts";
import { encodeBase64 } from "./syntax/base64.ts";
import { encodeUtf8 } from "./wire/utf8.ts";

/**
 * A 334 that asks the client for the next response of an AUTH exchange (RFC 4954 §4).
 *
 * @param octets the challenge of the mechanism; a string stands for its UTF-8
 */
export function challenge(octets: Uint8Array | string): Reply {
  return reply(334, encodeBase64(typeof octets === "string" ? encodeUtf8(octets) : octets));
}
