import {
  type Client,
  type Connection,
  type ConnectOptions,
  connect,
  type Message,
  reply,
  type ServerOptions,
} from "@sansmtp/node";
import { describe, expect, test } from "vitest";
import { swaks } from "../clients/clients.ts";
import { requireTools, run } from "../clients/tool.ts";
import { type Certificate, certificates } from "../node/certificates.ts";
import { type Serving, serving } from "../node/serving.ts";
import type { Peer } from "./peer.ts";
import { postfix } from "./postfix.ts";
import { type Front, haproxy, nginx, type Running } from "./proxies.ts";
import { Folder, freePort, requireServer, until } from "./root.ts";

interface Behind {
  /** Our client, connected to the proxy. */
  through(options?: Partial<ConnectOptions>): Promise<Client>;
  /** The connections that the server has had. */
  readonly seen: readonly Seen[];
  readonly running: Serving;
  /** The port of what stands in front. */
  readonly port: number;
  /** The messages that were taken, with who was said to have sent them. */
  readonly taken: readonly Taken[];
}

type Seen = Pick<Connection, "remote" | "local" | "peer" | "proxy" | "protocol" | "client">;
type Taken = Pick<Message, "from" | "forwarded"> & { readonly body: string };

/** A test with our server, and something in front of it. */
const it = test.extend<{
  readonly behind: (
    front: Front,
    options: Partial<ServerOptions>,
    files?: Readonly<Record<string, string>>,
  ) => Promise<Behind>;
}>({
  behind: async ({ skip, onTestFailed }, use) => {
    const daemons: Running[] = [];
    const folders: Folder[] = [];
    onTestFailed(() => {
      for (const daemon of daemons) console.log(String(daemon));
    });
    await use(async (front, options, files = {}) => {
      requireServer(front.program, skip);
      const folder = await Folder.make();
      folders.push(folder);
      for (const [name, content] of Object.entries(files)) await folder.write(name, content);
      const seen: Seen[] = [];
      const taken: Taken[] = [];
      const running = await serving({
        ...options,
        async message({ from, forwarded, body }) {
          const pieces: Uint8Array[] = [];
          for await (const octets of body) pieces.push(octets);
          taken.push({ from, forwarded, body: Buffer.concat(pieces).toString("latin1") });
          return reply(250, "2.0.0", "Queued");
        },
        onClose(closing, { remote, local, peer, proxy, protocol, client }) {
          seen.push({ remote, local, peer, proxy, protocol, client });
          running.closings.push(closing);
        },
      });
      const port = await freePort();
      daemons.push(await front.start(folder, port, (running.address as { port: number }).port));
      const through = (given: Partial<ConnectOptions> = {}): Promise<Client> =>
        connect({ host: "127.0.0.1", port, name: "client.example.net", tls: "never", ...given });
      return { through, seen, running, port, taken };
    });
    for (const daemon of daemons) await daemon.stop();
    for (const folder of folders) await folder.remove();
  },
});

// Real proxies in front of our server: what they say of a client, and what becomes of its mail.

const body = "Subject: hello\r\n\r\nIt works.\r\n";
const message = { from: "a@example.net", to: "b@example.com", body } as const;

