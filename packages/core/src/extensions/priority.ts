import { UsageError } from "../errors.ts";
import { type Reply, reply } from "../reply.ts";
import type { MailParameters, Value } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { text } from "./values.ts";

/** How MT-PRIORITY is offered. */
export interface PriorityOptions {
  /** The name of the policy, 1 to 20 of `A-Z a-z 0-9 - _ .`; left out: MIXER, which needs no word (RFC 6710 §9.1). */
  readonly policy?: string;
  /**
   * Whose positive priorities are honoured: `authenticated` clients', or `all`. Those of others are lowered to 0
   * (RFC 6710 §4.1). Default `authenticated`.
   */
  readonly trust?: "authenticated" | "all";
}

/** MT-PRIORITY (RFC 6710): more urgent messages go first. */
export const priority: Extension = {
  name: "mtPriority",
  keyword: "MT-PRIORITY",
  source: "RFC 6710",
  purpose: "more urgent messages go first",
  announce: ({ extensions }) => optionsOf(extensions.mtPriority).policy ?? "",
  mail: {
    "MT-PRIORITY": {
      read: (given) => given && readPriority(given),
      malformed: {
        rule: "X-PRI-02",
        detail: "not a priority",
        reply: reply(501, "5.5.2", "Syntax: MT-PRIORITY=[-]digit"),
      },
      write: ({ priority }) => writePriority(priority),
    },
  },
};

/** What a priority comes to for this client: one who is not trusted does not get before others (RFC 6710 §4.1). */
export function honoured(
  asked: number,
  given: boolean | PriorityOptions,
  authenticated: boolean,
): { readonly priority: number; readonly reply: Reply | null } {
  if (asked <= 0 || authenticated || optionsOf(given).trust === "all")
    return { priority: asked, reply: null };
  return { priority: 0, reply: lowered };
}

/** @throws {UsageError} for options that cannot be */
export function checkPriority(given: boolean | PriorityOptions): void {
  const { policy = "MIXER", trust = "authenticated" } = optionsOf(given);
  if (!/^[A-Za-z0-9._-]{1,20}$/.test(policy))
    throw new UsageError(`extensions.mtPriority.policy: not a policy name: ${JSON.stringify(policy)}`);
  if (trust !== "authenticated" && trust !== "all")
    throw new UsageError(`extensions.mtPriority.trust: ${JSON.stringify(trust)}`);
}

function optionsOf(given: boolean | PriorityOptions): PriorityOptions {
  return typeof given === "object" ? given : {};
}

/** `0`, or 1 to 9 with a minus perhaps; no plus (RFC 6710 §7). */
function readPriority(given: Value): Partial<MailParameters> | null {
  const digits = text(given);
  return /^(0|-?[1-9])$/.test(digits) ? { priority: Number(digits) } : null;
}

function writePriority(priority: number | undefined): string | null {
  if (priority === undefined) return null;
  if (!Number.isInteger(priority) || priority < -9 || priority > 9)
    throw new UsageError(`priority: ${priority}, must be a whole number from -9 to 9`);
  return String(priority);
}

/** RFC 6710 §4.1: the priority that counts, then an explanation. */
const lowered = Object.freeze(reply(250, "2.3.6", "0 is the priority of clients that are not authenticated"));
