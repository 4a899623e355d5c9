import type { Command } from "commander";
import { mermaid } from "../diagram.ts";

/** `sansmtp diagram`: the state machine of the server, for whoever wants to see it. */
export function diagram(program: Command): void {
  program
    .command("diagram")
    .description(
      "print the server's state machine as a Mermaid diagram, made from the table that the server obeys",
    )
    .action(() => void process.stdout.write(mermaid()));
}
