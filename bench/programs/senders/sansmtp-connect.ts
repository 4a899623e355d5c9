import { type Client, connect } from "@sansmtp/node";
import { atATime, from, name, type Send, to } from "./sender.ts";

export const send: Send = async ({ port, connections, messages, each }, body) => {
  const open = (): Promise<Client> => connect({ host: "127.0.0.1", port, name, tls: "never" });
  const free: Client[] = [];
  await atATime(connections, messages, async () => {
    const client = free.pop() ?? (await open());
    const { accepted } = await client.send({ from, to, body });
    if (accepted.length !== 1) throw new Error("not accepted");
    if (each) await client.quit();
    else free.push(client);
  });
  await Promise.all(free.map((client) => client.quit()));
};