describe("HAProxy", () => {
  for (const [version, how] of [
    [1, "send-proxy"],
    [2, "send-proxy-v2"],
  ] as const) {
    for (const tls of ["never", "required", "implicit"] as const) {
      it(`SEC-PRX-0${version === 1 ? 4 : 5} tells the client's address in version ${version}, TLS ${tls}`, async ({
        behind,
      }) => {
        const { server: pair, ca } = await certificates();
        const offered = tls === "implicit" ? "implicit" : "offered";
        const { through, seen, taken } = await behind(haproxy({ server: how, rules: from4 }), {
          proxy: true,
          trustedProxies: ["127.0.0.1"],
          ...(tls === "never" ? {} : { tlsOptions: pair, tls: offered }),
        });
        const client = await through({ tls, host: "localhost", tlsOptions: { ca: ca.cert } });
        expect((await client.send(message)).accepted).toEqual([message.to]);
        await client.quit();
        await until(() => seen[0]);
        expect(taken).toMatchObject([{ body }]);
        const [connection] = seen;
        expect(connection).toMatchObject({ remote: source, local: destination, protocol: protocolOf(tls) });
        expect(connection?.proxy).toMatchObject({ version, command: "PROXY", family: "TCP4" });
        expect(connection?.peer?.address).toBe("127.0.0.1");
      });
    }

    it(`tells an address of IPv6 in version ${version}`, async ({ behind }) => {
      const rules = [
        "tcp-request connection set-src ipv6(2001:db8::9)",
        "tcp-request connection set-dst ipv6(2001:db8::25)",
      ];
      const { through, seen } = await behind(haproxy({ server: how, rules }), {
        proxy: true,
        trustedProxies: ["127.0.0.1"],
      });
      const client = await through();
      expect((await client.send(message)).accepted).toEqual([message.to]);
      await client.quit();
      await until(() => seen[0]);
      expect(seen[0]?.proxy).toMatchObject({ version, family: "TCP6" });
      expect(seen[0]?.remote?.address).toBe("2001:db8::9");
      expect(seen[0]?.local?.address).toBe("2001:db8::25");
    });
  }

  it("SEC-PRX-09 SEC-PRX-10 tells of the TLS that it ends, with the client's certificate and a checksum", async ({
    behind,
  }) => {
    const { server: pair, ca, client: own } = await certificates();
    const front = haproxy({
      bind: "ssl crt FOLDER/pair.pem ca-file FOLDER/ca.pem verify optional",
      rules: from4,
      server: "send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,authority,crc32c,unique-id",
    });
    const files = { "pair.pem": pair.key + pair.cert, "ca.pem": ca.cert };
    const options = { proxy: true, trustedProxies: ["127.0.0.1"] };
    const { through, seen, taken } = await behind(front, options, files);
    for (const certificate of [null, own] as readonly (Certificate | null)[]) {
      const tlsOptions = { ca: ca.cert, servername: "mx.example.com", ...certificate };
      const client = await through({ tls: "implicit", tlsOptions });
      expect((await client.send(message)).accepted).toEqual([message.to]);
      await client.quit();
    }
    expect(taken).toMatchObject([{ body }, { body }]);
    await until(() => seen[1]);
    const [without, shown] = seen.map(({ proxy }) => proxy);
    expect(without).toMatchObject({ version: 2, source, authority: "mx.example.com" });
    expect(without?.tls).toMatchObject({ version: "TLSv1.3", cipher: expect.stringMatching(/^TLS_/) });
    expect(without?.tls).toMatchObject({ commonName: null, verified: false });
    expect(shown?.tls).toMatchObject({ commonName: "relay.example.net", verified: true });
    // The checksum was there to be checked.
    expect(shown?.tlvs.map(({ type }) => type)).toEqual(expect.arrayContaining([0x02, 0x03, 0x20]));
  });

  it("SEC-PRX-07 checks for itself whether the server is well, as LOCAL", async ({ behind }) => {
    const { seen, running } = await behind(
      haproxy({
        server: "check inter 100ms send-proxy-v2 check-send-proxy",
        options: ["option smtpchk EHLO haproxy.example.com"],
      }),
      { proxy: true, trustedProxies: ["127.0.0.1"] },
    );
    await until(() => running.closings[1]);
    expect(running.closings[0]).toMatchObject({ reason: "quit", error: null });
    expect(seen[0]?.proxy).toMatchObject({ version: 2, command: "LOCAL" });
    expect(seen[0]?.remote?.address).toBe("127.0.0.1");
  });

  it("SEC-PRX-01 SEC-PRX-02 gets no greeting where it says no header and one is expected", async ({
    behind,
  }) => {
    const { through, running } = await behind(haproxy({ server: "" }), {
      proxy: true,
      trustedProxies: ["127.0.0.1"],
      timers: { proxy: 300 },
    });
    await expect(through()).rejects.toMatchObject({ code: "no-greeting" });
    await until(() => running.closings[0]);
    expect(running.closings[0]).toMatchObject({ reason: "timeout" });
  });
});

describe("nginx", () => {
  it("SEC-PRX-04 tells the client's address in version 1", async ({ behind }) => {
    const front = nginx("smtp_auth none;", "proxy_protocol on;", "xclient off;");
    const { through, seen, taken } = await behind(front, { proxy: true, trustedProxies: ["127.0.0.1"] });
    const client = await through();
    expect((await client.send(message)).accepted).toEqual([message.to]);
    await client.quit();
    await until(() => seen[0]);
    expect(taken).toMatchObject([{ body }]);
    expect(seen[0]?.proxy).toMatchObject({ version: 1, family: "TCP4" });
    expect(seen[0]?.remote?.address).toBe("127.0.0.1");
    // It is nginx that has connected, from another port.
    expect(seen[0]?.remote?.port).not.toBe(seen[0]?.peer?.port);
  });
});

/** In EHLO of what stands in front, and then in that of our client. */
const trusting = {
  extensions: { xclient: { trusted: ["127.0.0.1"] }, xforward: { trusted: ["127.0.0.0/8"] } },
};

