import { Client, pause } from "../node/client.ts";
import { stuffed } from "../runtimes/content.ts";
import { connectByHop } from "./hop.ts";
import type { Entry, Ledger } from "./ledger.ts";
import type { Random } from "./random.ts";

/** What an attack has at hand. */
export interface Field {
  readonly port: number;
  /** A port with TLS from the first octet. */
  readonly tlsPort: number;
  readonly ledger: Ledger;
  readonly random: Random;
}

/** A way to use a server, or to abuse it. */
export interface Attack {
  /** How often, of all. */
  readonly weight: number;
  /** Nothing is wrong with it: the server has to take what it sends. */
  readonly good?: true;
  /** Plays it to its end. It may throw when the server ends the connection first, unless it is good. */
  play(field: Field): Promise<void>;
}

/** All of them, by name. */
export const attacks: Readonly<Record<string, Attack>> = {
  // What a server is for.
  data: {
    weight: 14,
    good: true,
    play: (field) => use(field, async (client) => void (await deliver(client, field))),
  },
  bdat: {
    weight: 6,
    good: true,
    play: (field) => use(field, async (client) => void (await chunked(client, field))),
  },
  "several messages": {
    weight: 4,
    good: true,
    play: (field) =>
      use(field, async (client) => {
        for (let left = 1 + field.random.below(4); left > 0; left--) await deliver(client, field);
      }),
  },
  "behind STARTTLS": {
    weight: 4,
    good: true,
    play: (field) =>
      use(field, async (client) => {
        await secure(client);
        await deliver(client, field);
      }),
  },
  "implicit TLS": {
    weight: 4,
    good: true,
    play: (field) => use(field, async (client) => void (await deliver(client, field)), { tls: true }),
  },
  "ends its side behind the message": {
    weight: 3,
    good: true,
    play: (field) =>
      use(field, async (client) => {
        const entry = await begin(client, field, "b");
        client.socket.end();
        entry.verdict(await client.replies(1));
        await client.end();
      }),
  },

  // The connection breaks.
  "reset anywhere": {
    weight: 6,
    play: (field) => use(field, (client) => upTo(client, field, () => client.crash())),
  },
  "end anywhere": {
    weight: 6,
    play: (field) =>
      use(field, async (client) => {
        await upTo(client, field, () => void client.socket.end());
        await gone(client);
      }),
  },
  "reset in DATA": {
    weight: 5,
    play: (field) => use(field, (client) => broken(client, field, "data", true)),
  },
  "end in DATA": { weight: 4, play: (field) => use(field, (client) => broken(client, field, "data", false)) },
  "reset in BDAT": {
    weight: 5,
    play: (field) => use(field, (client) => broken(client, field, "bdat", true)),
  },
  "end in BDAT": { weight: 4, play: (field) => use(field, (client) => broken(client, field, "bdat", false)) },
  "reset before the verdict": {
    weight: 5,
    play: (field) =>
      use(field, async (client) => {
        await begin(client, field, field.random.one(["b", "dawdles"]));
        await pause(field.random.below(4));
        client.crash();
      }),
  },
  "reset in the middle of TLS": {
    weight: 2,
    play: (field) => use(field, (client, crash) => upTo(client, field, crash), { tls: true, hop: true }),
  },

  // Nonsense.
  garbage: {
    weight: 6,
    play: (field) =>
      use(field, async (client) => {
        await upTo(
          client,
          field,
          () => void client.socket.write(field.random.octets(1 + field.random.below(3000))),
        );
        await pause(field.random.below(20));
        client.crash();
      }),
  },
  "lines that mean nothing": {
    weight: 3,
    play: (field) =>
      use(field, async (client) => {
        await client.replies(1);
        // Until the server has had enough.
        for (;;) await client.say(field.random.octets(20).toString("base64"));
      }),
  },
  "a line without end": {
    weight: 2,
    play: (field) =>
      use(field, async (client) => {
        await client.replies(1);
        for (let left = 40; left > 0; left--) client.send("x".repeat(10_000));
        client.send("\r\n");
        await client.replies(1);
        client.crash();
      }),
  },

  // Slowness: each of these has to be ended by the server.
  silence: { weight: 1, play: (field) => use(field, (client) => gone(client)) },
  "one octet at a time, of a command": {
    weight: 1,
    play: (field) => use(field, (client) => trickle(client, `NOOP ${"x".repeat(400)}`)),
  },
  "one octet at a time, of content": {
    weight: 1,
    play: (field) =>
      use(field, async (client) => {
        await greet(client);
        await client.say("MAIL FROM:<a@example.net>", "RCPT TO:<b@example.com>", "DATA");
        await trickle(client, "x".repeat(400));
      }),
  },
  "replies that are not read": {
    weight: 1,
    play: (field) =>
      use(field, async (client) => {
        await greet(client);
        client.socket.pause();
        client.send("RCPT TO:<nobody@example.com>\r\nMAIL FROM:<a@example.net>\r\nRSET\r\n".repeat(15));
        await pause(200);
        client.socket.resume();
        await gone(client);
      }),
  },

  // Handlers that fail.
  "a handler throws": {
    weight: 3,
    play: (field) =>
      use(field, (client) => refused(client, field, field.random.one(["throws", "rejects"]), "451")),
  },
  "a handler stalls": {
    weight: 1,
    play: (field) =>
      use(field, async (client) => {
        await greet(client);
        await client.say("MAIL FROM:<a@example.net>");
        client.send("RCPT TO:<stalls@example.com>\r\nDATA\r\n");
        await gone(client);
      }),
  },
  "the handler of a message breaks off": {
    weight: 3,
    play: (field) => use(field, async (client) => expected(await deliver(client, field, "breaks"), "451")),
  },
  "the handler of a message refuses it unread": {
    weight: 3,
    play: (field) => use(field, async (client) => expected(await deliver(client, field, "refuses"), "550")),
  },
  "the handler of a message hangs": { weight: 1, play: (field) => hanging(field, "hangs") },
  "the handler of a message leaves it unread": { weight: 1, play: (field) => hanging(field, "ignores") },
  "the handler of a message dawdles": {
    weight: 2,
    good: true,
    play: (field) => use(field, async (client) => void (await deliver(client, field, "dawdles"))),
  },

  // TLS that comes to nothing.
  "garbage for a handshake": {
    weight: 2,
    play: (field) => handshake(field, (client) => client.socket.write(field.random.octets(500))),
  },
  "plain text for a handshake": {
    weight: 2,
    play: (field) => handshake(field, (client) => client.send("EHLO client.example.net\r\n")),
  },
  "half a handshake, and a reset": {
    weight: 2,
    play: (field) =>
      handshake(field, async (client) => {
        client.socket.write(clientHello.subarray(0, 1 + field.random.below(clientHello.length - 1)));
        await pause(field.random.below(5));
        client.crash();
      }),
  },
  "half a handshake, and the end": {
    weight: 2,
    play: (field) =>
      handshake(field, (client) => {
        client.socket.end(clientHello.subarray(0, 1 + field.random.below(clientHello.length - 1)));
      }),
  },
  "a handshake, and a reset": {
    weight: 2,
    play: (field) =>
      handshake(
        field,
        async (client, crash) => {
          const done = client.startTls().catch(() => {});
          await pause(field.random.below(8));
          crash();
          await done;
        },
        { hop: true },
      ),
  },
  "no handshake": { weight: 1, play: (field) => handshake(field, () => {}) },
  "a version of TLS that is too old": {
    weight: 2,
    async play(field) {
      const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
      await handshake(field, async (client) => {
        const done = await client.startTls(old).then(
          () => true,
          () => false,
        );
        if (done) throw new Fault("TLS 1.1 was taken");
      });
    },
  },
  "commands sent ahead of TLS": {
    weight: 2,
    play: (field) =>
      use(field, async (client) => {
        await greet(client);
        client.send("STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n");
        await gone(client);
      }),
  },
};

