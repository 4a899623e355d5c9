/** Scripts for the scripted server: every reply class at every command, subsets of extensions, every way to end. */
import fc from "fast-check";
import type { Fate, Script } from "./client-run.ts";

const fate: fc.Arbitrary<Fate> = fc.record({
  reply: fc.oneof(
    { weight: 26, arbitrary: fc.constant("good" as const) },
    { weight: 8, arbitrary: fc.constantFrom("temporary", "permanent", "552", "552 5.2.2" as const) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "intermediate",
        "421",
        "no reply",
        "garbage",
        "twice",
        "end",
        "lost",
        "silence" as const,
      ),
    },
  ),
  late: fc.boolean(),
  lines: fc.constantFrom(1, 1, 1, 3),
  piece: fc.constantFrom(0, 0, 0, 1, 7),
});

const offers = fc
  .record({
    pipelining: fc.constantFrom(true, true, true, false),
    size: fc.constantFrom(null, "SIZE", "SIZE 0", "SIZE 1000", "SIZE 20"),
    eight: fc.boolean(),
    chunking: fc.boolean(),
    binary: fc.boolean(),
    starttls: fc.boolean(),
  })
  .map(({ pipelining, size, eight, chunking, binary, starttls }) => [
    ...(pipelining ? ["PIPELINING"] : []),
    ...(size === null ? [] : [size]),
    ...(eight ? ["8BITMIME"] : []),
    ...(chunking ? ["CHUNKING"] : []),
    ...(binary ? ["BINARYMIME"] : []),
    ...(starttls ? ["STARTTLS"] : []),
    "X-UNKNOWN some words",
  ]);

const content = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.string({ unit: fc.constantFrom("a", ".", "\r\n", "\r\n.", "b c"), maxLength: 12 }),
  },
  { weight: 1, arbitrary: fc.constant("line\r\n".repeat(40)) },
);
const message = fc.record({
  to: fc.integer({ min: 1, max: 4 }),
  body: fc.constantFrom("7BIT", "7BIT", "7BIT", "8BITMIME", "BINARYMIME" as const),
  content,
  declared: fc.boolean(),
});

export const scripts: fc.Arbitrary<Script> = fc.record({
  plan: fc.record({
    lmtp: fc.boolean(),
    tls: fc.constantFrom("never", "offered", "required" as const),
    heloFallback: fc.constantFrom(true, true, false),
    pipelineData: fc.boolean(),
    chunking: fc.constantFrom("prefer", "prefer", "avoid", "require" as const),
    offers,
    offersInside: offers.map((lines) => lines.filter((line) => line !== "STARTTLS")),
    messages: fc.array(message, { minLength: 1, maxLength: 3 }),
  }),
  fates: fc
    .tuple(
      // Most servers greet, and know EHLO.
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.constant<Fate[]>(Array(2).fill({ reply: "good", late: true, lines: 1, piece: 0 })),
        },
        { weight: 1, arbitrary: fc.constant<Fate[]>([]) },
      ),
      fc.array(fate, { maxLength: 24, size: "max" }),
    )
    .map(([first, more]) => [...first, ...more]),
  handshake: fc.constantFrom("ok", "ok", "ok", "failed" as const),
  piece: fc.constantFrom(0, 0, 5),
  chunk: fc.constantFrom(262_144, 4, 16),
});
