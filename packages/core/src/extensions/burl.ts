import { UsageError } from "../errors.ts";
import type { Extension } from "./extension.ts";
import { textsOf } from "./values.ts";

/** How BURL is offered. */
export interface BurlOptions {
  /**
   * Which URLs may be given: `imap` for any of that scheme, or the begin of a URL, `imap://mail.example.com`. Each
   * stands in the EHLO line.
   */
  readonly urls: readonly string[];
}

/** BURL (RFC 4468): the server fetches content from a URL, mostly from the sender's own IMAP server. */
export const burl: Extension = {
  name: "burl",
  keyword: "BURL",
  source: "RFC 4468",
  purpose: "content is fetched from a URL",
  needs: ["8bitmime"],
  services: ["submission"],
  verbs: ["BURL"],
  announce: ({ extensions }) => (extensions.burl === false ? null : extensions.burl.urls.join(" ")),
};

/**
 * Whether a URL is one of those announced: by its scheme, or by its scheme, host and port. What different parsers might
 * read differently (RFC 3986 §3.2), a second `@`, a backslash, or brackets before the host, is none of them.
 */
export function isAnnounced(url: string, { urls }: BurlOptions): boolean {
  // The user, who stands before the host, is no part of it: imap://trusted@evil.example is evil's.
  const given =
    /^([a-z][a-z0-9+.-]*):\/\/(?:[^/?#@[\]\\]*@)?(\[[0-9a-f:.]+\](?::[0-9]*)?|[^/?#@[\]\\]+)(?=[/?#]|$)/i.exec(
      url,
    );
  if (given === null) return false;
  const [scheme, host] = [given[1].toLowerCase(), given[2].toLowerCase()];
  return urls.some((announced) => {
    const [only, authority] = announced.toLowerCase().split("://");
    return only === scheme && (authority === undefined || authority === host);
  });
}

/**
 * A URL fit to be logged: where it leads, and not what it opens. Behind its host there may be the token by which whoever
 * has the URL gets the content (URLAUTH, RFC 4467 §3), so that all of it is left out (G13), as is a password.
 */
export function redactUrl(url: string): string {
  const found = /^([a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*\/?)?)(.*)/is.exec(url);
  const [begin, rest] = found === null ? ["", url] : [found[1], found[2]];
  const place = begin.replace(/(\/\/[^:@]*):[^@]*@/, "$1:***@");
  return rest === "" ? place : `${place}***`;
}

/** @throws {UsageError} for options that cannot be */
export function checkBurl(options: false | BurlOptions): void {
  if (options === false) return;
  for (const url of textsOf("extensions.burl.urls", options.urls)) {
    if (!/^[a-z][a-z0-9+.-]*(:\/\/[A-Za-z0-9.:[\]-]+)?$/i.test(url))
      throw new UsageError(`extensions.burl.urls: neither scheme nor scheme://host: ${JSON.stringify(url)}`);
  }
  if (options.urls.length === 0 || options.urls.join(" ").length > 480)
    throw new UsageError("extensions.burl.urls: at least one, and no more than fit in one line");
}
