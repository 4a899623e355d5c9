/** How a client stands to channel binding, and as whom it wants to act (RFC 5801 §4). */
export interface Gs2 {
  /** `n`: it cannot bind; `y`: it could, but the server seems not to; else the type of the binding. */
  readonly binding: "n" | "y" | { readonly type: string };
  /** As it was said; null: not. */
  readonly authzid: string | null;
  /** The header itself, up to and with its last comma. */
  readonly header: string;
  /** What follows. */
  readonly rest: string;
}

/** Null when the message does not begin with such a header. An empty `a=`, which GNU SASL says, is as none. */
export function parseGs2(message: string): Gs2 | null {
  const found = /^(?:([ny])|p=([A-Za-z0-9.-]+)),(?:a=([^,\0]*))?,/.exec(message);
  if (found === null) return null;
  const [header, flag, type, name] = found;
  const authzid = name === undefined || name === "" ? null : decodeName(name);
  if (name && authzid === null) return null;
  const binding = type === undefined ? (flag as "n" | "y") : { type };
  return { binding, authzid, header, rest: message.slice(header.length) };
}

export function gs2Header(binding: Gs2["binding"], authzid: string | null): string {
  const flag = typeof binding === "string" ? binding : `p=${binding.type}`;
  return `${flag},${authzid === null ? "" : `a=${encodeName(authzid)}`},`;
}

/** A name as a saslname: `,` and `=` have another meaning there (RFC 5802 §5.1). */
export function encodeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

/** Null when it is no saslname: empty, or with another `=`. */
export function decodeName(text: string): string | null {
  if (!/^(?:[^=,\0]|=2C|=3D)+$/.test(text)) return null;
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
