import { ConnectError, type ServerOptions } from "@sansmtp/node";
import { beforeAll, describe, expect, it } from "vitest";
import { certificates } from "./certificates.ts";
import { dialled, message, replying, scripted } from "./scripted.ts";
import { serving } from "./serving.ts";

let certs: Awaited<ReturnType<typeof certificates>>;

beforeAll(async () => {
  certs = await certificates();
});

async function portOf(options: Partial<ServerOptions> = {}): Promise<{ port: number; messages: string[] }> {
  const { address, messages } = await serving(options);
  return { port: (address as { port: number }).port, messages };
}

async function code(connecting: Promise<unknown>): Promise<string> {
  const error: unknown = await connecting.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return (error as ConnectError).code;
}

describe("STARTTLS", () => {
  it("T-TLS-10 T-TLS-12 T-TLS-18 sends inside TLS, where EHLO was said anew, to the host that was meant", async () => {
    const { port, messages } = await portOf({ tlsOptions: certs.server });
    const client = await dialled({
      host: "localhost",
      port,
      tls: "required",
      tlsOptions: { ca: certs.ca.cert },
    });
    expect(client.tls).toMatchObject({ version: "TLSv1.3" });
    expect(client.capabilities.starttls).toBe(false);
    expect((await client.send(message)).accepted).toEqual(["b@example.com"]);
    expect(messages).toEqual([message.body]);
  });

  it.each([
    ["a certificate that nobody has signed whom we know", () => ({}), "tls-failed"],
    [
      "a certificate for another host",
      () => ({ ca: certs.ca.cert, servername: "other.example.org" }),
      "tls-failed",
    ],
  ])("T-TLS-13 T-TLS-14 T-TLS-18 required, and %s: nothing is sent", async (_, tlsOptions, expected) => {
    const { port, messages } = await portOf({ tlsOptions: certs.server });
    const connecting = dialled({ host: "localhost", port, tls: "required", tlsOptions: tlsOptions() });
    expect(await code(connecting)).toBe(expected);
    expect(messages).toEqual([]);
  });

  it("T-TLS-18 an address that the certificate does not name is not the host either", async () => {
    const { port } = await portOf({ tlsOptions: certs.server });
    expect(await code(dialled({ port, tls: "required", tlsOptions: { ca: certs.ca.cert } }))).toBe(
      "tls-failed",
    );
  });

  it("T-TLS-13 T-TLS-14 required, and not offered: QUIT", async () => {
    const server = await scripted((socket) => replying(socket, {}));
    expect(await code(dialled({ port: server.port, tls: "required" }))).toBe("tls-not-offered");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(server.heard()).toBe("EHLO client.example.net\r\nQUIT\r\n");
  });

  it("T-TLS-14 required, and refused: nothing is sent", async () => {
    const server = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "454 4.7.0 Later" }),
    );
    expect(await code(dialled({ port: server.port, tls: "required" }))).toBe("tls-refused");
    expect(server.heard()).not.toMatch(/MAIL/);
  });

  it("T-TLS-14 offered, and the handshake fails: another connection without TLS", async () => {
    const server = await scripted((socket, number) =>
      replying(socket, number === 1 ? { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "220 Go\r\nrubbish" } : {}),
    );
    // What follows the 220 at once is an attack, and not a handshake that failed.
    expect(await code(dialled({ port: server.port, tls: "offered" }))).toBe("tls-injection");

    const broken = await scripted((socket, number) => {
      replying(socket, { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "220 Go" });
      if (number > 1) return;
      socket.on("data", (octets) => {
        if (octets[0] === 0x16) socket.write("500 what?\r\n");
      });
    });
    const client = await dialled({ port: broken.port, tls: "offered" });
    expect(client.tls).toBeNull();
    expect(broken.sockets).toHaveLength(2);
    expect((await client.send(message)).accepted).toHaveLength(1);
  });

  it("T-TLS-14 offered, with any certificate: TLS all the same", async () => {
    const { port } = await portOf({ tlsOptions: certs.other });
    expect((await dialled({ port })).tls).not.toBeNull();
  });

  it("T-TLS-11 octets behind the 220 end the connection", async () => {
    const server = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "220 Go\r\n250-mx\r\n250 AUTH PLAIN" }),
    );
    expect(await code(dialled({ port: server.port, tls: "required" }))).toBe("tls-injection");
  });

  it("fails when the server ends the connection in the handshake", async () => {
    const server = await scripted((socket) => {
      replying(socket, { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "220 Go" });
      socket.on("data", (octets) => {
        if (octets[0] === 0x16) socket.end();
      });
    });
    expect(await code(dialled({ port: server.port, tls: "required" }))).toBe("tls-failed");
  });

  it("L-TIME-13 fails when the handshake does not end", async () => {
    const server = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "220 Go" }),
    );
    expect(await code(dialled({ port: server.port, tls: "required", timers: { tls: 100 } }))).toBe("timeout");
  });
});

describe("TLS from the start", () => {
  it("T-IMP-01 greets inside TLS, and says no STARTTLS", async () => {
    const { port } = await portOf({ tls: "implicit", tlsOptions: certs.server });
    const tlsOptions = { ca: certs.ca.cert };
    const client = await dialled({ host: "localhost", port, tls: "implicit", tlsOptions });
    expect((await client.send(message)).accepted).toHaveLength(1);
  });

  it("T-TLS-18 the certificate has to be the host's", async () => {
    const { port } = await portOf({ tls: "implicit", tlsOptions: certs.other });
    const tlsOptions = { ca: certs.ca.cert };
    expect(await code(dialled({ host: "localhost", port, tls: "implicit", tlsOptions }))).toBe("tls-failed");
  });

  it("tells a port where TLS is not spoken", async () => {
    const { port } = await portOf();
    expect(await code(dialled({ port, tls: "implicit" }))).toBe("plain-on-tls-port");
  });
});

describe("AUTH", () => {
  const auth = { user: "me", pass: "secret" };

  it("A-AUTH-25 no password goes to a server that is not known to be the right one", async () => {
    const { port } = await portOf({ tlsOptions: certs.server });
    expect(await code(dialled({ port, tls: "offered", auth }))).toMatch(/auth-/);
    expect(await code(dialled({ port, auth }))).toBe("tls-failed");
  });

  it("A-AUTH-25 nor in the clear, where TLS is not offered", async () => {
    const scriptedServer = await scripted((socket) => replying(socket, { EHLO: "250-mx\r\n250 AUTH PLAIN" }));
    expect(await code(dialled({ port: scriptedServer.port, auth }))).toBe("tls-not-offered");
    expect(await code(dialled({ port: scriptedServer.port, auth, tls: "offered" }))).toBe(
      "auth-in-the-clear",
    );
    expect(scriptedServer.heard()).not.toMatch(/AUTH/);
  });

  it("goes in the clear when that is allowed", async () => {
    const scriptedServer = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 AUTH PLAIN", AUTH: "235 2.7.0 Ok" }),
    );
    await dialled({ port: scriptedServer.port, auth, allowInsecureAuth: true });
    expect(scriptedServer.heard()).toMatch(/AUTH PLAIN AG1lAHNlY3JldA==/);
  });
});
