import { UsageError } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

/** A JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Octets become `{ "$octets": base64 }`, Infinity `{ "$infinity": 1 }`; else a machine is JSON already. */
export function toJson(value: unknown): Json {
  if (value instanceof Uint8Array) return { $octets: encodeBase64(value) };
  if (value === Number.POSITIVE_INFINITY) return { $infinity: 1 };
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, toJson(each)]));
  }
  return value as Json;
}

/** What {@link toJson} was given. */
export function fromJson(value: Json): unknown {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object" || value === null) return value;
  if ("$octets" in value) return fromBase64(String(value.$octets));
  if ("$infinity" in value) return Number.POSITIVE_INFINITY;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fromJson(each)]));
}

function fromBase64(text: string): Uint8Array {
  const octets = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  const decoded = decodeBase64(octets, 0, octets.length);
  if (decoded === null) throw new UsageError("restore: the snapshot is damaged");
  return decoded;
}
