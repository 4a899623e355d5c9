// A server in Bun. It says where it listens, each error, and at the end what its sessions were given to read.
import {
  createServer,
  deriveScramKeys,
  formatScramKeys,
  parseScramKeys,
  reply,
  type ServerOptions,
} from "@sansmtp/bun";

const options: Partial<ServerOptions> = JSON.parse(process.argv[2]!);
const keys = parseScramKeys(formatScramKeys(deriveScramKeys("pencil", { salt: new Uint8Array(16) })));
const lines = (count: number): string[] =>
  Array.from({ length: count }, (_, at) => `line ${at}`.padEnd(70, "."));
const say = (said: unknown): void => console.log(JSON.stringify(said));
let opaque = 0;

const server = createServer({
  name: "mx.example.com",
  hello({ name }) {
    const [, count] = /^lines-(\d+)/.exec(name) ?? [];
    return count === undefined ? undefined : reply(421, "4.3.2", lines(Number(count)));
  },
  mail: async ({ from }) => {
    if (from?.local === "trouble") throw new Error("in trouble");
    return undefined;
  },
  rcpt: () => undefined,
  authenticate: async ({ mechanism, verify }) => {
    say({ mechanism });
    return verify(keys);
  },
  async message({ body }) {
    for await (const octets of body) void octets;
    return reply(250, "2.0.0", "Queued");
  },
  onError: (error) => say({ error: String(error) }),
  onClose: ({ reason }) => say({ reason }),
  observe: {
    receive(octets) {
      for (const octet of octets)
        if (octet >= 0x80 || (octet < 0x20 && octet !== 10 && octet !== 13)) opaque++;
    },
  },
  ...options,
});
say(await server.listen({ port: 0 }));
process.stdin.on("end", async () => {
  await server.close({ within: 0 });
  say({ opaque });
  process.exit();
});
process.stdin.resume();
