import type { Item, Parameters, Settings, State } from "./server-state.ts";

// Syntax, as far as the commands of this suite go: packages/core has tests of its own for the grammar.

export function isHost(text: string): boolean {
  const label = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?";
  return new RegExp(`^${label}(\\.${label})*$`).test(text) || /^\[\d+\.\d+\.\d+\.\d+\]$/.test(text);
}

export function isPath(path: string): boolean {
  const parts = /^<([^@]*)@([^@]*)>$/.exec(path);
  return parts !== null && /^[\w+-]+(\.[\w+-]+)*$/.test(parts[1]!) && isHost(parts[2]!);
}

/** A-AUTH-07, but for the trailing bits, which may be refused. */
export function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

export function decode(text: string): string {
  return Buffer.from(text, "base64").toString("latin1");
}

/** S-LINE-03, S-LINE-05. */
export function verbOf(item: Item): string {
  if (item.kind === "chunk") return "BDAT";
  if (item.kind !== "line") return "";
  return /^[^ ]*/.exec(item.text.replace(/[ \t]+$/, ""))![0].toUpperCase();
}

/** Reads what stands behind a path, and adds what is wrong with it to the faults. */
export function readParameters(
  settings: Settings,
  state: State,
  rest: string,
  faults: Fault[],
  fault: ParameterRule,
): Parameters {
  const found: Record<string, string> = {};
  if (rest === "") return found;
  if (!rest.startsWith(" ")) {
    faults.push([501, "5.5.4"]); // S-PARM-01
    return found;
  }
  for (const word of rest.trim().split(/ +/)) {
    const [keyword = "", ...values] = word.split("=");
    const value = values.length === 0 ? undefined : values.join("=");
    const name = keyword.toUpperCase();
    if (state.hello?.verb === "HELO") faults.push([555, "5.5.4"]); // S-PARM-05
    const wrong = fault(settings, state, name, value);
    if (wrong !== null) faults.push(wrong);
    if (name in found) faults.push([501, "5.5.4"]); // S-PARM-03
    found[name] = value?.toUpperCase() ?? "";
    if (name === "ENVID" || name === "ORCPT") found[name] = value ?? "";
    if (name === "AUTH") found[name] = "<>"; // A-PARM-02: nobody here is trusted to say so
    if (name === "SIZE") found[name] = String(Number(value));
  }
  return found;
}

/** What is wrong with a parameter; null: nothing. */
type ParameterRule = (settings: Settings, state: State, name: string, value?: string) => Fault | null;

export function mailParameter(settings: Settings, state: State, name: string, value?: string): Fault | null {
  const bad: Fault = [501, "5.5.4"];
  switch (name) {
    case "SIZE":
      if (value === undefined || !/^\d{1,20}$/.test(value)) return bad;
      return BigInt(value) > BigInt(settings.limits.message) ? [552, "5.3.4"] : null; // X-SIZE-03
    case "BODY":
      if (/^(7BIT|8BITMIME)$/i.test(value ?? "")) return null;
      return settings.binarymime && /^BINARYMIME$/i.test(value ?? "") ? null : bad; // S-8BIT-01
    case "RET":
      return settings.dsn ? (/^(FULL|HDRS)$/i.test(value ?? "") ? null : bad) : [555, "5.5.4"];
    case "ENVID":
      return settings.dsn ? (/^[!-*,-<>-~]+$/.test(value ?? "") ? null : bad) : [555, "5.5.4"];
    case "AUTH": {
      // A-PARM-01: also from a client that has not authenticated.
      if (settings.mechanisms.every((each) => each.cleartext && !state.tlsActive)) return [555, "5.5.4"];
      const address = value?.replace(/\+([0-9A-F]{2})/g, (_, hex) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      return value === "<>" || /^[\w=.]+@[\w.]+$/.test(address ?? "") ? null : bad;
    }
    default:
      return [555, "5.5.4"];
  }
}

export function rcptParameter(settings: Settings, _: State, name: string, value?: string): Fault | null {
  if (!settings.dsn || (name !== "NOTIFY" && name !== "ORCPT")) return [555, "5.5.4"];
  if (name === "ORCPT") return /^rfc822;[!-*,-<>-~]+$/i.test(value ?? "") ? null : [501, "5.5.4"];
  const right = /^(NEVER|(SUCCESS|FAILURE|DELAY)(,(SUCCESS|FAILURE|DELAY))*)$/i.test(value ?? "");
  return right ? null : [501, "5.5.4"];
}

/** A code and an enhanced code. */
export type Fault = readonly [code: number, enhanced: string | undefined];

export function codesOf(faults: readonly Fault[]): readonly number[] {
  return faults.map(([code]) => code);
}

/** The enhanced code, where there is but one fault. */
export function single(faults: readonly Fault[]): string | undefined {
  return faults.length === 1 ? faults[0]![1] : undefined;
}
