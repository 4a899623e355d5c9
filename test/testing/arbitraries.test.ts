import { exchange, parseAddress, reply, ServerSession } from "@sansmtp/core";
import { wire } from "@sansmtp/testing";
import * as arbitraries from "@sansmtp/testing/arbitraries";
import fc from "fast-check";
import { expect, test } from "vitest";

test("addresses are addresses", () => {
  fc.assert(
    fc.property(arbitraries.addresses(), (address) => {
      expect(parseAddress(address)).not.toBeNull();
    }),
    { numRuns: 1000 },
  );
});

test("messages are taken by client and server as they are", () => {
  fc.assert(
    fc.property(
      arbitraries.messages(),
      arbitraries.splits(),
      arbitraries.latencies(),
      (message, split, latency) => {
        const { accepted } = wire({ client: { messages: [message] }, split, latency });
        expect(accepted).toMatchObject([{ text: (message.content as string[]).join("") }]);
      },
    ),
  );
});

test("command sequences make sense often enough, and no server trips over them", () => {
  let taken = 0;
  fc.assert(
    fc.property(arbitraries.commandSequences(), (octets) => {
      const session = new ServerSession({ name: "mx.example.com" });
      const { events } = exchange(session, octets, ({ type }) =>
        type === "message" ? reply(250, "OK") : undefined,
      );
      if (events.some(({ type }) => type === "message")) taken++;
    }),
    { numRuns: 300 },
  );
  expect(taken).toBeGreaterThan(50);
});

test("fault plans break some connections and not all", () => {
  const plans = fc.sample(arbitraries.faultPlans(300), 300);
  const failures = plans.map((faults) => wire({ faults }).failure !== null);
  expect(new Set(failures)).toEqual(new Set([true, false]));
});
