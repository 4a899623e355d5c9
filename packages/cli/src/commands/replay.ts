import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { UsageError } from "@sansmtp/core";
import {
  type Recording,
  type Replayed,
  readRecording,
  replay as replayed,
  type Step,
} from "@sansmtp/testing";
import { type Command, Option } from "commander";
import pico from "picocolors";
import { firstDifference } from "../difference.ts";
import { ExitError } from "../exit.ts";
import { jsonLine } from "../journal.ts";
import { Narration, type Told } from "../narration.ts";

/** Adds `sansmtp replay` to the program. */
export function replay(program: Command): void {
  program
    .command("replay")
    .summary("replay a recorded session, and tell whether it comes out as it did")
    .description(
      "Replays a recorded session in this version, shows it, and tells whether it comes out as it did.",
    )
    .argument(
      "<recording>",
      'a file that "sansmtp serve --record" wrote, or the recorder of @sansmtp/testing',
    )
    .addOption(new Option("--step", "wait for Enter before each step").conflicts("json"))
    .option("--json", "print one JSON object a line instead of text")
    .addHelpText("after", examples)
    .action(run);
}

const examples = `
Examples:
  $ sansmtp serve --record recordings        write a recording of each connection
  $ sansmtp replay recordings/*-1.jsonl      see the first of them, and whether it comes out the same now
  $ sansmtp replay --step recordings/*-1.jsonl
`;

interface ReplayOptions {
  readonly step?: boolean;
  readonly json?: boolean;
}

async function run(file: string, options: ReplayOptions): Promise<void> {
  if (options.step === true && process.stdin.isTTY !== true) {
    throw new ExitError("usage", "--step waits for Enter, and the standard input is no terminal");
  }
  const text = await contentOf(file);
  const [recording, outcome] = understood(file, () => {
    const read = readRecording(text);
    return [read, replayed(read)] as const;
  });
  // Whoever reads the output may leave early, as `head` does.
  process.stdout.on("error", () => process.exit());
  const show = options.json === true ? inJson : inText();
  const enter = options.step === true ? keyboard() : null;
  await tell(recording, outcome, show, enter);
  enter?.close();
  process.stdout.write(options.json === true ? jsonEnd(outcome) : textEnd(outcome));
  if (outcome.same) return;
  throw new ExitError("different", `${file} does not come out as it was recorded`);
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ExitError(
      "noInput",
      `cannot read ${file}: ${code === "ENOENT" ? "there is no such file" : message}`,
    );
  }
}

/** What goes wrong where a file is read, or drives a session, is the file's fault. */
function understood<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { message } = error as Error;
    const why = error instanceof UsageError ? message : `something is missing in it (${message})`;
    throw new ExitError("data", `${file} is damaged, or no recording: ${why}`);
  }
}

/** Shows the session as it was recorded, up to the first step that differs. */
async function tell(
  recording: Recording,
  { steps }: Replayed,
  show: (told: readonly Told[]) => void,
  enter: Keyboard | null,
): Promise<void> {
  const narration = new Narration(recording);
  for (const [at, called] of recording.calls.entries()) {
    if (!steps[at]!.same) return;
    const told = narration.next(called);
    if (told.length === 0) continue;
    await enter?.pressed();
    show(told);
  }
  show(narration.end());
}

function inJson(told: readonly Told[]): void {
  for (const each of told) process.stdout.write(jsonLine(each));
}

/** `     12.3  C: EHLO me`: milliseconds since the session began, and what happened. */
function inText(): (told: readonly Told[]) => void {
  const paint = pico.createColors(process.stdout.isTTY === true && process.stdout.hasColors());
  const labels: Record<Told["event"], (line: string) => string> = {
    client: (line) => paint.cyan(`C: ${line}`),
    content: (line) => paint.cyan(`C: ${line}`),
    server: (line) => (/^[45]/.test(line) ? paint.red : paint.green)(`S: ${line}`),
    question: (line) => `   ? ${line}`,
    answer: (line) => `   = ${line}`,
    notice: (line) => paint.dim(`   [${line}]`),
  };
  return (told) => {
    for (const { event, time, line } of told) {
      process.stdout.write(`${paint.dim(time.toFixed(1).padStart(9))}  ${labels[event](line)}\n`);
    }
  };
}

function jsonEnd({ steps }: Replayed): string {
  const at = steps.findIndex(({ same }) => !same);
  if (at < 0) return jsonLine({ event: "same", calls: steps.length });
  const { call, then, now } = steps[at]!;
  return jsonLine({
    event: "different",
    call: at + 1,
    calls: steps.length,
    name: call,
    recorded: then,
    replayed: now,
  });
}

function textEnd({ steps }: Replayed): string {
  const at = steps.findIndex(({ same }) => !same);
  if (at < 0) return `The same as recorded, in all of ${steps.length} calls.\n`;
  const { call, then, now } = steps[at] as Step;
  const where = `Call ${at + 1} of ${steps.length}, ${call}, gives something else than recorded:`;
  return `${where}\n${firstDifference(then, now, ["  recorded  ", "  now       "])}\n`;
}

interface Keyboard {
  /** Resolves when Enter is pressed; at once when there is nothing more to read. */
  pressed(): Promise<void>;
  close(): void;
}

function keyboard(): Keyboard {
  const lines = createInterface({ input: process.stdin });
  const entered = lines[Symbol.asyncIterator]();
  process.stderr.write("Enter shows the next step, Ctrl-C ends.\n");
  return {
    pressed: async () => void (await entered.next()),
    close: () => lines.close(),
  };
}
