import type { Errand, Ran } from "../calls.ts";
import { pieces, sumOf } from "../content.ts";
import { watch } from "./measuring.ts";
import type { Adapter } from "./obey.ts";

/** Runs errands, so many at a time. */
export async function run(
  adapter: Adapter,
  errands: readonly Errand[],
  atOnce: number,
): Promise<readonly Ran[]> {
  const ran: Ran[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    for (let at = next++; at < errands.length; at = next++)
      ran[at] = await inTime(send(adapter, errands[at]!));
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
  return ran;
}

/** What takes longer than all time-outs together hangs. */
async function inTime(sent: Promise<Ran>): Promise<Ran> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Ran>((resolve) => {
    timer = setTimeout(() => resolve({ failure: "hung" }), 30_000);
  });
  const ran = await Promise.race([sent, late]);
  clearTimeout(timer);
  return ran;
}

async function send({ connect }: Adapter, { options, id, size }: Errand): Promise<Ran> {
  const content = Buffer.concat([Buffer.from(`Id: ${id}\r\n\r\n`), ...pieces(size)]);
  try {
    const client = await connect({ name: "client.example.net", onError: () => {}, ...options });
    watch(client);
    const { outcomes, safeToRetry } = await client.send({
      from: "a@example.net",
      to: ["b@example.com"],
      body: streamed(content),
    });
    await client.quit();
    return { sum: sumOf([content]), status: outcomes[0]!.status, safeToRetry };
  } catch (error) {
    const { code, name } = error as Error & { readonly code?: string };
    return { failure: code ?? name };
  }
}

/** As a stream, that can be read once: pieces leave as the server takes them. */
async function* streamed(content: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += 16_384) yield content.subarray(at, at + 16_384);
}
