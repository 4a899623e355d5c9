/**
 * The form in which a domain is looked up: U-labels become A-labels (RFC 6531 §3.2, RFC 5891 §5).
 *
 * What an address holds is taken as it is but for the case of letters and their composed form. That is the rule of
 * RFC 5891 in short, without the tables of Unicode that say which letters may stand beside which: a label that no
 * registry would take is asked for in vain, and not taken for another. Who wants the mapping of a browser (UTS 46)
 * has it in the host, and passes that.
 *
 * @returns null if a label cannot be in the DNS: signs that are no letters, a label of more than 63 octets...
 */
export function domainToAscii(name: string): string | null {
  const labels = name.normalize("NFC").split(".").map(labelToAscii);
  if (labels.some((label) => label === null)) return null;
  const ascii = labels.join(".");
  return ascii.length <= longestName ? ascii : null;
}

function labelToAscii(given: string): string | null {
  const label = given.toLowerCase();
  if (/^[a-z0-9_-]{1,63}$/.test(label)) return label;
  // Letters that compatibility would change, such as those of full width, are no part of a U-label (RFC 5892 §2.2).
  if (!letters.test(label) || label.normalize("NFKC") !== label || /^-|-$|^..--/.test(label)) return null;
  const encoded = punycode(label);
  const ascii = encoded === null ? "" : `xn--${encoded}`;
  return ascii !== "" && ascii.length <= 63 ? ascii : null;
}

/** Letters, marks and digits, the hyphen, and the exceptions and joiners of RFC 5892 §2.6, §2.8. */
const letters =
  /^(?:[\p{L}\p{M}\p{Nd}\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb-]|\u200c|\u200d)+$/u;

/** A name without the dot of the root, in octets of text (RFC 1035 §2.3.4). */
const longestName = 253;

/** Punycode (RFC 3492 §6.3). Null for a label that no A-label is long enough for. */
function punycode(label: string): string | null {
  const points = Array.from(label, (letter) => letter.codePointAt(0) as number);
  if (points.length > 63) return null;
  let output = points
    .filter((point) => point < 0x80)
    .map((point) => String.fromCharCode(point))
    .join("");
  const basic = output.length;
  if (basic > 0) output += "-";
  let done = basic;
  let next = 0x80;
  let delta = 0;
  let bias = 72;
  while (done < points.length) {
    const least = Math.min(...points.filter((point) => point >= next));
    delta += (least - next) * (done + 1);
    next = least;
    for (const point of points) {
      if (point < next) delta++;
      if (point !== next) continue;
      output += variableLength(delta, bias);
      bias = adapt(delta, done + 1, done === basic);
      delta = 0;
      done++;
    }
    delta++;
    next++;
  }
  return output;
}

function variableLength(delta: number, bias: number): string {
  let text = "";
  let rest = delta;
  for (let at = base; ; at += base) {
    const threshold = Math.min(Math.max(at - bias, 1), 26);
    if (rest < threshold) return text + digitLetter(rest);
    text += digitLetter(threshold + ((rest - threshold) % (base - threshold)));
    rest = Math.floor((rest - threshold) / (base - threshold));
  }
}

function adapt(given: number, count: number, first: boolean): number {
  let delta = Math.floor(given / (first ? 700 : 2));
  delta += Math.floor(delta / count);
  let steps = 0;
  while (delta > 455) {
    delta = Math.floor(delta / (base - 1));
    steps += base;
  }
  return steps + Math.floor((base * delta) / (delta + 38));
}

function digitLetter(digit: number): string {
  return "abcdefghijklmnopqrstuvwxyz0123456789"[digit];
}

const base = 36;
