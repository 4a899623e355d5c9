import { given, type Serve, serving } from "./control.ts";
import { Floor } from "./floor.ts";

interface Conn {
  read(into: Uint8Array): Promise<number | null>;
  write(octets: Uint8Array): Promise<number>;
  setNoDelay?(on: boolean): void;
  close(): void;
}
interface Listener extends AsyncIterable<Conn> {
  readonly addr: { readonly port: number };
}
interface Deno {
  listen(options: object): Listener;
  listenTls(options: object): Listener;
}

const { tls } = given<Serve>();
const { Deno } = globalThis as unknown as { readonly Deno: Deno };
const place = { hostname: "127.0.0.1", port: 0 };
const listener = tls === null ? Deno.listen(place) : Deno.listenTls({ ...place, ...tls });
serving(listener.addr.port);
for await (const conn of listener) serve(conn);

async function serve(conn: Conn): Promise<void> {
  const floor = new Floor();
  const buffer = new Uint8Array(65_536);
  try {
    conn.setNoDelay?.(true);
    await conn.write(Floor.greeting);
    for (let size: number | null; !floor.over && (size = await conn.read(buffer)) !== null; ) {
      const reply = floor.reply(buffer.subarray(0, size));
      if (reply !== null) await conn.write(reply);
    }
  } catch {
    // The client has gone.
  }
  try {
    conn.close();
  } catch {
    // It is closed.
  }
}
