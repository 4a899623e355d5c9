import { type Sum, sumOf } from "../runtimes/content.ts";

/** What a client knows of a message that it has sent to a server. */
export class Entry {
  readonly sum: Sum;
  /** `begun`: not all of it was sent. `unknown`: it was, and there was no verdict. Else the first digit of that. */
  state: "begun" | "unknown" | "2" | "4" | "5" = "begun";

  constructor(content: Uint8Array) {
    this.sum = sumOf([content]);
  }

  /** From now on the server may have all of it. */
  whole(): void {
    this.state = "unknown";
  }

  verdict(code: string): void {
    const digit = code[0];
    if (digit !== "2" && digit !== "4" && digit !== "5") throw new Error(`no verdict: ${code}`);
    this.state = digit;
  }
}

/**
 * Holds what clients were told of their messages against what a server has kept.
 *
 * A 250 is a promise (RFC 5321 §6.1): what got one is there, once and unchanged. What was refused, or never sent to its
 * end, is not there. Where the verdict was lost either may be.
 */
export class Ledger {
  readonly entries: Entry[] = [];

  /** A message is about to be sent. */
  begin(content: Uint8Array): Entry {
    const entry = new Entry(content);
    this.entries.push(entry);
    return entry;
  }

  count(state: Entry["state"]): number {
    return this.entries.filter((entry) => entry.state === state).length;
  }

  /** What is wrong; nothing, if all is accounted for. */
  faults(kept: readonly Sum[]): string[] {
    const faults: string[] = [];
    const found = new Map<string, number>();
    for (const { sha256 } of kept) found.set(sha256, (found.get(sha256) ?? 0) + 1);
    for (const { sum, state } of this.entries) {
      const times = found.get(sum.sha256) ?? 0;
      found.delete(sum.sha256);
      const may = state === "2" ? times === 1 : state === "unknown" ? times <= 1 : times === 0;
      if (!may) faults.push(`kept ${times} times, and the client was left with ${state}: ${sum.sha256}`);
    }
    for (const [sha256, times] of found)
      faults.push(`kept ${times} times, and nobody has sent it: ${sha256}`);
    return faults;
  }
}
