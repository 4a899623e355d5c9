import { describe, expect } from "vitest";
import { short as body } from "../clients/messages.ts";
import { exim } from "./exim.ts";
import type { Peer } from "./peer.ts";
import { postfix } from "./postfix.ts";
import { until } from "./root.ts";
import { type Door, it } from "./sending.ts";

// Our client says for whom it connects: what a server that believes it makes of that.

const source = { address: "192.0.2.9", port: 4711 };
const destination = { address: "198.51.100.7", port: 25 };
const source6 = { address: "2001:db8::9", port: 4712 };
const destination6 = { address: "2001:db8::25", port: 25 };
const message = { from: "a@example.net", to: "b@example.com", body } as const;

const upstream = {
  smtpd_upstream_proxy_protocol: "haproxy",
  smtpd_client_port_logging: "yes",
  inet_protocols: "all",
};

describe("a PROXY header", () => {
  const believing: readonly [peer: Peer, trace: RegExp, trace6: RegExp][] = [
    [postfix(upstream), /\(unknown \[192\.0\.2\.9\]\)/, /\(unknown \[IPv6:2001:db8::9\]\)/],
    [exim("hosts_proxy = 127.0.0.1"), /\(192\.0\.2\.9:4711\)/, /\(2001:db8::9:4712\)/],
  ];
  for (const [peer, trace, trace6] of believing) {
    for (const version of [1, 2] as const) {
      it(`SEC-PRX-13 of version ${version} is what ${peer.name} believes, with and without STARTTLS`, async ({
        serve,
      }) => {
        const door = await serve(peer);
        for (const [tls, proxyHeader, expected] of [
          ["never", { version, source, destination }, trace],
          ["required", { version, source, destination }, trace],
          ["never", { version, source: source6, destination: destination6 }, trace6],
        ] as const) {
          expect(await received(door, { tls, proxyHeader })).toMatch(expected);
        }
      });
    }
  }

  it("SEC-PRX-12 SEC-PRX-13 comes before implicit TLS to Postfix", async ({ serve }) => {
    const door = await serve(postfix({ ...upstream, smtpd_tls_wrappermode: "yes" }));
    const proxyHeader = { version: 2, source, destination } as const;
    expect(await received(door, { tls: "implicit", proxyHeader })).toContain("(unknown [192.0.2.9])");
    await expect.poll(() => String(door.server)).toContain("connect from unknown[192.0.2.9]:4711");
  });

  it("SEC-PRX-13 says LOCAL for a check of its own, and Postfix takes the connection for its own", async ({
    serve,
  }) => {
    const door = await serve(postfix(upstream));
    const proxyHeader = { version: 2, source: null, destination: null } as const;
    expect(await received(door, { proxyHeader })).toMatch(/\((?:unknown|localhost) \[127\.0\.0\.1\]\)/);
  });

  it("is missed by a Postfix that expects one", async ({ serve }) => {
    const door = await serve(postfix({ ...upstream, smtpd_upstream_proxy_timeout: "1s" }));
    await expect(door.connect()).rejects.toMatchObject({ name: "ConnectError" });
  });
});

/** Sends a message, and returns the Received field that it has got. */
async function received(door: Door, options: Parameters<Door["connect"]>[0]): Promise<string> {
  const before = door.server.kept("b").length;
  const client = await door.connect(options);
  expect((await client.send(message)).accepted).toEqual([message.to]);
  await client.quit();
  const kept = await until(() => {
    const all = door.server.kept("b");
    return all.length > before ? all : undefined;
  });
  const texts = (kept ?? []).map((each) => each.toString("latin1"));
  return texts.map((each) => /^Received: .*\n(?:[ \t].*\n)*/m.exec(each)?.[0] ?? "").at(-1) ?? "";
}
