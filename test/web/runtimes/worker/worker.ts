import { connect as dial } from "cloudflare:sockets";
import { ConnectError, type ConnectOptions, connect } from "@sansmtp/web";
import { type Errand, large, type Report } from "../errand.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const errand: Errand = await request.json();
    return Response.json(await run(errand).catch(reportOf));
  },
};

async function run({ options, over, size, messages }: Errand): Promise<Report> {
  const { host, port, ...rest } = options;
  const way: Pick<ConnectOptions, "connect" | "socket" | "host" | "port"> =
    over === "connect"
      ? { connect: dial, host, port }
      : {
          socket: dial(
            { hostname: host ?? "localhost", port: port ?? 25 },
            { secureTransport: over, allowHalfOpen: true },
          ),
        };
  const client = await connect({ ...rest, ...way });
  const tls = client.tls !== null;
  const outcomes: string[] = [];
  for (let number = 0; number < messages; number++) {
    const sent = await client.send({ from: "a@example.net", to: "b@example.com", body: large(size) });
    outcomes.push(sent.outcomes.map(({ status }) => status).join(" "));
  }
  await client.quit();
  const { failure } = await client.closed;
  return { outcomes, tls, failure: failure?.code ?? null };
}

function reportOf(error: unknown): Report {
  if (error instanceof ConnectError) return { code: error.code, error: error.message };
  return { error: String(error) };
}
