import { encodeUtf8 } from "@sansmtp/core";
import { decodeName } from "./gs2.ts";
import { fromBase64 } from "./scram-keys.ts";

// The messages of SCRAM behind the GS2 header (RFC 5802 §7). Attributes have an order; what may follow them is an
// extension that nobody has to know. `m` at any place means one that must be known, and there is none.

/** `n=user,r=nonce`. Null when it is anything else. */
export function parseClientFirst(bare: string): { readonly user: string; readonly nonce: string } | null {
  const [name, nonce, ...extensions] = attributes(bare) ?? [];
  if (name?.key !== "n" || nonce?.key !== "r" || !isNonce(nonce.value) || !areOptional(extensions))
    return null;
  const user = decodeName(name.value);
  return user === null ? null : { user, nonce: nonce.value };
}

/** `r=nonce,s=salt,i=rounds`. */
export interface ServerFirst {
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export function parseServerFirst(message: string): ServerFirst | null {
  const [nonce, salt, rounds, ...extensions] = attributes(message) ?? [];
  if (nonce?.key !== "r" || salt?.key !== "s" || rounds?.key !== "i" || !areOptional(extensions)) return null;
  const octets = fromBase64(salt.value);
  if (!isNonce(nonce.value) || octets === null || octets.length === 0) return null;
  if (!/^[1-9][0-9]{0,14}$/.test(rounds.value)) return null;
  return { nonce: nonce.value, salt: octets, iterations: Number(rounds.value) };
}

/** `c=binding,r=nonce,p=proof`. */
export interface ClientFinal {
  readonly binding: Uint8Array;
  readonly nonce: string;
  readonly proof: Uint8Array;
  /** All of it up to the comma before the proof: this is signed. */
  readonly withoutProof: string;
}

export function parseClientFinal(message: string): ClientFinal | null {
  const list = attributes(message) ?? [];
  const [channel, nonce, ...rest] = list;
  const proof = rest.pop();
  if (channel?.key !== "c" || nonce?.key !== "r" || proof?.key !== "p" || !areOptional(rest)) return null;
  const [bound, proved] = [fromBase64(channel.value), fromBase64(proof.value)];
  if (bound === null || proved === null || !isNonce(nonce.value)) return null;
  const withoutProof = message.slice(0, message.lastIndexOf(",p="));
  return { binding: bound, nonce: nonce.value, proof: proved, withoutProof };
}

/** `v=signature`; null also when the server tells an error. */
export function parseServerFinal(message: string): Uint8Array | null {
  const [signature, ...extensions] = attributes(message) ?? [];
  if (signature?.key !== "v" || !areOptional(extensions)) return null;
  return fromBase64(signature.value);
}

/** What `c=` holds: the header as it was sent, and the binding if there is one. */
export function boundTo(header: string, data: Uint8Array | null): Uint8Array {
  const head = encodeUtf8(header);
  const octets = new Uint8Array(head.length + (data?.length ?? 0));
  octets.set(head);
  if (data !== null) octets.set(data, head.length);
  return octets;
}

/** Printable ASCII without a comma (RFC 5802 §5.1). */
export function isNonce(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]+$/.test(text);
}

interface Attribute {
  readonly key: string;
  readonly value: string;
}

/** Null when a part has not the form of an attribute. */
function attributes(message: string): Attribute[] | null {
  const list = message.split(",").map((part) => /^([A-Za-z])=([^\0]+)$/s.exec(part));
  if (list.some((found) => found === null)) return null;
  return list.map((found) => ({ key: (found as RegExpExecArray)[1], value: (found as RegExpExecArray)[2] }));
}

function areOptional(extensions: readonly Attribute[]): boolean {
  return extensions.every(({ key }) => key !== "m");
}
