import { once } from "node:events";
import type { Socket } from "node:net";
import { hello, load } from "./canned.ts";
import { answering, say } from "./control.ts";
import { Dialogue } from "./dialogue.ts";

// Loads a server, or holds connections to it open.

const held: Socket[] = [];

answering({
  load,
  async hold({ port, connections }: { readonly port: number; readonly connections: number }) {
    while (held.length < connections) {
      await Promise.all(
        Array.from({ length: Math.min(50, connections - held.length) }, async () => {
          const dialogue = await Dialogue.open(port, false);
          await dialogue.replies(1);
          await dialogue.say(hello);
          held.push(dialogue.socket);
        }),
      );
    }
  },
  async release() {
    await Promise.all(
      held.splice(0).map(async (socket) => {
        socket.end("QUIT\r\n");
        await once(socket, "close");
      }),
    );
  },
});
say({});