/** What must not be, whatever else goes wrong. */
export class Fault extends Error {
  override readonly name = "Fault";
}

/** How a server ends connections that do not, at the latest: milliseconds, of all its deadlines the longest, and more. */
const patience = 20_000;

/** How a client connects. */
interface How {
  /** TLS from the first octet. */
  readonly tls?: boolean;
  /** Over a hop, so that it can be cut while there is TLS. */
  readonly hop?: boolean;
}

/** What is done with a client; `crash` ends the connection by a reset. */
type Play = (client: Client, crash: () => void) => void | Promise<void>;

/** A client for as long as it is played with. */
async function use(
  { port, tlsPort }: Field,
  play: Play,
  { tls = false, hop = false }: How = {},
): Promise<void> {
  const to = tls ? tlsPort : port;
  const { client, cut } = hop
    ? await connectByHop(to)
    : { client: await Client.connect({ host: "127.0.0.1", port: to }), cut: null };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Fault(`the server does not end it; heard: ${client.heard}`)),
      patience,
    );
  });
  const playing = async (): Promise<void> => {
    if (tls) await client.startTls();
    await play(client, cut ?? (() => client.crash()));
  };
  try {
    await Promise.race([playing(), late]);
  } finally {
    clearTimeout(timer);
    client.socket.destroy();
    client.raw.destroy();
  }
}

