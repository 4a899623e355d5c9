import { createServer, type Socket } from "node:net";
import { type ConnectOptions, connect } from "@sansmtp/node";
import { onTestFinished } from "vitest";

/** A server that says what it is told to. */
export interface Scripted {
  readonly port: number;
  /** Sockets, in the order in which they came. */
  readonly sockets: Socket[];
  /** What clients have said on all connections, an octet a character. */
  readonly heard: () => string;
}

/** Starts a server whose connections are played by `script`; it is gone when the test is over. */
export async function scripted(script: (socket: Socket, number: number) => void): Promise<Scripted> {
  const sockets: Socket[] = [];
  let heard = "";
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    socket.on("data", (octets) => {
      heard += octets.toString("latin1");
    });
    script(socket, sockets.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, sockets, heard: () => heard };
}

/** Says a greeting, then a reply for each line that begins with one of the words; others get 250. */
export function replying(
  socket: Socket,
  replies: Readonly<Record<string, string>>,
  greeting = "220 mx ESMTP",
): void {
  let unread = "";
  let content = false;
  let secure = false;
  socket.write(`${greeting}\r\n`);
  socket.on("data", (octets) => {
    // What follows is a handshake, in which CRLF may stand by chance.
    if (secure) return;
    unread += octets.toString("latin1");
    for (let end = unread.indexOf("\r\n"); end >= 0; end = unread.indexOf("\r\n")) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 2);
      if (content && line !== ".") continue;
      const word = content ? "." : (/^[A-Z]+/i.exec(line)?.[0] ?? "").toUpperCase();
      const reply = replies[word] ?? (word === "DATA" ? "354 Go" : word === "QUIT" ? "221 Bye" : "250 Ok");
      content = word === "DATA" && reply.startsWith("354");
      if (reply === "cut") socket.destroy();
      else if (reply !== "nothing") socket.write(`${reply}\r\n`);
      if (word === "QUIT") socket.end();
      if (word === "STARTTLS" && reply.startsWith("220")) secure = true;
    }
  });
}

/** A client of it, closed when the test is over. */
export async function dialled(options: ConnectOptions): Promise<Awaited<ReturnType<typeof connect>>> {
  const client = await connect({ host: "127.0.0.1", name: "client.example.net", ...options });
  onTestFinished(() => client.close());
  return client;
}

export const message = {
  from: "a@example.net",
  to: ["b@example.com"],
  body: "Subject: hello\r\n\r\nIt works.\r\n",
} as const;

/** What a promise rejects with. */
export async function rejected(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error === null) throw new Error("it was fulfilled");
  return error;
}
