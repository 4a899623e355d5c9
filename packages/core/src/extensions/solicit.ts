import { UsageError } from "../errors.ts";
import type { MailParameters, Value } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { text, textsOf } from "./values.ts";

/** How NO-SOLICITING is offered. */
export interface SolicitOptions {
  /** Classes of mail that are not wanted, such as `org.example:ADV`; with commas at most 1000 octets together. */
  readonly keywords: readonly string[];
}

/** NO-SOLICITING (RFC 3865): advertising says what it is, and which is not wanted is known before it is sent. */
export const noSoliciting: Extension = {
  name: "noSoliciting",
  keyword: "NO-SOLICITING",
  source: "RFC 3865",
  purpose: "advertising says what it is",
  announce: ({ extensions }) =>
    typeof extensions.noSoliciting === "object" ? extensions.noSoliciting.keywords.join(",") : "",
  mail: {
    SOLICIT: {
      read: (given) => given && readSolicit(given),
      write: ({ solicit }) => (solicit === undefined ? null : listed("solicit", solicit)),
    },
  },
};

/** @throws {UsageError} for options that cannot be */
export function checkSolicit(options: boolean | SolicitOptions): void {
  // With the keyword it has to fit in one line of the EHLO reply, whatever RFC 3865 would let it have.
  if (
    typeof options === "object" &&
    listed("extensions.noSoliciting.keywords", options.keywords).length > 480
  )
    throw new UsageError("extensions.noSoliciting.keywords: too many for a line of the EHLO reply");
}

function readSolicit(given: Value): Partial<MailParameters> | null {
  const solicit = text(given).split(",");
  return given.end - given.start <= 1000 && solicit.every(isKeyword) ? { solicit } : null;
}

/** `domain:word`, the domain from the top down (RFC 3865 §2.1). */
function isKeyword(keyword: string): boolean {
  return /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[A-Za-z0-9]([A-Za-z0-9_.-]*)$/.test(keyword);
}

function listed(name: string, keywords: readonly string[]): string {
  const text = textsOf(name, keywords).join(",");
  if (keywords.length === 0 || !keywords.every(isKeyword) || text.length > 1000)
    throw new UsageError(`${name}: keywords such as org.example:ADV, 1000 octets at most`);
  return text;
}
