import {
  decodeBase64,
  decodeLossy,
  decodeUtf8,
  decodeXtext,
  domainToAscii,
  encodeBase64,
  encodeUtf8,
  encodeXtext,
} from "@sansmtp/core";
import { hold, same } from "../finding.ts";
import { latin1, octets } from "../input.ts";
import * as reference from "../reference.ts";
import type { Target } from "../target.ts";

/** base64, xtext, UTF-8 and A-labels: octets as they are, against readers that are slow and plain. */
export const codecs: Target = {
  name: "codecs",
  seeds: () =>
    [
      "",
      "AGEAYg==",
      "YQ=",
      "YR==",
      "a+2Bb",
      "+4G",
      "\u00c3\u00bc",
      "\u00ed\u00a0\u0080",
      "\u00f4\u0090\u0080\u0080",
      "b\u00c3\u00bccher.example",
      "xn--a",
      "a\u00cc\u0088.\u00ef\u00bd\u0081",
    ].map(octets),
  words: ["==", "+2B", "+FF", "xn--", "\u00ef\u00bb\u00bf", "\u00f0\u009f\u0098\u0080", "\u00c3\u00bc"].map(
    octets,
  ),
  check(input) {
    const text = latin1(input);
    const decoded = decodeBase64(input, 0, input.length);
    same(shown(decoded), shown(reference.base64(text)), "base64 is read differently");
    if (decoded !== null) same(encodeBase64(decoded), text, "base64 is not what it was");
    same(encodeBase64(input), Buffer.from(input).toString("base64"), "base64 is written differently");
    same(
      shown(decodeXtext(input, 0, input.length)),
      shown(reference.xtext(text)),
      "xtext is read differently",
    );
    const written = octets(encodeXtext(input));
    same(shown(decodeXtext(written, 0, written.length)), shown(input), "xtext does not come back");
    utf8(input);
    const name = decodeLossy(input);
    const ascii = domainToAscii(name);
    if (ascii !== null) {
      hold(/^[a-z0-9_.-]+$/.test(ascii), "an A-label with other letters", () => ascii);
      same(String(domainToAscii(ascii)), ascii, "an A-label is not itself");
    }
  },
  plain(input) {
    decodeBase64(input, 0, input.length);
    encodeBase64(input);
    decodeXtext(input, 0, input.length);
    encodeXtext(input);
    decodeLossy(input);
    domainToAscii(decodeLossy(input.subarray(0, 255)));
  },
};

function utf8(input: Uint8Array): void {
  const lossy = decodeLossy(input);
  const strict = decodeUtf8(input);
  let host: string | null = null;
  try {
    host = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(input);
  } catch {
    // It is not UTF-8.
  }
  same(String(strict), String(host), "UTF-8 is read differently");
  hold((strict === null) === (host === null), "UTF-8 is found in something else");
  if (strict !== null) {
    same(lossy, strict, "the lossy reading of UTF-8 is another");
    same(shown(encodeUtf8(strict)), shown(input), "UTF-8 does not come back");
  }
  same(shown(encodeUtf8(lossy)), shown(new TextEncoder().encode(lossy)), "UTF-8 is written differently");
  const halves = latin1(input).replace(/[\x80-\xff]/g, (letter) =>
    String.fromCharCode(0xd700 + letter.charCodeAt(0) * 8),
  );
  same(
    shown(encodeUtf8(halves)),
    shown(new TextEncoder().encode(halves)),
    "UTF-8 of half surrogates is written differently",
  );
}

function shown(given: ArrayLike<number> | null): string {
  return given === null ? "null" : Array.from(given).join();
}
