import { connect, type Socket } from "node:net";
import { expect, onTestFinished } from "vitest";
import { certificates } from "../node/certificates.ts";
import { pause } from "../node/client.ts";
import { type Serving, serve } from "../runtimes/serving.ts";
import { inEachRuntime } from "../runtimes/suite.ts";
import { collecting } from "./soak.ts";

const { server: tlsOptions } = await certificates();

inEachRuntime(
  ({ test }) => {
    test("SEC-DOS-01 S-SES-06 a flood of connections takes no more than its places, and hinders nobody else", async (running) => {
      const limits = { maxConnections: 40, maxConnectionsPerAddress: 20 };
      const serving = await serve(running, { options: limits });
      const before = running.descriptors() ?? 0;
      // From one address: these wait for nothing, say nothing, and do not go when they are told to.
      const flood = await Promise.all(Array.from({ length: 400 }, () => stubborn(serving, "127.0.0.1")));
      await eventually(() => flood.filter(({ heard }) => heard.startsWith("220")).length === 20);
      // 20 that are served, a tenth more and ten that were being told 421, as many that linger after it.
      expect((running.descriptors() ?? 0) - before).toBeLessThanOrEqual(20 + 12 + 14 + spare);
      expect((await serving.served()).connections).toBeLessThanOrEqual(32);
      const told = flood.filter(({ heard }) => heard.startsWith("421"));
      expect(told.length).toBeGreaterThan(0);
      expect(flood.every(({ heard }) => /^(?:220|421|$)/.test(heard))).toBe(true);
      // Somebody else is served meanwhile, and the first address when it has room.
      const other = await stubborn(serving, "127.0.0.2");
      await eventually(() => other.heard.startsWith("220"));
      for (const { socket } of flood) socket.destroy();
      await serving.until(({ connections }) => connections === 1);
      const again = await stubborn(serving, "127.0.0.1");
      await eventually(() => again.heard.startsWith("220"));
    });

    test("SEC-DOS-01 nor does a flood of handshakes that do not end", async (running) => {
      const options = {
        tls: "implicit",
        tlsOptions,
        maxConnections: 40,
        maxConnectionsPerAddress: 20,
        timers: { tls: 5000 },
      };
      const serving = await serve(running, { options });
      const before = running.descriptors() ?? 0;
      const flood = await Promise.all(Array.from({ length: 200 }, () => stubborn(serving, "127.0.0.1")));
      await eventually(() => flood.filter(({ closed }) => !closed).length === 32);
      expect((running.descriptors() ?? 0) - before).toBeLessThanOrEqual(32 + spare);
      const another = await stubborn(serving, "127.0.0.1");
      await eventually(() => another.closed);
      const elsewhere = await stubborn(serving, "127.0.0.2");
      await pause(50);
      expect(elsewhere.closed).toBe(false);
    });

    test("SEC-DOS-01 SEC-DOS-04 slow clients are ended by the clock, however often they say something", async (running) => {
      const serving = await serve(running, {
        options: {
          tlsOptions,
          timers: { command: 600, dataBlock: 600, tls: 600 },
          maxConnections: 200,
          maxConnectionsPerAddress: 200,
        },
      });
      const began = performance.now();
      const greeting = "EHLO client.example.net\r\n";
      const clients = await Promise.all(
        Array.from({ length: 60 }, (_, at) =>
          // In the first command, in content, in a handshake.
          trickling(
            serving,
            ["", `${greeting}MAIL FROM:<>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n`, `${greeting}STARTTLS\r\n`][
              at % 3
            ]!,
          ),
        ),
      );
      await eventually(() => clients.every(({ closed }) => closed));
      // Not 600 ms each, one after the other; and the lingering of a close is at most two seconds.
      expect(performance.now() - began).toBeLessThan(8_000);
      const { closings } = await serving.until(({ connections }) => connections === 0);
      const reasons = closings.map(({ reason }) => reason);
      expect(reasons.filter((reason) => reason === "timeout")).toHaveLength(40);
      const told = clients.filter((_, at) => at % 3 !== 2);
      expect(told.every(({ heard }) => /^421 4\.4\.2 /m.test(heard))).toBe(true);
    });
  },
  undefined,
  collecting,
);

/** What a runtime opens for itself. */
const spare = 6;

interface Stubborn {
  readonly socket: Socket;
  heard: string;
  closed: boolean;
}

/** A client that does nothing by itself, and does not end its side when the server has. */
async function stubborn({ port }: Serving, localAddress: string): Promise<Stubborn> {
  const socket = connect({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true });
  onTestFinished(() => void socket.destroy());
  const client: Stubborn = { socket, heard: "", closed: false };
  socket.on("data", (octets) => {
    client.heard += octets.toString("latin1");
  });
  const gone = (): void => {
    client.closed = true;
  };
  socket.on("error", gone).on("close", gone).on("end", gone);
  await new Promise((resolve) => socket.once("connect", resolve).once("error", resolve));
  return client;
}

/** Says this, then one octet after the other for as long as it can. */
async function trickling(serving: Serving, first: string): Promise<Stubborn> {
  const client = await stubborn(serving, "127.0.0.1");
  client.socket.write(first);
  const ticking = setInterval(() => {
    if (client.socket.writable) client.socket.write("x");
  }, 50);
  onTestFinished(() => clearInterval(ticking));
  return client;
}

async function eventually(holds: () => boolean): Promise<void> {
  await expect.poll(holds, { timeout: 10_000, interval: 10 }).toBe(true);
}
