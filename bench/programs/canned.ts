import { contentOf, Dialogue } from "./dialogue.ts";

// Sends canned commands and counts lines: what a load costs at least.

/** What is to be sent. */
export interface Load {
  readonly port: number;
  /** At the same time. */
  readonly connections: number;
  /** In all. */
  readonly messages: number;
  /** Of each, octets, about. */
  readonly size: number;
  /** A connection for each message. */
  readonly each: boolean;
  /** MAIL, RCPT and DATA in one piece, as RFC 2920 allows; else a command at a time, as smtp-source does. */
  readonly pipelined: boolean;
  readonly tls: boolean;
  /** Recipients of each message. Default 1. */
  readonly recipients?: number;
}

/** What it has taken, microseconds; `cpu` is that of this process. */
export interface Loaded {
  readonly elapsed: number;
  readonly cpu: number;
}

export const hello = "EHLO client.example.net\r\n";
export const mail = "MAIL FROM:<sender@example.net>\r\n";
export const rcpt = "RCPT TO:<recipient@example.com>\r\n";

export async function load(what: Load): Promise<Loaded> {
  const { port, connections, messages, size, each, pipelined, recipients = 1 } = what;
  const content = contentOf(size);
  const envelope = [mail, ...Array<string>(recipients).fill(rcpt), "DATA\r\n"];
  const whole = envelope.join("");
  let left = messages;
  const transact = async (dialogue: Dialogue): Promise<void> => {
    if (pipelined) await dialogue.say(whole, envelope.length);
    else for (const command of envelope) await dialogue.say(command);
    await dialogue.content(content, size);
  };
  const start = performance.now();
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: Math.min(connections, messages) }, async () => {
      for (let dialogue: Dialogue | null = null; left > 0; ) {
        left--;
        if (dialogue === null) {
          dialogue = await Dialogue.open(port, what.tls);
          await dialogue.replies(1);
          await dialogue.say(hello);
        }
        await transact(dialogue);
        if (!each && left > 0) continue;
        await dialogue.say("QUIT\r\n");
        dialogue.socket.destroy();
        dialogue = null;
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return { elapsed: (performance.now() - start) * 1000, cpu: user + system };
}
