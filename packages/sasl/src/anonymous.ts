import { decodeUtf8, encodeUtf8, parseAddress, UsageError } from "@sansmtp/core";
import { oneMessage, type StepMechanism } from "./client.ts";
import {
  Exchange,
  emptyChallenge,
  malformed,
  type ServerExchange,
  type ServerStep,
  type Stored,
} from "./server.ts";
import { isAllowed } from "./stored.ts";

/**
 * ANONYMOUS (RFC 4505), the client's side.
 *
 * @param trace an e-mail address, or up to 255 characters without `@`, or nothing
 * @throws {UsageError} when it is none of these
 */
export function anonymousClient(trace = ""): StepMechanism {
  if (typeof trace !== "string" || !isTrace(trace))
    throw new UsageError("anonymous: an address, or up to 255 characters without @");
  return oneMessage("ANONYMOUS", false, encodeUtf8(trace));
}

/** ANONYMOUS, the server's side. */
export function anonymousServer(): ServerExchange {
  return new AnonymousServer("ANONYMOUS");
}

class AnonymousServer extends Exchange {
  protected respond(response: Uint8Array | null): ServerStep {
    if (response === null) return emptyChallenge;
    const trace = decodeUtf8(response);
    if (trace === null || !isTrace(trace)) return malformed("A-ANON-01", "neither an address nor a token");
    // It is for people to look at, in logs for example.
    return this.identified({ user: "anonymous", authzid: null, trace: trace.replace(/\p{C}/gu, "") });
  }

  protected judge(stored: Stored): ServerStep {
    return this.conclude(isAllowed(stored));
  }
}

function isTrace(text: string): boolean {
  if (text.includes("@")) return parseAddress(text, { utf8: true }) !== null;
  return [...text].length <= 255;
}
