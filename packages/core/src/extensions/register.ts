import { UsageError } from "../errors.ts";
import type { CustomExtension } from "./custom.ts";
import { registry } from "./registry.ts";
import { oneOf } from "./values.ts";

/**
 * A row of an application's own, copied and checked.
 *
 * @param verbs those that are taken
 * @throws {UsageError} naming what cannot be
 */
export function register(given: CustomExtension, verbs: readonly string[]): Required<CustomExtension> {
  if (typeof given !== "object" || given === null)
    throw new UsageError(`custom: not an extension: ${JSON.stringify(given)}`);
  const { keyword, announce = "" } = given;
  if (keyword !== null && typeof keyword !== "string")
    throw new UsageError("custom: keyword must be a text, or null");
  if (keyword !== null && (!/^[A-Za-z0-9][A-Za-z0-9-]*$/.test(keyword) || isTaken(keyword)))
    throw new UsageError(`custom: not a keyword of your own: ${JSON.stringify(keyword)}`);
  if (!/^([\x21-\x7e]+( [\x21-\x7e]+)*)?$/.test(announce) || (keyword === null && announce !== ""))
    throw new UsageError(`custom: not words of an EHLO line: ${JSON.stringify(announce)}`);
  if (`${keyword} ${announce}`.length > 506)
    throw new UsageError("custom: an EHLO line of more than 506 octets");
  for (const { keyword, value = "required" } of [...(given.mail ?? []), ...(given.rcpt ?? [])]) {
    oneOf(`custom: value of ${keyword}`, value, ["required", "optional", "none"]);
    if (
      !/^[A-Z0-9][A-Z0-9-]*$/.test(keyword) ||
      registry.some(({ mail, rcpt }) => keyword in { ...mail, ...rcpt })
    )
      throw new UsageError(`custom: not a parameter of your own: ${JSON.stringify(keyword)}`);
  }
  for (const { verb, syntax = verb, transaction = "anywhere" } of given.verbs ?? []) {
    oneOf(`custom: transaction of ${verb}`, transaction, ["anywhere", "outside", "within"]);
    // A longer one would not be told from others that begin like it.
    if (!/^[A-Z][A-Z0-9]{0,62}$/.test(verb) || verbs.includes(verb))
      throw new UsageError(`custom: not a verb of your own: ${JSON.stringify(verb)}`);
    if (!/^[\x20-\x7e]*$/.test(syntax))
      throw new UsageError(`custom: syntax of ${verb}: printable ASCII only`);
  }
  return {
    keyword,
    announce,
    mail: (given.mail ?? []).map((parameter) => ({ ...parameter })),
    rcpt: (given.rcpt ?? []).map((parameter) => ({ ...parameter })),
    verbs: (given.verbs ?? []).map((verb) => ({ ...verb })),
  };
}

function isTaken(keyword: string): boolean {
  return registry.some((extension) => extension.keyword === keyword.toUpperCase());
}
