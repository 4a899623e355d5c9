import dns, { type LookupAllOptions } from "node:dns";
import { createServer as createHttpServer } from "node:http";
import { ConnectError, createServer } from "@sansmtp/node";
import { beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { certificates } from "./certificates.ts";
import { dialled, message, replying, scripted } from "./scripted.ts";
import { serving } from "./serving.ts";

async function failing(connecting: Promise<unknown>): Promise<ConnectError> {
  const error: unknown = await connecting.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

describe("the wrong door", () => {
  let certs: Awaited<ReturnType<typeof certificates>>;
  beforeAll(async () => {
    certs = await certificates();
  });

  it("TLS from the start, which waits for the client: no greeting in time", async () => {
    const { address } = await serving({ tls: "implicit", tlsOptions: certs.server });
    const { port } = address as { port: number };
    expect((await failing(dialled({ port, timers: { greeting: 100 } }))).code).toBe("no-greeting");
  });

  it("TLS from the start, which answers with an alert", async () => {
    const server = await scripted((socket) => socket.write(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])));
    expect((await failing(dialled({ port: server.port }))).code).toBe("tls-on-plain-port");
  });

  it.each([
    ["http", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["imap", "* OK [CAPABILITY IMAP4rev1] ready\r\n"],
    ["pop3", "+OK ready\r\n"],
    ["ssh", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["not-smtp", "hello\r\n"],
    ["reply-unexpected", "354 Go\r\n"],
  ])("%s", async (code, greeting) => {
    const server = await scripted((socket) => socket.write(greeting));
    const error = await failing(dialled({ port: server.port }));
    expect(error.code).toBe(code);
    expect(server.heard()).toBe("");
  });

  it("a web server, which says nothing before it is asked", async () => {
    const http = createHttpServer();
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void http.close());
    const { port } = http.address() as { port: number };
    expect((await failing(dialled({ port, timers: { greeting: 100 } }))).code).toBe("no-greeting");
  });

  it("one that closes without a word", async () => {
    const server = await scripted((socket) => socket.end());
    expect((await failing(dialled({ port: server.port }))).code).toBe("no-greeting");
  });
});

describe("where nobody is", () => {
  it("a port that is closed", async () => {
    const error = await failing(dialled({ port: 1 }));
    expect(error).toMatchObject({ code: "unreachable", cause: { code: "ECONNREFUSED" } });
    expect(error.message).toMatch(/^cannot connect to 127\.0\.0\.1:1: /);
  });

  it("L-RETRY-03 an address behind which nobody is: the next one of the host is tried", async () => {
    const { port } = await scripted((socket) => replying(socket, {}));
    const asked: string[] = [];
    const lookup = ((host: string, { all }: LookupAllOptions, answer: (...given: unknown[]) => void) => {
      asked.push(host);
      const addresses = ["127.0.0.2", "127.0.0.3", "127.0.0.1"].map((address) => ({ address, family: 4 }));
      process.nextTick(() => (all ? answer(null, addresses) : answer(null, "127.0.0.2", 4)));
    }) as unknown as typeof dns.lookup;
    const spy = vi.spyOn(dns, "lookup").mockImplementation(lookup);
    onTestFinished(() => spy.mockRestore());
    const client = await dialled({ host: "three.example", port, tls: "never" });
    expect(asked).toEqual(["three.example"]);
    expect((await client.send(message)).accepted).toEqual(["b@example.com"]);
  });

  it("a host that does not exist", async () => {
    const error = await failing(dialled({ host: "host.invalid", port: 25 }));
    expect(error.code).toBe("unreachable");
  });

  it("a socket that is no file", async () => {
    expect((await failing(dialled({ path: "/nonexistent/socket" }))).code).toBe("unreachable");
  });

  it("a port that is none", async () => {
    await expect(dialled({ port: 70_000 })).rejects.toThrow("port: 70000");
  });

  it("a name that is none", async () => {
    const server = await scripted(() => {});
    await expect(dialled({ port: server.port, name: "not a name" })).rejects.toThrow(/^name/);
  });
});

describe("giving up", () => {
  it("before it begins", async () => {
    await expect(dialled({ port: 1, signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
  });

  it("while it waits for the greeting, by its reason", async () => {
    const server = await scripted(() => {});
    const controller = new AbortController();
    const connecting = dialled({ port: server.port, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 50);
    await expect(connecting).rejects.toThrow("enough");
    const [socket] = server.sockets;
    await new Promise((resolve) => socket?.once("close", resolve).resume());
  });

  it("has no effect when it is ready", async () => {
    const server = await scripted((socket) => replying(socket, {}));
    const controller = new AbortController();
    const client = await dialled({ port: server.port, signal: controller.signal });
    controller.abort();
    expect((await client.send(message)).accepted).toHaveLength(1);
  });
});

describe("what it calls itself", () => {
  it("S-EHLO-12 a full name, or the address that the server sees", async () => {
    const server = await scripted((socket) => replying(socket, {}));
    const client = await dialled({ port: server.port, name: undefined });
    await client.quit();
    expect(server.heard()).toMatch(/^EHLO (\[127\.0\.0\.1\]|[a-z0-9-]+(\.[a-z0-9-]+)+)\r\n/i);
  });
});

describe("a Unix socket", () => {
  it("delivers, and leaves with the address literal of this machine", async () => {
    const path = `${process.env.TMPDIR ?? "/tmp"}/sansmtp-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const server = createServer({
      name: "mx.example.com",
      protocol: "lmtp",
      rcpt: () => undefined,
      message: async ({ body }) => {
        for await (const _ of body);
        return { code: 250, enhanced: "2.0.0", lines: ["Ok"] };
      },
    });
    await server.listen({ path });
    onTestFinished(() => server.close({ within: 0 }));
    const client = await dialled({ path, protocol: "lmtp", name: undefined });
    const sent = await client.send({ ...message, to: ["b@example.com", "c@example.com"] });
    expect(sent.accepted).toHaveLength(2);
    await client.quit();
  });
});
