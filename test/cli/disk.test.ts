import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { requireTools, type Tool } from "../clients/tool.ts";
import { Program, RawClient, type Running } from "./program.ts";

/** Makes a disk of its own for a process, which is gone with it: as root, or as root of a namespace. */
const unshare = process.getuid?.() === 0 ? "unshare --mount" : "unshare --map-root-user --mount";
const ownDisk: Tool = {
  name: "a small disk for one process",
  packages: "util-linux, and be root or allowed to make namespaces",
  probe: ["sh", "-c", `${unshare} mount -t tmpfs tmpfs /mnt`],
};

let program: Program;
let disk: string;
let server: Running | null = null;

beforeAll(async () => {
  program = await Program.build();
});

afterAll(() => program.remove());

beforeEach(async () => {
  disk = await mkdtemp(join(tmpdir(), "sansmtp-disk-"));
});

afterEach(async () => {
  server?.child.kill("SIGKILL");
  await server?.exit;
  server = null;
  await rm(disk, { recursive: true, force: true });
});

describe("a disk that is full", () => {
  it("S-DATA-09 452 to each client that it has no room for, and every message with a 250 is there, whole", async ({
    skip,
  }) => {
    await serve(skip, "size=600k");
    const clients = await Promise.all(Array.from({ length: 6 }, () => greeted()));
    const kept: string[] = [];
    const codes: string[] = [];
    const send = async (client: RawClient, number: string, lines: number): Promise<void> => {
      const content = `Subject: ${number}\r\n\r\n${`${number} ${"x".repeat(90)}\r\n`.repeat(lines)}`;
      const reply = await client.deliver(content);
      codes.push(reply.slice(0, 9));
      if (reply.startsWith("250 ")) kept.push(sum(content));
    };
    // All at once, of sizes that differ, until there is no room for any of them.
    await Promise.all(
      clients.map(async (client, at) => {
        for (let number = 0; number < 12; number++) await send(client, `${at}-${number}`, 100 + 250 * at);
      }),
    );
    expect(new Set(codes)).toEqual(new Set(["250 2.0.0", "452 4.3.1"]));
    expect(await messages()).toEqual(kept.sort());
    expect(await names("tmp")).toEqual([]);
    expect(server!.stdout).toMatch(/error: a message could not be kept: ENOSPC/);

    // With room again the same sessions go on.
    const [first] = await names("new");
    await rm(folder("new", first!));
    kept.splice(0, kept.length, ...(await messages()));
    await send(clients[0]!, "again", 1);
    expect(codes.at(-1)).toBe("250 2.0.0");
    expect(await messages()).toEqual(kept.sort());
  });

  it("S-DATA-09 452 where no file can be begun, before any content is kept", async ({ skip }) => {
    // The root of the disk, the Maildir and its three folders: 5 of them. There is room for 3 files more.
    await serve(skip, "size=8m,nr_inodes=9");
    const client = await greeted();
    const replies: string[] = [];
    for (let number = 0; number < 6; number++) replies.push((await client.deliver("Hello\r\n")).slice(0, 9));
    expect(replies.filter((reply) => reply === "250 2.0.0")).toHaveLength((await names("new")).length);
    expect(replies.slice(-2)).toEqual(["452 4.3.1", "452 4.3.1"]);
    expect(replies[0]).toBe("250 2.0.0");
    expect(await names("tmp")).toEqual([]);
  });

  it("S-DATA-09 452 for a message in chunks, which are all read first", async ({ skip }) => {
    await serve(skip, "size=300k");
    const client = await greeted();
    await client.say("MAIL FROM:<a@example.net>");
    await client.say("RCPT TO:<b@example.com>");
    const replies: string[] = [];
    for (let chunk = 0; chunk < 10; chunk++) {
      client.write(`BDAT 100000${chunk === 9 ? " LAST" : ""}\r\n${"x".repeat(100_000)}`);
      replies.push((await client.reply()).slice(0, 3));
    }
    expect(replies.at(-1)).toBe("452");
    expect(await client.say("NOOP")).toMatch(/^250 /);
    expect(await names("new")).toEqual([]);
    expect(await names("tmp")).toEqual([]);
    expect(await client.deliver("Subject: small\r\n")).toMatch(/^250 /);
  });
});

/** Serves with a disk of its own, which nobody else sees. */
async function serve(skip: Parameters<typeof requireTools>[1], options: string): Promise<void> {
  requireTools([ownDisk], skip);
  await mkdir(disk, { recursive: true });
  const script = `mount -t tmpfs -o ${options} tmpfs "$0" && exec "$@"`;
  const through = [...unshare.split(" "), "sh", "-c", script, disk];
  server = await program.serve(["--name", "mx.example.com", "--directory", join(disk, "mail")], { through });
}

async function greeted(): Promise<RawClient> {
  const client = await RawClient.connect(server!.port);
  await client.reply();
  await client.say("EHLO client.example.net");
  return client;
}

/** A folder of the Maildir, seen through the server. */
function folder(name: "new" | "tmp", file = ""): string {
  return join(`/proc/${server!.child.pid}/root`, disk, "mail", name, file);
}

async function names(name: "new" | "tmp"): Promise<string[]> {
  return (await readdir(folder(name))).sort();
}

/** What was kept, without the trace fields, which end before `Subject`. */
async function messages(): Promise<string[]> {
  const all = await Promise.all((await names("new")).map((name) => readFile(folder("new", name), "latin1")));
  return all.map((text) => sum(text.slice(text.search(/^Subject:/m)))).sort();
}

function sum(text: string): string {
  return createHash("sha256").update(text, "latin1").digest("hex");
}
