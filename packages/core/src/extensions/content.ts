import type { MailParameters, ParameterContext, Value } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { alone, upperText } from "./values.ts";

// What the content of a message may be, and how it is sent.

const body: NonNullable<Extension["mail"]> = {
  BODY: { read: (given, context) => given && readBody(given, context), write: null },
};

/** 8BITMIME (RFC 6152). */
export const eightBitMime: Extension = {
  name: "8bitmime",
  keyword: "8BITMIME",
  source: "RFC 6152",
  purpose: "content with octets above 0x7F",
  mail: body,
};

/** CHUNKING (RFC 3030): BDAT. */
export const chunking: Extension = {
  name: "chunking",
  keyword: "CHUNKING",
  source: "RFC 3030",
  purpose: "content in counted chunks, without dots",
  verbs: ["BDAT"],
};

/** BINARYMIME (RFC 3030). */
export const binaryMime: Extension = {
  name: "binarymime",
  keyword: "BINARYMIME",
  source: "RFC 3030",
  purpose: "content with any octets, without lines",
  needs: ["chunking"],
  mail: body,
};

/** SMTPUTF8 (RFC 6531). */
export const smtpUtf8: Extension = {
  name: "smtputf8",
  keyword: "SMTPUTF8",
  source: "RFC 6531",
  purpose: "addresses and header fields in UTF-8",
  needs: ["8bitmime"],
  mail: { SMTPUTF8: { read: alone<Partial<MailParameters>>({ smtputf8: true }), write: null } },
};

function readBody(given: Value, { extensions }: ParameterContext): Partial<MailParameters> | null {
  switch (upperText(given)) {
    case "7BIT":
      return { body: "7BIT" };
    case "8BITMIME":
      return extensions("8bitmime") ? { body: "8BITMIME" } : null;
    case "BINARYMIME":
      return extensions("binarymime") ? { body: "BINARYMIME" } : null;
    default:
      return null;
  }
}
