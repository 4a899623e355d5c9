import { createHash, randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Mail, Program, RawClient, type Running } from "./program.ts";

const kills = 36;
const clients = 4;

let program: Program;
let mail: Mail;

beforeAll(async () => {
  program = await Program.build();
  mail = await Mail.folder();
});

afterAll(async () => {
  await program.remove();
  await mail.remove();
});

it("S-DATA-08 S-SES-12 kill -9 at any moment: what got 250 is in new, and new has whole messages only", {
  timeout: 120_000,
}, async () => {
  const accepted: string[] = [];
  let interrupted = 0;
  for (let kill = 0; kill < kills; kill++) {
    const server = await program.serve(["--directory", mail.directory, "--json"]);
    let begin: () => void = () => {};
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const deliveries = Array.from({ length: clients }, () => deliver(server, accepted, begin));
    await begun;
    // Early kills find the first messages half written, late ones many kept.
    await delay(Math.random() * (kill % 3 === 0 ? 30 : 300));
    server.child.kill("SIGKILL");
    for (const broken of await Promise.all(deliveries)) if (broken) interrupted++;
    await server.exit;
  }

  const names = await mail.names("new");
  const kept = new Set(names.map((name) => name.split(".")[1]));
  expect(accepted.filter((id) => !kept.has(id))).toEqual([]);
  expect(new Set(accepted).size).toBe(accepted.length);
  const messages = await mail.messages();
  expect(messages.filter((message) => !whole(message)).length).toBe(0);

  // The test has tested something: much was accepted, and kills came in the middle of messages.
  expect(accepted.length).toBeGreaterThan(kills);
  expect(interrupted).toBeGreaterThan(kills);
  expect((await mail.names("tmp")).length).toBeGreaterThan(0);
});

/** Delivers one message after the other until the connection breaks; true if it broke within one. */
async function deliver(server: Running, accepted: string[], begin: () => void): Promise<boolean> {
  let within = false;
  try {
    const client = await RawClient.connect(server.port);
    await client.reply();
    await client.say("EHLO client.example.net");
    for (;;) {
      within = true;
      begin();
      await client.say("MAIL FROM:<a@example.net>");
      await client.say("RCPT TO:<b@example.com>");
      const content = message();
      let reply: string;
      if (Math.random() < 0.5) {
        await client.say("DATA");
        client.write(content);
        reply = await client.say(".");
      } else {
        client.write(`BDAT ${content.length} LAST\r\n`);
        client.write(content);
        reply = await client.reply();
      }
      within = false;
      const match = /^250 2\.0\.0 Ok: queued as (\S+)$/.exec(reply);
      if (match !== null) accepted.push(match[1]!);
    }
  } catch {
    return within;
  }
}

/** A message of up to 300 KB that holds the checksum of its body. */
function message(): string {
  const lines = Array.from({ length: Math.floor(Math.random() ** 3 * 4000) + 1 }, () =>
    randomBytes(27).toString("hex"),
  );
  const body = `${lines.join("\r\n")}\r\n`;
  return `X-Checksum: ${checksum(body)}\r\n\r\n${body}`;
}

function whole(file: Buffer): boolean {
  const text = file.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  const sum = /^X-Checksum: ([0-9a-f]+)$/m.exec(text.slice(0, end))?.[1];
  return sum !== undefined && sum === checksum(text.slice(end + 4));
}

function checksum(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}
