// A program that serves two clients, closes, and has nothing more to do: it is over when nothing is left open.
import { createServer } from "@sansmtp/node";
import { certificates } from "./certificates.ts";

const { server: tlsOptions } = await certificates();
const server = createServer({ name: "mx.example.com", tlsOptions, onClose: () => {} });
const address = await server.listen({ port: 0 });
if ("port" in address) console.log(address.port);
await new Promise<void>((resolve) => {
  const timer = setInterval(() => {
    if ([...server.connections].filter(({ client }) => client.hello !== null).length < 1) return;
    if (server.connections.size < 2) return;
    clearInterval(timer);
    resolve();
  }, 5);
});
await server.close({ within: 100 });
// The system lets go of a socket in the next turns of the loop.
for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
const handles = process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Timeout/.test(name));
console.log(`closed with ${server.connections.size} connections, handles: ${handles.join(" ")}`);
