import type { ReceivedReply } from "./replies.ts";

/** What a server offers, by its last EHLO or LHLO reply (RFC 5321 §4.1.1.1). */
export interface Capabilities {
  readonly pipelining: boolean;
  readonly chunking: boolean;
  readonly "8bitmime": boolean;
  readonly binarymime: boolean;
  readonly smtputf8: boolean;
  readonly enhancedStatusCodes: boolean;
  readonly dsn: boolean;
  readonly starttls: boolean;
  /** Recipients get a verdict each, after the content. */
  readonly prdr: boolean;
  /** SIZE: null: not offered. Infinity: offered without a fixed maximum (RFC 1870 §3). Otherwise octets. */
  readonly size: number | null;
  /** AUTH mechanisms in upper case; none when AUTH is not offered. */
  readonly auth: readonly string[];
  /** LIMITS (RFC 9422); null where not given. */
  readonly limits: Limits;
  /** Every line as it was sent: keyword in upper case, parameters; unknown ones, too. */
  readonly all: readonly { readonly keyword: string; readonly parameters: readonly string[] }[];
}

/** What a server takes in one session or transaction (RFC 9422). */
export interface Limits {
  /** MAIL commands in a session. */
  readonly mailMax: number | null;
  /** RCPT commands in a transaction. */
  readonly rcptMax: number | null;
  /** Different domains of recipients in a session. */
  readonly rcptDomainMax: number | null;
}

/** The capabilities of a server that said none, or was greeted with HELO. */
export const noCapabilities: Capabilities = /* @__PURE__ */ parseLines([]);

/** What stands behind a keyword; null: it is not offered. */
export function wordsOf({ all }: Capabilities, keyword: string): readonly string[] | null {
  return all.find((line) => line.keyword === keyword.toUpperCase())?.parameters ?? null;
}

/** Reads the lines behind the first of an EHLO or LHLO reply. Unknown keywords are kept, odd lines passed over. */
export function parseCapabilities(reply: ReceivedReply): Capabilities {
  return parseLines(reply.lines.slice(1));
}

function parseLines(lines: readonly string[]): Capabilities {
  const all = lines.flatMap((line) => {
    // Servers before RFC 2554 said AUTH=LOGIN.
    const [keyword = "", ...parameters] = line
      .replace(/^AUTH=/i, "AUTH ")
      .trim()
      .split(/[ \t]+/);
    return /^[A-Za-z0-9][A-Za-z0-9-]*$/.test(keyword) ? [{ keyword: keyword.toUpperCase(), parameters }] : [];
  });
  const has = (keyword: string): boolean => all.some((line) => line.keyword === keyword);
  const auth = all.filter(({ keyword }) => keyword === "AUTH").flatMap(({ parameters }) => parameters);
  return {
    pipelining: has("PIPELINING"),
    chunking: has("CHUNKING"),
    "8bitmime": has("8BITMIME"),
    binarymime: has("BINARYMIME") && has("CHUNKING"),
    smtputf8: has("SMTPUTF8"),
    enhancedStatusCodes: has("ENHANCEDSTATUSCODES"),
    dsn: has("DSN"),
    starttls: has("STARTTLS"),
    prdr: has("PRDR"),
    size: parseSize(all.find(({ keyword }) => keyword === "SIZE")?.parameters),
    auth: [...new Set(auth.map((name) => name.toUpperCase()))],
    limits: parseLimits(all.find(({ keyword }) => keyword === "LIMITS")?.parameters ?? []),
    all,
  };
}

function parseSize(parameters: readonly string[] | undefined): number | null {
  if (parameters === undefined) return null;
  const [text = ""] = parameters;
  const size = /^[0-9]{1,20}$/.test(text) ? Number(text) : 0;
  return size === 0 ? Number.POSITIVE_INFINITY : size;
}

function parseLimits(parameters: readonly string[]): Limits {
  const value = (name: string): number | null => {
    const given = parameters.find((parameter) => parameter.toUpperCase().startsWith(`${name}=`));
    const text = given?.slice(name.length + 1) ?? "";
    return /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : null;
  };
  return { mailMax: value("MAILMAX"), rcptMax: value("RCPTMAX"), rcptDomainMax: value("RCPTDOMAINMAX") };
}
