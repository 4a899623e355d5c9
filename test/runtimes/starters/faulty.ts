import { reply } from "@sansmtp/core";
import type { Handlers } from "@sansmtp/drive";
import { type Sum, Summing } from "../content.ts";

/**
 * Handlers that fail as handlers do. The name of the recipient says how: `throws`, `rejects` and `stalls` decide on the
 * recipient so; with the others the message is at fault: `breaks` in the middle, `hangs` for ever when it was read,
 * `ignores` it and hangs, `refuses` it unread, `dawdles` between its pieces. All else is kept, and well.
 *
 * @param keep a message is kept, and its client about to be told 250
 */
export function faulty(keep: (sum: Sum) => void): Pick<Handlers, "rcpt" | "message"> {
  return {
    rcpt({ to }) {
      switch (to.local) {
        case "throws":
          throw new Error("the handler throws");
        case "rejects":
          return after(2).then(() => Promise.reject(new Error("the handler rejects")));
        case "stalls":
          return forever();
        default:
          return undefined;
      }
    },
    async message({ body, recipients, signal }) {
      const fault = recipients[0]!.to.local;
      if (fault === "ignores") await forever();
      if (fault === "refuses") return reply(550, "5.7.1", "Not that");
      const summing = new Summing();
      for await (const octets of body) {
        if (fault === "breaks") throw new Error("the handler breaks off");
        if (fault === "dawdles") await after(2);
        summing.add(octets);
      }
      if (fault === "hangs") await forever();
      // Nobody would hear of the 250.
      signal.throwIfAborted();
      keep(summing.sum());
      return reply(250, "2.0.0", "Kept");
    },
  };
}

function after(span: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, span));
}

function forever(): Promise<never> {
  return new Promise(() => {});
}
