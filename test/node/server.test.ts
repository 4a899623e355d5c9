import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createServer, UsageError } from "@sansmtp/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { Client, pause, until } from "./client.ts";
import { ehlo, envelope, serving } from "./serving.ts";

describe("a server", () => {
  it("takes mail, and knows both ends of the connection", async () => {
    const seen: unknown[] = [];
    const { dial, messages, server, address } = await serving({
      connect(_, { remote, local }) {
        seen.push(remote?.address, local);
        return undefined;
      },
    });
    const client = await dial();
    expect(await client.replies(1)).toBe("220");
    expect(await client.say(ehlo)).toBe("250");
    expect(await client.say(...envelope)).toBe("250 250 354");
    expect(server.connections.size).toBe(1);
    client.send("Hello\r\n..\r\n.\r\nQUIT\r\n");
    expect(await client.replies(2)).toBe("250 221");
    await client.end();
    client.socket.end();
    expect(await client.closed).toBeNull();
    expect(messages).toEqual(["Hello\r\n.\r\n"]);
    expect(seen).toEqual(["127.0.0.1", { address: "127.0.0.1", port: (address as { port: number }).port }]);
    await until(() => server.connections.size === 0, "the connection to be forgotten");
  });

  it("takes a large message octet for octet", async () => {
    const { dial, messages } = await serving();
    const client = await dial();
    await client.say(ehlo);
    await client.replies(1);
    await client.say(...envelope);
    const line = `${Array.from({ length: 300 }, (_, at) => String.fromCharCode(33 + (at % 90))).join("")}\r\n`;
    const message = line.repeat(30_000);
    client.send(`${message}.\r\n`);
    expect(await client.replies(1)).toBe("250");
    expect(messages[0] === message).toBe(true);
  });

  it("listens on a Unix socket, for clients without address", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sansmtp-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const path = join(folder, "smtp");
    let remote: unknown;
    const { dial, address } = await serving(
      {
        connect(_, connection) {
          ({ remote } = connection);
          return undefined;
        },
      },
      path,
    );
    expect(address).toEqual({ path });
    const client = await dial();
    expect(await client.say(ehlo)).toBe("220");
    expect(remote).toBeNull();
  });

  it("answers everything that came before a client that ended its side", async () => {
    const { dial, messages } = await serving({
      mail: () => pause(20).then(() => undefined),
    });
    const client = await dial();
    client.socket.end(`${ehlo}\r\n${envelope.join("\r\n")}\r\nHello\r\n.\r\nNOOP\r\n`);
    await client.closed;
    expect(client.heard.match(/^\d{3}(?= )/gm)?.join(" ")).toBe("220 250 250 250 354 250 250");
    expect(messages).toEqual(["Hello\r\n"]);
  });

  it("S-SES-08 S-SES-01 notices who speaks before the greeting", async () => {
    const early: boolean[] = [];
    const { dial } = await serving({
      timers: { greetingDelay: 100 },
      connect(question) {
        early.push(question.early);
        return undefined;
      },
    });
    const [polite, hasty] = [await dial(), await dial()];
    hasty.send(`${ehlo}\r\n`);
    expect(await hasty.replies(2)).toBe("220 250");
    expect(await polite.replies(1)).toBe("220");
    expect(early).toEqual([true, false]);
  });

  it("S-SES-06 S-SES-15 serves many at once, and tells 421 to more", async () => {
    const { dial, server } = await serving({ maxConnections: 20, maxConnectionsPerAddress: 20 });
    const clients = await Promise.all(Array.from({ length: 20 }, dial));
    for (const client of clients) expect(await client.replies(1)).toBe("220");
    const surplus = await dial();
    expect(await surplus.hear(/\n/)).toBe("421 mx.example.com Too many connections, try again later\r\n");
    await surplus.end();
    surplus.socket.end();
    clients[0]!.send("QUIT\r\n");
    await clients[0]!.end();
    clients[0]!.socket.end();
    await until(() => server.connections.size === 19, "the end of both");
    expect(await (await dial()).replies(1)).toBe("220");
  });

  it("L-TIME-10 L-TIME-12 has its own timers", async () => {
    const { dial, closings } = await serving({ timers: { command: 100 } });
    const client = await dial();
    await client.say(ehlo);
    client.send("MAIL FR");
    expect(await client.hear(/421/)).toMatch(/421 4\.4\.2 /);
    await client.end();
    expect(closings).toEqual([{ reason: "timeout", error: null }]);
  });

  it("survives resets at any time", async () => {
    const { dial, server, errors } = await serving();
    for (const lines of [[], [ehlo], [ehlo, ...envelope]]) {
      const client = await dial();
      client.send(lines.map((line) => `${line}\r\n`).join(""));
      await client.replies(lines.length + 1);
      client.crash();
    }
    await until(() => server.connections.size === 0, "all to be gone");
    expect(errors).toEqual([]);
    expect(await (await dial()).replies(1)).toBe("220");
  });

  it("refuses options that cannot be", async () => {
    const refused = [
      () => createServer({ name: "no name" }),
      () => createServer({ name: "a.b", tls: "offered" }),
      () => createServer({ name: "a.b", tls: "implicit", tlsOptions: { key: "x" } }),
      () => createServer({ name: "a.b", proxy: true }),
      () => createServer({ name: "a.b", proxy: true, trustedProxies: ["example.com"] }),
      () => createServer({ name: "a.b", proxy: true, trustedProxies: ["10.0.0.0/33"] }),
      () => createServer({ name: "a.b", maxConnections: 0 }),
    ];
    for (const attempt of refused) expect(attempt).toThrow(UsageError);
    expect(() => createServer({ name: "a.b", tlsOptions: { key: "no", cert: "PEM" } })).toThrow();
  });
});

