import { expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import { pause } from "../node/client.ts";
import { ehlo, envelope, serving } from "../node/serving.ts";
import { pieces, stuffed, sumOf } from "./content.ts";
import type { Running } from "./running.ts";
import { dial, serve } from "./serving.ts";
import { inEachRuntime } from "./suite.ts";

const { ca, server: certificate } = await certificates();
const large = sumOf(pieces(16_000_000));
const wire = stuffed(pieces(large.size));

inEachRuntime(({ proves }) => {
  for (const tls of ["none", "offered", "implicit"] as const) {
    const how = { none: "in the clear", offered: "behind STARTTLS", implicit: "with TLS from the start" }[
      tls
    ];
    proves("largeMail", `16 MB in and 16 MB out at the same time, ${how}`, async (running) => {
      const options = tls === "none" ? {} : { tls, tlsOptions: certificate };
      const outside = await serving(options);
      const inside = await serve(running, { options });
      const { port } = outside.address as { port: number };
      const { client } = await dial(running, {
        host: "localhost",
        port,
        tls: { none: "never", offered: "required", implicit: "implicit" }[tls],
        tlsOptions: tls === "none" ? undefined : { ca: ca.cert },
      });
      const [sent, code] = await Promise.all([
        running.call("send", { client, size: large.size }),
        deliver(await inside.dial(), tls),
      ]);
      expect(sent.statuses).toEqual(["accepted"]);
      expect(code).toBe("250");
      expect(sumOf([Buffer.from(outside.messages[0]!, "latin1")])).toEqual(large);
      expect((await inside.served()).messages).toEqual([large]);
    });
  }

  proves("crowd", "500 clients of one server", async (running) => {
    const limits = { maxConnections: 600, maxConnectionsPerAddress: 600 };
    const serving = await serve(running, { options: limits });
    const before = running.descriptors();
    const clients = await Promise.all(Array.from({ length: 500 }, () => serving.dial()));
    for (const client of clients) expect(await client.replies(1)).toBe("220");
    expect((await serving.served()).connections).toBe(500);
    const codes = await Promise.all(
      clients.map(async (client) => {
        await client.say(ehlo);
        await client.say(...envelope);
        const code = await client.say("Hello\r\n.", "QUIT");
        client.socket.end();
        return code;
      }),
    );
    expect(codes).toEqual(Array(500).fill("250 221"));
    const { messages, errors } = await serving.until(({ connections }) => connections === 0);
    expect(messages).toHaveLength(500);
    expect(errors).toEqual([]);
    await settled(running, before ?? 0);
  });

  proves("crowd", "500 clients in one process", async (running) => {
    const { address, messages } = await serving({ maxConnections: 600, maxConnectionsPerAddress: 600 });
    const { port } = address as { port: number };
    const options = { host: "127.0.0.1", port, tls: "never" };
    const before = running.descriptors();
    expect(await running.call("crowd", { options, size: 1000, count: 500 })).toBe(500);
    expect(messages).toHaveLength(500);
    await settled(running, before ?? 0);
  });
});

/** Delivers the large message, and gives the code of the verdict. */
async function deliver(
  client: Awaited<ReturnType<Awaited<ReturnType<typeof serve>>["dial"]>>,
  tls: "none" | "offered" | "implicit",
): Promise<string> {
  if (tls === "implicit") await client.startTls();
  await client.replies(1);
  await client.say(ehlo);
  if (tls === "offered") {
    await client.say("STARTTLS");
    await client.startTls();
    await client.say(ehlo);
  }
  await client.say(...envelope);
  client.send(wire);
  return client.replies(1);
}

/** Waits until no descriptor of the connections is left; a few are the runtime's own, which it opens when it needs them first. */
async function settled(running: Running, before: number): Promise<void> {
  const left = (): number => (running.descriptors() ?? 0) - before;
  for (let time = 0; left() > 5; time++) {
    if (time > 500) throw new Error(`${left()} descriptors are left open`);
    await pause(20);
  }
}
