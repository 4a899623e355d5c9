import SMTPConnection from "nodemailer/lib/smtp-connection";
import { atATime, from, name, type Send, to } from "./sender.ts";

/** The class that is below its transports: one connection, and no composing of messages. */
export const send: Send = async ({ port, connections, messages }, content) => {
  const raw = Buffer.from(content.buffer, content.byteOffset, content.length);
  const free: SMTPConnection[] = [];
  const open = (): Promise<SMTPConnection> =>
    new Promise((resolve, reject) => {
      const connection = new SMTPConnection({ host: "127.0.0.1", port, name, ignoreTLS: true });
      connection.once("error", reject);
      connection.connect((error) => (error ? reject(error) : resolve(connection)));
    });
  await atATime(connections, messages, async () => {
    const connection = free.pop() ?? (await open());
    await new Promise<void>((resolve, reject) => {
      connection.send({ from, to: [to] }, raw, (error) => (error ? reject(error) : resolve()));
    });
    free.push(connection);
  });
  for (const connection of free) connection.quit();
};
