import { describe, expect } from "vitest";
import { swaks } from "../clients/clients.ts";
import { requireTools, run } from "../clients/tool.ts";
import { body, destination, it, message, source } from "./behind.ts";
import type { Peer } from "./peer.ts";
import { postfix } from "./postfix.ts";
import { type Front, nginx } from "./proxies.ts";
import { until } from "./root.ts";

// XCLIENT and XFORWARD: what real proxies and relays tell our server of a client.

/** In EHLO of what stands in front, and then in that of our client. */
const trusting = {
  extensions: { xclient: { trusted: ["127.0.0.1"] }, xforward: { trusted: ["127.0.0.0/8"] } },
};

describe("nginx with XCLIENT", () => {
  it("X-XCL-04 X-XCL-02 tells who the client is, and then says EHLO for it", async ({ behind }) => {
    const front = nginx("", "smtp_auth none;", "xclient on;");
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

  it("X-XCL-02 X-XCL-04 SEC-PRX-13 tells the address that our client has said by the PROXY protocol", async ({
    behind,
  }) => {
    const front = nginx("proxy_protocol", "set_real_ip_from 127.0.0.1;", "smtp_auth none;", "xclient on;");
    const { through, seen, taken } = await behind(front, trusting);
    for (const version of [1, 2] as const) {
      const client = await through({ proxyHeader: { version, source, destination } });
      expect((await client.send(message)).accepted).toEqual([message.to]);
      await client.quit();
    }
    await until(() => seen[1]);
    expect(taken).toMatchObject([{ body }, { body }]);
    expect(seen.map(({ client, remote }) => [client.xclient?.addr, client.address, remote?.address])).toEqual(
      [
        [source.address, source.address, source.address],
        [source.address, source.address, source.address],
      ],
    );
  });

  it("X-XCL-07 tells as whom the client has logged in", async ({ behind }) => {
    const front = nginx("", "smtp_auth plain;", "xclient on;", "proxy_smtp_auth off;");
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
    const front = nginx("", "smtp_auth none;", "xclient on;");
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
