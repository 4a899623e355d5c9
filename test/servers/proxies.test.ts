import { describe, expect } from "vitest";
import { type Certificate, certificates } from "../node/certificates.ts";
import { body, destination, it, message, source } from "./behind.ts";
import { haproxy, nginx } from "./proxies.ts";
import { until } from "./root.ts";

// Real proxies in front of our server: what they say of a client, and what becomes of its mail.

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

  for (const version of [1, 2] as const) {
    it(`SEC-PRX-13 reads what our client says in version ${version}, before TLS, too, and passes it on`, async ({
      behind,
    }) => {
      const { server: pair, ca } = await certificates();
      const files = { "pair.pem": pair.key + pair.cert };
      for (const [tls, bind] of [
        ["never", "accept-proxy"],
        ["implicit", "accept-proxy ssl crt FOLDER/pair.pem"],
      ] as const) {
        const front = haproxy({ bind, server: "send-proxy-v2" });
        const { through, seen } = await behind(front, { proxy: true, trustedProxies: ["127.0.0.1"] }, files);
        for (const ends of [
          { source, destination },
          {
            source: { address: "2001:db8::9", port: 4712 },
            destination: { address: "2001:db8::25", port: 25 },
          },
        ]) {
          const tlsOptions = { ca: ca.cert, servername: "mx.example.com" };
          const client = await through({ tls, tlsOptions, proxyHeader: { version, ...ends } });
          expect((await client.send(message)).accepted).toEqual([message.to]);
          await client.quit();
          await expect
            .poll(() => seen.at(-1))
            .toMatchObject({ remote: ends.source, local: ends.destination });
        }
        expect(seen).toHaveLength(2);
      }
    });
  }

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
    const front = nginx("", "smtp_auth none;", "proxy_protocol on;", "xclient off;");
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

/** What HAProxy is told to have seen. */
const from4 = [
  `tcp-request connection set-src ipv4(${source.address})`,
  `tcp-request connection set-src-port int(${source.port})`,
  `tcp-request connection set-dst ipv4(${destination.address})`,
  `tcp-request connection set-dst-port int(${destination.port})`,
];

function protocolOf(tls: string): string {
  return tls === "never" ? "ESMTP" : "ESMTPS";
}
