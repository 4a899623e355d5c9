/**
 * How fast a session goes, in process: no sockets, answers given at once. Pipelined: a whole group in one piece of
 * input. Single: a command in each. Medians of rounds in which all take turns.
 */
import { reply, ServerSession, settle } from "@sansmtp/core";

const settings = settle({ name: "mx.example.com", limits: { idleCommands: 1e9, transactions: 1e9 } });
const queued = reply(250, "2.0.0", "Queued");
const rounds = 9;
const messages = 2_000;

/** Commands of one transaction, and what ends it. */
const body = `Subject: bench\r\n\r\n${`${"x".repeat(76)}\r\n`.repeat(51)}.\r\n`;
const envelope = [
  "MAIL FROM:<sender@example.net> SIZE=4000\r\n",
  "RCPT TO:<one@example.com>\r\n",
  "RCPT TO:<two@example.com>\r\n",
];
const commands = [...envelope, "DATA\r\n"];

/** Prints the table. */
export function run(): void {
  const pieces = {
    pipelined: [commands.join(""), body].map(octets),
    single: [...commands, body].map(octets),
    "octet by octet": Array.from(octets(commands.join("") + body), (octet) => Uint8Array.of(octet)),
  };
  const envelopes = {
    "MAIL RCPT RCPT RSET, pipelined": [octets(`${envelope.join("")}RSET\r\n`.repeat(25))],
    "MAIL RCPT RCPT RSET, single": Array.from({ length: 25 }, () =>
      [...envelope, "RSET\r\n"].map(octets),
    ).flat(),
  };
  const rows = [
    ...Object.entries(pieces).map(([name, input]) =>
      row(`4 KiB message, ${name}`, "messages", 1, input, messages),
    ),
    ...Object.entries(envelopes).map(([name, input]) => row(name, "commands", 100, input, 200)),
  ];
  for (let round = -2; round < rounds; round += 1) {
    for (const each of rows) {
      const nanoseconds = time(each.input, each.times);
      if (round >= 0) each.costs.push(nanoseconds / (each.times * each.units));
    }
  }
  console.log(`${"session, in process".padEnd(34)}${"us each".padStart(10)}${"per second".padStart(16)}`);
  for (const { name, unit, costs } of rows) {
    const cost = costs.sort((a, b) => a - b)[costs.length >> 1];
    const rate = Math.round(1e9 / cost).toLocaleString("en");
    console.log(`${name.padEnd(34)}${(cost / 1000).toFixed(2).padStart(10)}${rate.padStart(16)} ${unit}`);
  }
}

interface Row {
  readonly name: string;
  readonly unit: string;
  /** How many units one pass over the input is. */
  readonly units: number;
  readonly input: readonly Uint8Array[];
  readonly times: number;
  readonly costs: number[];
}

function row(name: string, unit: string, units: number, input: readonly Uint8Array[], times: number): Row {
  return { name, unit, units, input, times: input.length > 1000 ? 20 : times, costs: [] };
}

function time(input: readonly Uint8Array[], times: number): number {
  const session = new ServerSession(settings);
  drain(session);
  session.receive(octets("EHLO client.example.net\r\n"));
  drain(session);
  const start = process.hrtime.bigint();
  for (let pass = 0; pass < times; pass++) {
    for (const piece of input) {
      session.receive(piece);
      drain(session);
    }
  }
  const end = process.hrtime.bigint();
  if (session.waiting !== "input" || session.transaction !== "none")
    throw new Error("the session is out of step");
  return Number(end - start);
}

function drain(session: ServerSession): void {
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if ("id" in event) session.answer(event.id, event.type === "message" ? queued : undefined);
  }
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
