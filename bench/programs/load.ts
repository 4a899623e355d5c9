import { once } from "node:events";
import { hello, load, mail, rcpt } from "./canned.ts";
import { answering, say } from "./control.ts";
import { contentOf, Dialogue } from "./dialogue.ts";

// Loads a server, or holds connections to it open.

const held: Dialogue[] = [];

answering({
  load,
  async hold({ port, connections }: { readonly port: number; readonly connections: number }) {
    while (held.length < connections) {
      await Promise.all(
        Array.from({ length: Math.min(50, connections - held.length) }, async () => {
          const dialogue = await Dialogue.open(port, false);
          await dialogue.replies(1);
          await dialogue.say(hello);
          held.push(dialogue);
        }),
      );
    }
  },
  /** Sends so many messages over each connection that is held, over all at once. */
  async use({ messages, size }: { readonly messages: number; readonly size: number }) {
    const content = contentOf(size);
    await Promise.all(
      held.map(async (dialogue) => {
        for (let left = messages; left > 0; left--) {
          await dialogue.say(`${mail}${rcpt}DATA\r\n`, 3);
          await dialogue.content(content, size);
        }
      }),
    );
  },
  /** Sends so many pieces of so many commands over each connection that is held. */
  async command({ pieces, depth }: { readonly pieces: number; readonly depth: number }) {
    const piece = "NOOP\r\n".repeat(depth);
    await Promise.all(
      held.map(async (dialogue) => {
        for (let left = pieces; left > 0; left--) await dialogue.say(piece, depth);
      }),
    );
  },
  async release() {
    await Promise.all(
      held.splice(0).map(async ({ socket }) => {
        socket.end("QUIT\r\n");
        await once(socket, "close");
      }),
    );
  },
});
say({});
