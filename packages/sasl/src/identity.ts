import { saslprep } from "./prep.ts";
import type { Identity, ServerContext } from "./server.ts";

/**
 * The names that a client has given, prepared; null: they are none (RFC 4954 §4, RFC 4616 §2).
 *
 * @param authzid empty or null: the user himself
 */
export function identify(user: string, authzid: string | null, context: ServerContext): Identity | null {
  const prepare = context.prepare ?? saslprep;
  const name = prepare(user, "query");
  const other = authzid === null || authzid === "" ? null : prepare(authzid, "query");
  if (name === null || name === "") return null;
  if (authzid !== null && authzid !== "" && (other === null || other === "")) return null;
  return { user: name, authzid: other, trace: null };
}
