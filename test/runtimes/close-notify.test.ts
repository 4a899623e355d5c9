import { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import { type Client, pause, until } from "../node/client.ts";
import { ehlo } from "../node/serving.ts";
import { collecting, rest } from "../soak/soak.ts";
import { type Serving, serve } from "./serving.ts";
import { inEachRuntime, type Suite } from "./suite.ts";

/*
 * TLS ends by close_notify while content is open, and the connection goes on in the clear. RFC 5246 §7.2.1 and RFC 8446
 * §6.1: what follows it is ignored. A server that lets go of TLS there, and still has a chunk to fill, may go on to fill
 * it from the socket below (CVE-2026-45185, Exim): then whoever is on the way writes the rest of the message.
 */

const { server } = await certificates();

/** What is said inside TLS, up to the point where it ends; and what follows in the clear. */
interface Cut {
  readonly name: string;
  readonly inside: string;
  /** What the server replies to that. */
  readonly replies: string;
  /** What would make a whole message of it, or commands. */
  readonly clear: string;
}

const part = `Subject: hello\r\n\r\n${"x".repeat(280)}\r\n`;
const more = `${"y".repeat(1000 - part.length - 2)}\r\n`;
const envelope = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n";
const evil = "MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nforged\r\n.\r\nQUIT\r\n";

const cuts: readonly Cut[] = [
  {
    name: "in the last chunk",
    inside: `${envelope}BDAT 1000 LAST\r\n${part}`,
    replies: "250 250",
    clear: `${more}${evil}`,
  },
  {
    name: "in a chunk before the last",
    inside: `${envelope}BDAT 1000\r\n${part}`,
    replies: "250 250",
    clear: `${more}BDAT 0 LAST\r\n${evil}`,
  },
  {
    name: "between chunks",
    inside: `${envelope}BDAT ${part.length}\r\n${part}`,
    replies: "250 250 250",
    clear: `BDAT ${more.length} LAST\r\n${more}${evil}`,
  },
  {
    name: "in a chunk that was refused",
    inside: `BDAT 1000 LAST\r\n${part}`,
    replies: "",
    clear: `${more}${evil}`,
  },
  {
    name: "in DATA",
    inside: `${envelope}DATA\r\n${part}`,
    replies: "250 250 354",
    clear: `${more}.\r\n${evil}`,
  },
  {
    name: "in the middle of the end of data",
    inside: `${envelope}DATA\r\n${part}.`,
    replies: "250 250 354",
    clear: `\r\n${evil}`,
  },
  {
    name: "in the middle of a command",
    inside: `${envelope}DAT`,
    replies: "250 250",
    clear: `A\r\n${more}.\r\n${evil}`,
  },
];

/** TCP below TLS, on which somebody can go on when TLS has ended. */
class Below extends Duplex {
  readonly #client: Client;
  #held: Buffer[] | null = null;

  constructor(client: Client) {
    super();
    this.#client = client;
    client.raw.removeAllListeners("data");
    client.raw.on("data", (octets) => this.push(octets));
    client.raw.on("end", () => this.push(null));
  }

  /** From now on what TLS says is kept, so that it can leave in one segment with what follows it. */
  hold(): void {
    this.#held = [];
  }

  /** What TLS has said since then. */
  held(): Buffer {
    return Buffer.concat(this.#held ?? []);
  }

  override _read(): void {}

  override _write(octets: Buffer, _: string, done: () => void): void {
    if (this.#held === null) this.#client.raw.write(octets, done);
    else {
      this.#held.push(octets);
      done();
    }
  }

  /** TLS has ended; the connection has not. */
  override _final(done: () => void): void {
    done();
  }
}

const define = ({ test }: Suite): void => {
  for (const tls of ["offered", "implicit"] as const) {
    test(`S-SES-12 T-TLS-16 close_notify within content: what follows in the clear is neither content nor a command (${tls})`, async (running) => {
      const serving = await serve(running, { options: { tls, tlsOptions: server } });
      let made = 0;
      let said = 0;
      const round = async (together: boolean): Promise<void> => {
        for (const cut of cuts) {
          for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
            const client = await serving.dial();
            said += await cutOff(client, cut, { tls, maxVersion, together });
            made++;
            const what = `${cut.name}, ${maxVersion}, ${together ? "in one segment" : "apart"}`;
            const { closings } = await serving.until((now) => now.closings.length === made, 5_000);
            expect([what, closings.at(-1)]).toEqual([what, { reason: "end", error: null }]);
          }
        }
      };
      await round(true);
      // Neither a connection nor a timer nor a descriptor is left of any, three times; but Deno opens two descriptors
      // for itself, a second after its start.
      const before = await rest(running);
      for (let time = 0; time < 3; time++) await round(false);
      await rest(running, { ...before, descriptors: before.descriptors + 2 });
      const { messages, senders, errors, received } = await serving.served();
      expect(messages).toEqual([]);
      // Nobody but those inside TLS: and of that, every octet.
      expect(senders).toEqual(Array(senders.length).fill("a@example.net"));
      expect(senders).toHaveLength(
        (made / cuts.length) * cuts.filter(({ replies }) => replies !== "").length,
      );
      expect(received).toBe(said);
      expect(errors).toEqual([]);
      await serves(serving, tls);
    });
  }
};

inEachRuntime(define, undefined, collecting);

interface How {
  readonly tls: "offered" | "implicit";
  readonly maxVersion: "TLSv1.2" | "TLSv1.3";
  /** close_notify and what follows it leave in one segment. */
  readonly together: boolean;
}

/** Plays a session up to the end of TLS, and beyond; gives how many octets the server may have seen of it. */
async function cutOff(client: Client, { inside, replies, clear }: Cut, how: How): Promise<number> {
  let said = 0;
  const say = (octets: string): void => {
    said += octets.length;
    client.send(octets);
  };
  if (how.tls === "offered") {
    await client.replies(1);
    say(`${ehlo}\r\nSTARTTLS\r\n`.slice(0, ehlo.length + 2));
    await client.replies(1);
    say("STARTTLS\r\n");
    expect(await client.replies(1)).toBe("220");
  }
  const below = new Below(client);
  const options: ConnectionOptions = { socket: below, rejectUnauthorized: false, maxVersion: how.maxVersion };
  const secure = connectTls(options);
  await new Promise((resolve, reject) => secure.once("secureConnect", resolve).once("error", reject));
  secure.on("error", () => {});
  let heard = "";
  secure.on("data", (octets) => {
    heard += octets.toString("latin1");
  });
  const codes = (): string => (heard.match(/^\d{3}(?= )/gm) ?? []).join(" ");
  if (how.tls === "implicit") await until(() => codes() === "220", "the greeting");
  const greeted = codes();
  said += ehlo.length + 2 + inside.length;
  secure.write(`${ehlo}\r\n${inside}`);
  const expected = [greeted, "250", replies].filter((each) => each !== "").join(" ");
  await until(() => codes() === expected, `${expected}, heard ${heard}`);
  below.hold();
  await new Promise<void>((resolve) => secure.end(resolve));
  await until(() => below.held().length > 0, "close_notify");
  const rest = Buffer.from(clear, "latin1");
  if (how.together) client.raw.write(Buffer.concat([below.held(), rest]));
  else {
    client.raw.write(below.held());
    await pause(2);
    // The server may be gone by now.
    if (client.raw.writable) client.raw.write(rest);
  }
  await until(() => client.raw.readableEnded || client.raw.destroyed, "the server to close");
  expect(codes()).toBe(expected);
  client.raw.destroy();
  return said;
}

/** The server lives. */
async function serves(serving: Serving, tls: How["tls"]): Promise<void> {
  const client = await serving.dial();
  if (tls === "offered") {
    await client.replies(1);
    await client.say(ehlo);
    expect(await client.say("STARTTLS")).toBe("220");
  }
  await client.startTls();
  if (tls === "implicit") await client.replies(1);
  expect(await client.say(ehlo)).toBe("250");
  client.send(`${envelope}BDAT 3 LAST\r\nx\r\n`);
  expect(await client.replies(3)).toBe("250 250 250");
  client.raw.destroy();
}
