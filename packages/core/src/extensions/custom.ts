import { UsageError } from "../errors.ts";
import type { Known, MailParameters, RcptParameters, ReadParameter, Value } from "../syntax/parameters.ts";
import { decodeUtf8 } from "../wire/utf8.ts";

/**
 * An extension of the application's own (RFC 5321 §2.2.2): a row beside those of the registry. The server announces
 * it, takes its parameters and asks about its verbs; the client uses it where a server announces it.
 */
export interface CustomExtension {
  /** The word that begins its EHLO line, such as `XEXAMPLE`; null: it is not announced, and goes without saying. */
  readonly keyword: string | null;
  /** What stands behind the keyword. Default nothing. */
  readonly announce?: string;
  /** Parameters of MAIL and RCPT. They come in `parameters.other`, and go by `other` of an envelope. */
  readonly mail?: readonly CustomParameter[];
  readonly rcpt?: readonly CustomParameter[];
  /** Verbs; each is asked as a `command`, and answered by whatever reply. */
  readonly verbs?: readonly CustomVerb[];
}

/** A parameter of an application's own. */
export interface CustomParameter {
  /** In upper case. */
  readonly keyword: string;
  /** Whether a value follows. Default `required`. */
  readonly value?: "required" | "optional" | "none";
  /** Whether a value may be; a 501 otherwise. It must not throw. Default: any that the grammar allows. */
  readonly valid?: (value: string) => boolean;
}

/** A verb of an application's own. */
export interface CustomVerb {
  /** In upper case, `A-Z 0-9`, 63 of them at most. */
  readonly verb: string;
  /** For HELP and 501. Default the verb alone. */
  readonly syntax?: string;
  /** Where it is legal: `anywhere`, `outside` a transaction, or `within` one, after MAIL. Default `anywhere`. */
  readonly transaction?: "anywhere" | "outside" | "within";
  /** It is allowed before EHLO. Default true. */
  readonly beforeHello?: boolean;
  /** It is allowed where TLS, or AUTH, is demanded first. Default false. */
  readonly beforeTls?: boolean;
  readonly beforeAuth?: boolean;
  /** More commands may be sent without waiting for its reply (RFC 2920 §3.1). Default false. */
  readonly pipelined?: boolean;
}

/** The name that all of them have among those of the registry, none of which it is. */
export const customName = "custom";

/** How the server reads a parameter of MAIL. */
export function customMail(parameter: CustomParameter): Known<MailParameters> {
  return { extensions: [customName], read: reader(parameter) };
}

/** How the server reads a parameter of RCPT. */
export function customRcpt(parameter: CustomParameter): Known<RcptParameters> {
  return { extensions: [customName], read: reader(parameter) };
}

/** The text of a parameter of the client's, to be sent: empty where it has no value. */
export function writeCustom(parameter: CustomParameter, given: string | true): string {
  const { keyword, value = "required" } = parameter;
  if (given === true) {
    if (value === "required") throw new UsageError(`other.${keyword}: a value is required`);
    return "";
  }
  const valid = /^[\x21-\x3c\x3e-\x7e]+$/.test(given) && (parameter.valid?.(given) ?? true);
  if (value === "none" || !valid) throw new UsageError(`other.${keyword}: not a value that it can have`);
  return given;
}

function reader<T extends MailParameters | RcptParameters>(parameter: CustomParameter): ReadParameter<T> {
  const { keyword, value = "required", valid } = parameter;
  return (given: Value | undefined, _context, found) => {
    if (given === undefined ? value === "required" : value === "none") return null;
    const text = given === undefined ? true : decodeUtf8(given.octets, given.start, given.end);
    if (text === null || (text !== true && valid !== undefined && !valid(text))) return null;
    return { other: { ...found.other, [keyword]: text } } as Partial<T>;
  };
}