/** The server is to end the connection. */
async function gone(client: Client): Promise<void> {
  await client.end();
}

async function greet(client: Client): Promise<void> {
  await client.replies(1);
  await client.say("EHLO client.example.net");
}

async function secure(client: Client): Promise<void> {
  await greet(client);
  await client.say("STARTTLS");
  await client.startTls();
  await client.say("EHLO client.example.net");
}

/** A message that no other is like: some are larger than what the sockets hold. */
function content({ random }: Field): Buffer {
  const lines = [`Id: ${random.octets(12).toString("hex")}`, ""];
  const size = random.below(12) === 0 ? 2000 : random.below(60);
  for (let left = size; left > 0; left--)
    lines.push(`${random.one(["", ".", "..", "x"])}${"y".repeat(random.below(150))}`);
  return Buffer.from(`${lines.join("\r\n")}\r\n`);
}

async function envelope(client: Client, to: string): Promise<void> {
  if (client.heard.length === 0 || !/^250/m.test(client.heard)) await greet(client);
  expected(await client.say("MAIL FROM:<a@example.net>", `RCPT TO:<${to}@example.com>`), "250 250");
}

/** Sends a message to its end. */
async function begin(client: Client, field: Field, to: string): Promise<Entry> {
  await envelope(client, to);
  expected(await client.say("DATA"), "354");
  const octets = content(field);
  const entry = field.ledger.begin(octets);
  entry.whole();
  client.send(stuffed([octets]));
  return entry;
}

/** Delivers a message, and gives the code of the verdict. */
async function deliver(client: Client, field: Field, to = "b"): Promise<string> {
  const entry = await begin(client, field, to);
  const code = await client.replies(1);
  entry.verdict(code);
  return code;
}

/** The same in chunks, pipelined. */
async function chunked(client: Client, field: Field): Promise<void> {
  await envelope(client, "b");
  const octets = content(field);
  const entry = field.ledger.begin(octets);
  let chunks = 0;
  for (let at = 0; at < octets.length; chunks++) {
    const size = Math.min(1 + field.random.below(5000), octets.length - at);
    const last = at + size === octets.length;
    if (last) entry.whole();
    client.send(`BDAT ${size}${last ? " LAST" : ""}\r\n${octets.toString("latin1", at, at + size)}`);
    at += size;
  }
  const codes = await client.replies(chunks);
  entry.verdict(codes.split(" ").at(-1)!);
}

