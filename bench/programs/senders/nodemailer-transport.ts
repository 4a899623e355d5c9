import { createTransport } from "nodemailer";
import { atATime, from, name, type Send, to } from "./sender.ts";

export const send: Send = async ({ port, connections, messages }, content) => {
  const transport = createTransport({ host: "127.0.0.1", port, name, ignoreTLS: true });
  const raw = Buffer.from(content.buffer, content.byteOffset, content.length);
  await atATime(connections, messages, async () => {
    const { accepted } = await transport.sendMail({ envelope: { from, to: [to] }, raw });
    if (accepted.length !== 1) throw new Error("not accepted");
  });
};