describe("nginx with XCLIENT", () => {
  it("X-XCL-04 X-XCL-02 tells who the client is, and then says EHLO for it", async ({ behind }) => {
    const front = nginx("smtp_auth none;", "xclient on;");
    const { through, seen, taken } = await behind(front, trusting);
    const client = await through();
    expect((await client.send(message)).accepted).toEqual([message.to]);
    await client.quit();
    await until(() => seen[0]);
    expect(taken).toMatchObject([{ body }]);
    expect(seen[0]?.client).toMatchObject({
      hello: { verb: "EHLO", name: "client.example.net" },
      address: "127.0.0.1",
      xclient: { addr: "127.0.0.1", name: null },
      authenticated: null,
    });
  });

  it("X-XCL-07 tells as whom the client has logged in", async ({ behind }) => {
    const front = nginx("smtp_auth plain;", "xclient on;", "proxy_smtp_auth off;");
    const { through, seen, taken } = await behind(front, trusting);
    const auth = { user: "user@example.com", pass: "pencil" };
    const client = await through({ auth, allowInsecureAuth: true });
    expect((await client.send(message)).accepted).toEqual([message.to]);
    await client.quit();
    await until(() => seen[0]);
    expect(taken).toMatchObject([{ body }]);
    expect(seen[0]?.client).toMatchObject({
      xclient: { addr: "127.0.0.1", login: "user@example.com" },
      authenticated: "XCLIENT",
    });
  });

  it("X-XCL-01 is not believed, and gets no mail through, from where nobody is trusted", async ({
    behind,
  }) => {
    const front = nginx("smtp_auth none;", "xclient on;");
    for (const extensions of [{}, { xclient: { trusted: ["192.0.2.0/24"] } }]) {
      const { through, seen, taken } = await behind(front, { extensions });
      const client = await through();
      expect((await client.send(message)).accepted).toEqual([]);
      await until(() => seen[0]);
      expect(taken).toEqual([]);
      expect(seen[0]?.client.xclient).toBeNull();
    }
  });
});

describe("Postfix with XFORWARD", () => {
  const spike = [
    ...["--xclient-addr", "192.0.2.9", "--xclient-name", "spike.example", "--xclient-port", "4711"],
    ...["--helo", "client.example.net", "--from", message.from, "--to", message.to, "--timeout", "20"],
  ];
  for (const [what, settings] of [
    [
      "relays",
      (server: number) => ({
        virtual_mailbox_domains: "",
        relay_domains: "example.com",
        relay_transport: `smtp:[127.0.0.1]:${server}`,
        smtp_send_xforward_command: "yes",
      }),
    ],
    ["asks before it takes", (server: number) => ({ smtpd_proxy_filter: `127.0.0.1:${server}` })],
  ] as const) {
    it(`X-XFW-01 X-XFW-02 tells where a message came from that it ${what}`, async ({ behind, skip }) => {
      requireTools([swaks.tool], skip);
      const front = inFront((server) =>
        postfix({ smtpd_authorized_xclient_hosts: "127.0.0.1", ...settings(server) }),
      );
      const { seen, taken, port } = await behind(front, trusting);
      const sent = await run("swaks", ["--server", "127.0.0.1", "--port", String(port), ...spike]);
      expect(sent.code, sent.text).toBe(0);
      await until(() => seen[0]);
      expect(taken).toMatchObject([
        {
          from: { local: "a" },
          forwarded: {
            name: "spike.example",
            addr: "192.0.2.9",
            port: expect.any(Number),
            proto: "ESMTP",
            helo: "client.example.net",
            source: "LOCAL",
          },
        },
      ]);
      // What it is itself is another matter.
      expect(seen[0]?.remote?.address).toBe("127.0.0.1");
      expect(seen[0]?.client).toMatchObject({ hello: { name: "mx.example.com" }, address: "127.0.0.1" });
      expect(seen[0]?.client.xclient).toBeNull();
    });
  }

  it("X-XFW-01 says nothing of it to a server that does not offer it", async ({ behind, skip }) => {
    requireTools([swaks.tool], skip);
    const front = inFront((server) =>
      postfix({ smtpd_authorized_xclient_hosts: "127.0.0.1", smtpd_proxy_filter: `127.0.0.1:${server}` }),
    );
    const untrusted = { extensions: { xforward: { trusted: ["192.0.2.0/24"] } } };
    const { taken, port } = await behind(front, untrusted);
    const sent = await run("swaks", ["--server", "127.0.0.1", "--port", String(port), ...spike]);
    expect(sent.code, sent.text).toBe(0);
    expect(taken).toMatchObject([{ forwarded: null }]);
  });
});

/** A server of somebody else's that passes mail on. */
function inFront(peer: (server: number) => Peer): Front {
  const { name, program } = peer(0);
  return {
    name,
    program: program ?? "",
    start: (folder, port, server) => peer(server).start(folder, port),
  };
}

/** The addresses that HAProxy is told to have seen. */
const source = { address: "192.0.2.9", port: 4711 };
const destination = { address: "198.51.100.7", port: 25 };
const from4 = [
  `tcp-request connection set-src ipv4(${source.address})`,
  `tcp-request connection set-src-port int(${source.port})`,
  `tcp-request connection set-dst ipv4(${destination.address})`,
  `tcp-request connection set-dst-port int(${destination.port})`,
];

function protocolOf(tls: string): string {
  return tls === "never" ? "ESMTP" : "ESMTPS";
}
