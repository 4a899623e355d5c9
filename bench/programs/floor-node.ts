import net, { type Socket } from "node:net";
import tls from "node:tls";
import { given, type Serve, serving } from "./control.ts";
import { Floor } from "./floor.ts";

const { tls: pair, spin = 0 } = given<Serve>();
const serve = (socket: Socket): void => {
  const floor = new Floor();
  socket.on("error", () => {});
  socket.on("data", (piece) => {
    const reply = floor.reply(piece);
    if (reply === null) return;
    if (spin > 0) spend(spin);
    if (floor.over) socket.end(reply);
    else socket.write(reply);
  });
  socket.write(Floor.greeting);
};

function spend(microseconds: number): void {
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}

const server =
  pair === null
    ? net.createServer({ noDelay: true }, serve)
    : tls.createServer({ ...pair, noDelay: true }, serve);
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  serving((server.address() as net.AddressInfo).port);
});