describe("listen", () => {
  it("rejects when the place is taken, twice on one server, and after close", async () => {
    const { server, address } = await serving();
    const { port } = address as { port: number };
    const other = createServer({ name: "a.b" });
    await expect(other.listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await expect(server.listen({ port: 0 })).rejects.toThrow(UsageError);
    // It can be tried again elsewhere.
    expect(await other.listen({ port: 0 })).toEqual(other.address);
    await other.close();
    expect(other.address).toBeNull();
    await expect(other.listen({ port: 0 })).rejects.toThrow(UsageError);
  });

  it("ends when its signal fires, before or after", async () => {
    const controller = new AbortController();
    const server = createServer({ name: "a.b" });
    const address = await server.listen({ port: 0, signal: controller.signal });
    const client = await Client.connect(address);
    await client.replies(1);
    controller.abort();
    expect(await client.hear(/421/)).toMatch(/421 4\.3\.2/);
    client.socket.end();
    await server.close();
    expect(server.connections.size).toBe(0);
    const late = createServer({ name: "a.b" });
    await expect(late.listen({ port: 0, signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(late.address).toBeNull();
  });

  it("does not go on when the server is closed meanwhile", async () => {
    const server = createServer({ name: "a.b" });
    const listening = server.listen({ port: 0, host: "localhost" });
    const closed = server.close();
    await expect(listening).rejects.toThrow(UsageError);
    await closed;
    expect(server.address).toBeNull();
  });
});

describe("close", () => {
  it("S-SES-10 S-SES-11 tells 421 to the idle at once, lets transactions end, and takes no more", async () => {
    const { dial, server, messages, address } = await serving();
    const [idle, busy] = [await dial(), await dial()];
    await idle.say(ehlo);
    await busy.replies(1);
    await busy.say(ehlo);
    await busy.say(...envelope);
    let closed = false;
    const closing = server.close().then(() => {
      closed = true;
    });
    expect(await idle.hear(/421/)).toMatch(/421 4\.3\.2/);
    idle.socket.end();
    await idle.closed;
    await expect(Client.connect(address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
    expect(closed).toBe(false);
    busy.send("Hello\r\n.\r\n");
    expect(await busy.replies(2)).toBe("250 421");
    busy.socket.end();
    await closing;
    expect(messages).toEqual(["Hello\r\n"]);
  });

  it("S-SES-11 tells 421 to the rest when time is up, and drops who does not go", async () => {
    const { dial, server, messages } = await serving();
    const busy = await dial();
    await busy.replies(1);
    await busy.say(ehlo);
    await busy.say(...envelope);
    busy.send("Hello\r\n");
    const started = performance.now();
    const long = server.close({ within: 60_000 });
    await server.close({ within: 100 });
    await long;
    expect(performance.now() - started).toBeLessThan(4_000);
    expect(busy.heard).toMatch(/421 4\.3\.2 [^\n]*\n$/);
    expect(messages).toEqual([]);
    expect(busy.ended).toBe(true);
  });

  it("can be awaited as a resource", async () => {
    let client: Client;
    {
      await using server = createServer({ name: "a.b" });
      client = await Client.connect(await server.listen({ port: 0 }));
      await client.replies(1);
      client.socket.on("end", () => client.socket.end());
    }
    await client.closed;
    expect(client.heard).toMatch(/421/);
  });

  it("leaves nothing behind that would keep the process", async () => {
    const script = fileURLToPath(new URL("leaving.ts", import.meta.url));
    const child = spawn(process.execPath, ["--import", "tsx", "--conditions=@sansmtp/source", script], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    child.stdout.on("data", (octets) => {
      said += octets;
      const port = /^(\d+)\n$/.exec(said)?.[1];
      // One client that goes, one that stays and says nothing, one in the middle of a handshake.
      if (port === undefined) return;
      const stays = connect({ port: Number(port), host: "127.0.0.1" });
      stays.on("error", () => {});
      const half = connect({ port: Number(port), host: "127.0.0.1" });
      half.on("error", () => {});
      half.write(`${ehlo}\r\nSTARTTLS\r\n`);
    });
    const code = await new Promise((resolve) => child.on("exit", resolve));
    expect(said).toMatch(/^\d+\nclosed with 0 connections, handles: \n$/);
    expect(code).toBe(0);
  });
});
