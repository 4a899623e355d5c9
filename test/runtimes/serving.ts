import type { Address } from "@sansmtp/drive";
import { onTestFinished } from "vitest";
import { Client } from "../node/client.ts";
import type { Calls, Serve, Served } from "./calls.ts";
import type { Running } from "./running.ts";

/** A server inside a runtime, seen from outside; it is closed when the test is over. */
export interface Serving {
  readonly server: number;
  readonly address: Address;
  readonly port: number;
  /** Another client of it; it is gone when the test is over. */
  dial(): Promise<Client>;
  served(): Promise<Served>;
  /** Waits until what became of the server is so. */
  until(holds: (served: Served) => boolean, within?: number): Promise<Served>;
  close(within?: number): Promise<null>;
}

export async function serve(running: Running, given: Serve = {}): Promise<Serving> {
  const { server, address } = await running.call("serve", given);
  const clients: Client[] = [];
  const close = (within?: number) =>
    running.call("close", within === undefined ? { server } : { server, within });
  onTestFinished(() => {
    for (const { raw } of clients) raw.destroy();
    // Not waited for: it may take the time that a peer has who does not go.
    close(0).catch(() => {});
  });
  return {
    server,
    address,
    port: "port" in address ? address.port : 0,
    async dial() {
      const client = await Client.connect(address);
      clients.push(client);
      return client;
    },
    served: () => running.call("served", { server }),
    until: (holds, within) => running.until("served", { server }, holds, within),
    close,
  };
}

/** A client inside a runtime. */
export async function dial(
  running: Running,
  options: object,
): Promise<{ readonly client: number; readonly tls: Calls["connect"]["result"]["tls"] }> {
  return running.call("connect", { options: { host: "127.0.0.1", ...options } });
}

/** What a call throws; `null`: nothing. */
export async function thrown(
  call: Promise<unknown>,
): Promise<{ name: string; code: string | null; message: string } | null> {
  return call.then(
    () => null,
    ({ name, code = null, message }) => ({ name, code, message }),
  );
}
