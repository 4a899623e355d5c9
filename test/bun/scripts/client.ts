// A client in Bun. It says what it knows of TLS, and at the end how its message fared and what it was given to read.
import { type ConnectOptions, connect } from "@sansmtp/bun";

interface Given {
  readonly options: ConnectOptions;
  readonly size?: number;
  /** A rule for the server's name: any will do. */
  readonly anyName?: boolean;
  /** Gives up after so many milliseconds. */
  readonly abort?: number;
}

const { options, size = 100, anyName = false, abort }: Given = JSON.parse(process.argv[2]!);
const say = (said: unknown): void => console.log(JSON.stringify(said));
let opaque = 0;
const tlsOptions = { ...options.tlsOptions, ...(anyName ? { checkServerIdentity: () => undefined } : {}) };

try {
  const client = await connect({
    name: "client.example.net",
    ...options,
    tlsOptions,
    ...(abort === undefined ? {} : { signal: AbortSignal.timeout(abort) }),
    observe: {
      receive(octets) {
        for (const octet of octets)
          if (octet >= 0x80 || (octet < 0x20 && octet !== 10 && octet !== 13)) opaque++;
      },
    },
  });
  say({ tls: client.tls?.version ?? null, peer: client.tls?.peer ?? null });
  const line = `${"x".repeat(62)}\r\n`;
  const body = line.repeat(Math.ceil(size / line.length));
  const { outcomes } = await client.send({ from: "a@example.net", to: ["b@example.com"], body });
  await client.quit();
  say({ status: outcomes[0]!.status, opaque });
} catch (error) {
  const { name, code, message } = error as Error & { readonly code?: string };
  say({ name, code, message });
}
process.stdin.on("end", () => process.exit());
process.stdin.resume();
