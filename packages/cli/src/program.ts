import { Command, CommanderError } from "commander";
import manifest from "../package.json" with { type: "json" };
import { diagram } from "./commands/diagram.ts";
import { replay } from "./commands/replay.ts";
import { send } from "./commands/send.ts";
import { serve } from "./commands/serve.ts";
import { ExitError, exitCodes } from "./exit.ts";

/** Each adds its command to the program; a new command is a file in `commands` and a name here. */
const commands: readonly ((program: Command) => void)[] = [serve, send, replay, diagram];

/**
 * Runs the program.
 *
 * @param given the arguments, without the names of the runtime and of the program
 * @returns the exit code
 */
export async function run(given: readonly string[]): Promise<number> {
  const program = new Command("sansmtp")
    .description(manifest.description)
    .version(manifest.version)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) });
  for (const add of commands) add(program);
  try {
    await program.parseAsync(given, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    const known = error instanceof ExitError;
    const text = known ? error.message : `this is a bug of sansmtp, please report it: ${stackOf(error)}`;
    process.stderr.write(`sansmtp: ${text}\n`);
    return known ? error.code : exitCodes.software;
  }
}

/** `error: unknown option '--prot'` and, on a line of its own, `(Did you mean --port?)`, as one line. */
function oneLine(text: string): string {
  return `${text
    .replace(/^error: /, "sansmtp: ")
    .trimEnd()
    .replaceAll("\n", " ")}\n`;
}

function stackOf(error: unknown): string {
  return (error instanceof Error && error.stack) || String(error);
}
