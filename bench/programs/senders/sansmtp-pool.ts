import { createPool } from "@sansmtp/node";
import { atATime, from, name, type Send, to } from "./sender.ts";

export const send: Send = async ({ port, connections, messages }, body) => {
  const pool = createPool({
    host: "127.0.0.1",
    port,
    name,
    tls: "never",
    maxConnections: connections,
    maxMessages: Number.POSITIVE_INFINITY,
  });
  await atATime(connections, messages, async () => {
    const { accepted } = await pool.send({ from, to, body });
    if (accepted.length !== 1) throw new Error("not accepted");
  });
  await pool.close();
};