/** A message that is broken off in the middle. */
async function broken(client: Client, field: Field, how: "data" | "bdat", reset: boolean): Promise<void> {
  await envelope(client, field.random.one(["b", "dawdles", "breaks"]));
  const octets = content(field);
  field.ledger.begin(octets);
  if (how === "data") {
    expected(await client.say("DATA"), "354");
    // At the worst all but the last octet of the end.
    const text = stuffed([octets]);
    client.send(text.slice(0, field.random.below(text.length)));
  } else {
    client.send(
      `BDAT ${octets.length} LAST\r\n${octets.toString("latin1", 0, field.random.below(octets.length))}`,
    );
  }
  await pause(field.random.below(4));
  if (reset) return client.crash();
  client.socket.end();
  await gone(client);
}

/** Goes some way into a session, then does it. */
async function upTo(client: Client, { random }: Field, doing: () => void): Promise<void> {
  const steps = [
    "EHLO client.example.net",
    "MAIL FROM:<a@example.net>",
    "RCPT TO:<b@example.com>",
    "NOOP",
    "RSET",
  ];
  const far = random.below(steps.length + 2);
  if (far > 0) await client.replies(1);
  for (const step of steps.slice(0, Math.max(0, far - 1))) {
    if (random.below(4) === 0) client.send(`${step}\r\n`);
    else await client.say(step);
  }
  if (random.below(3) === 0) client.send("MAIL FRO");
  doing();
}

async function refused(client: Client, field: Field, to: string, code: string): Promise<void> {
  await greet(client);
  expected(await client.say("MAIL FROM:<a@example.net>", `RCPT TO:<${to}@example.com>`), `250 ${code}`);
  // The session goes on.
  expected(await client.say("RSET"), "250");
  await deliver(client, field);
}

/** Nobody will ever give a verdict: the server ends the session. */
function hanging(field: Field, to: string): Promise<void> {
  return use(field, async (client) => {
    const entry = await begin(client, field, to);
    const code = await client.replies(1);
    entry.verdict(code);
    expected(code, "421");
    await gone(client);
  });
}

async function trickle(client: Client, octets: string): Promise<void> {
  const ticking = setInterval(() => {
    if (!client.ended) client.send(octets[0]!);
  }, 20);
  try {
    await gone(client);
  } finally {
    clearInterval(ticking);
  }
}

/** Up to where the server waits for a ClientHello, by STARTTLS or from the start; afterwards the server ends it. */
function handshake(
  field: Field,
  doing: (client: Client, crash: () => void) => unknown,
  how: How = {},
): Promise<void> {
  const implicit = field.random.below(2) === 0;
  const there = implicit ? { ...field, port: field.tlsPort } : field;
  const play: Play = async (client, crash) => {
    if (!implicit) {
      await greet(client);
      expected(await client.say("STARTTLS"), "220");
    }
    await doing(client, crash);
    await gone(client);
  };
  return use(there, play, how);
}

function expected(codes: string, expectation: string): void {
  if (codes !== expectation) throw new Error(`${codes} in the place of ${expectation}`);
}

/** A ClientHello of TLS 1.2 (RFC 5246 §7.4.1.2) that could go on: a dozen ciphers, and a name. */
const clientHello: Buffer = (() => {
  const name = Buffer.from("mx.example.com");
  const server = Buffer.concat([u16(name.length + 3), Buffer.from([0]), u16(name.length), name]);
  const groups = Buffer.from([0, 4, 0, 29, 0, 23]);
  const signatures = Buffer.from([0, 4, 4, 3, 8, 4]);
  const extensions = Buffer.concat([
    u16(0),
    sized(server),
    u16(10),
    sized(groups),
    u16(13),
    sized(signatures),
  ]);
  const ciphers = Buffer.from([0xc0, 0x2b, 0xc0, 0x2f, 0xc0, 0x2c, 0xc0, 0x30]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    Buffer.from([0]),
    sized(ciphers),
    Buffer.from([1, 0]),
    sized(extensions),
  ]);
  const message = Buffer.concat([Buffer.from([1, 0]), u16(body.length), body]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(message)]);
})();

function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 255]);
}

function sized(octets: Buffer): Buffer {
  return Buffer.concat([u16(octets.length), octets]);
}
