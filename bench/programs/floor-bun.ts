import { given, type Serve, serving } from "./control.ts";
import { Floor } from "./floor.ts";

interface Socket {
  data: Floor;
  write(octets: Uint8Array): number;
  end(octets: Uint8Array): void;
}
interface Bun {
  listen(options: object): { readonly port: number };
}

const { tls } = given<Serve>();
const { Bun } = globalThis as unknown as { readonly Bun: Bun };
const { port } = Bun.listen({
  hostname: "127.0.0.1",
  port: 0,
  ...(tls === null ? {} : { tls }),
  socket: {
    open(socket: Socket) {
      socket.data = new Floor();
      socket.write(Floor.greeting);
    },
    data(socket: Socket, piece: Uint8Array) {
      const floor = socket.data;
      const reply = floor.reply(piece);
      if (reply === null) return;
      if (floor.over) socket.end(reply);
      else socket.write(reply);
    },
    error() {},
  },
});
serving(port);
