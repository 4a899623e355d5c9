/**
 * Arbitraries for fast-check, which is installed by whoever uses them: addresses, envelopes, messages, command
 * sequences, splits, latencies and fault plans.
 *
 * @module
 */
import type { OutgoingEnvelope } from "@sansmtp/core";
import fc, { type Arbitrary } from "fast-check";
import type { OutgoingMessage } from "./client-end.ts";
import type { Fault, Latency, Side, Split } from "./faults.ts";

/** Mail addresses as RFC 5321 §4.1.2 has them: dot-strings and quoted strings, domains and address literals. ASCII. */
export function addresses(): Arbitrary<string> {
  return fc.tuple(locals(), domains()).map(([local, domain]) => `${local}@${domain}`);
}

/** Envelopes that need no extension: a sender, or `<>`, and one to `most` recipients, none twice. */
export function envelopes(most = 5): Arbitrary<OutgoingEnvelope> {
  return fc.record({
    from: fc.option(addresses(), { freq: 5 }),
    to: fc.uniqueArray(addresses(), { minLength: 1, maxLength: most, selector: (one) => one.toLowerCase() }),
  });
}

/** Content in 7 bits with CRLF line ends, the last line too, of lines that have undone implementations. */
export function contents(): Arbitrary<string> {
  return fc.array(lines(), { maxLength: 12 }).map((all) => all.map((line) => `${line}\r\n`).join(""));
}

/** Messages: an envelope, and content in pieces. */
export function messages(most = 5): Arbitrary<OutgoingMessage> {
  return fc
    .tuple(
      envelopes(most),
      contents(),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
    )
    .map(([envelope, content, sizes]) => ({ ...envelope, content: piecesOf(content, sizes) }));
}

/**
 * What a client may send from the greeting on, as one string: commands in an order that mostly makes sense, with their
 * CRLF, and content behind DATA and BDAT; some commands are repeated, left out, or malformed.
 */
export function commandSequences(): Arbitrary<string> {
  const path = addresses().map((address) => `<${address}>`);
  const transaction = fc
    .tuple(
      fc.oneof(path, fc.constant("<>")),
      fc.array(path, { maxLength: 4 }),
      contents(),
      fc.constantFrom("data", "bdat", "chunks", "none"),
    )
    .map(([from, to, content, mode]) => [
      `MAIL FROM:${from}`,
      ...to.map((each) => `RCPT TO:${each}`),
      ...body(content, mode),
    ]);
  const odd = fc.constantFrom(
    "RSET",
    "NOOP",
    "NOOP x",
    "HELP",
    "VRFY a",
    "EHLO again.example",
    "DATA",
    "MAIL",
    "",
    "X",
    ".",
  );
  const step = fc.oneof(
    { weight: 3, arbitrary: transaction },
    { weight: 1, arbitrary: odd.map((line) => [line]) },
  );
  return fc
    .tuple(fc.constantFrom("EHLO", "HELO", "LHLO"), fc.array(step, { maxLength: 4 }), fc.boolean())
    .map(([hello, steps, quits]) => [
      `${hello} client.example.net`,
      ...steps.flat(),
      ...(quits ? ["QUIT"] : []),
    ])
    .map((all) => all.map((line) => (line.endsWith("\r\n") ? line : `${line}\r\n`)).join(""));
}

/** Sizes of pieces: octet by octet, small, large, mixed. */
export function splits(): Arbitrary<Split> {
  const size = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2000 }));
  return fc.array(size, { minLength: 1, maxLength: 6 });
}

/** Milliseconds: none, steady, or changing from piece to piece. */
export function latencies(): Arbitrary<Latency> {
  return fc.oneof(
    fc.constantFrom(0, 1, 20, 300),
    fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 5 }),
  );
}

/**
 * Up to two faults within so many octets: cuts, stalls, a service that ends, and, from the server, octets that are no
 * reply. None of them forges a command or a reply, so that what was agreed before it holds.
 */
export function faultPlans(octets = 1000): Arbitrary<Fault[]> {
  const after = fc.nat(octets);
  const from = fc.constantFrom<Side>("client", "server");
  const fault = fc.oneof<Arbitrary<Fault>[]>(
    fc.record({ fault: fc.constant("cut" as const), from, after }),
    fc.record({ fault: fc.constant("stall" as const), from, after }),
    fc.record({ fault: fc.constant("shutdown" as const), after }),
    fc.record({
      fault: fc.constant("inject" as const),
      from: fc.constant<Side>("server"),
      after,
      octets: fc.constantFrom(
        "\0",
        "garbage\r\n",
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "\x16\x03\x01\0\0",
        "\r",
        "\n",
      ),
    }),
  );
  return fc.array(fault, { maxLength: 2 });
}

function locals(): Arbitrary<string> {
  const atom = fc.string({
    unit: fc.constantFrom(..."abcXYZ019!#$%&'*+-/=?^_`{|}~"),
    minLength: 1,
    maxLength: 8,
  });
  const dotted = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join("."));
  const letter = fc.constantFrom(..."ab @<>,:;.()[]", '\\"', "\\\\");
  const quoted = fc.string({ unit: letter, maxLength: 10 }).map((text) => `"${text}"`);
  return fc.oneof({ weight: 4, arbitrary: dotted }, { weight: 1, arbitrary: quoted });
}

function domains(): Arbitrary<string> {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
  const name = fc
    .array(label, { minLength: 1, maxLength: 2 })
    .map((labels) => [...labels, "example"].join("."));
  const octet = fc.nat(255);
  const literal = fc.oneof(
    fc.tuple(octet, octet, octet, octet).map((four) => `[${four.join(".")}]`),
    fc.constantFrom("[IPv6:2001:db8::1]", "[IPv6:::1]"),
  );
  return fc.oneof({ weight: 5, arbitrary: name }, { weight: 1, arbitrary: literal });
}

function lines(): Arbitrary<string> {
  const telling = fc.constantFrom(
    "",
    ".",
    "..",
    ". ",
    ".QUIT",
    "QUIT",
    "RSET",
    "From: a@example.net",
    "BDAT 3 LAST",
    "250 OK",
  );
  const word = fc.string({ unit: fc.constantFrom(..."ab .,=-\t"), maxLength: 60 });
  return fc.oneof(telling, word);
}

function body(content: string, mode: string): string[] {
  switch (mode) {
    case "data":
      return ["DATA", `${content.replace(/^\./gm, "..")}.\r\n`];
    case "bdat":
      return content === "" ? ["BDAT 0 LAST"] : [`BDAT ${content.length} LAST\r\n${content}`];
    case "chunks":
      return content === ""
        ? ["BDAT 0", "BDAT 0 LAST"]
        : [`BDAT ${content.length}\r\n${content}`, "BDAT 0 LAST"];
    default:
      return [];
  }
}

function piecesOf(content: string, sizes: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let at = 0; at < content.length; ) {
    const size = sizes[pieces.length % sizes.length] as number;
    pieces.push(content.slice(at, at + size));
    at += size;
  }
  return pieces;
}
