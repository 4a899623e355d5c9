import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { given, type Serve, serving } from "./control.ts";

const { tls } = given<Serve>();
const server = new SMTPServer({
  name: "mx.example.com",
  authOptional: true,
  disabledCommands: ["AUTH", "STARTTLS"],
  disableReverseLookup: true,
  logger: false,
  ...(tls === null ? {} : { ...tls, secure: true }),
  onData(stream, _session, done) {
    let octets = 0;
    stream.on("data", (piece: Uint8Array) => {
      octets += piece.length;
    });
    stream.on("end", () => (octets > 0 ? done(null) : done(new Error("nothing in it"))));
  },
});
server.on("error", () => {});
server.listen(0, "127.0.0.1", () => serving((server.server.address() as AddressInfo).port));
