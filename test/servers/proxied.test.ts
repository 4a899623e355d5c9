import { describe, expect } from "vitest";
import { short as body } from "../clients/messages.ts";
import { exim } from "./exim.ts";
import type { Peer } from "./peer.ts";
import { postfix } from "./postfix.ts";
import { it, received } from "./sending.ts";

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

  it("SEC-PRX-13 comes before implicit TLS to Postfix", async ({ serve }) => {
    const door = await serve(postfix({ ...upstream, smtpd_tls_wrappermode: "yes" }));
    const proxyHeader = { version: 2, source, destination } as const;
    expect(await received(door, { tls: "implicit", proxyHeader })).toContain("(unknown [192.0.2.9])");
    await expect
      .poll(() => String(door.server), { timeout: 10_000 })
      .toContain("connect from unknown[192.0.2.9]:4711");
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

describe("XCLIENT", () => {
  const trusting = {
    smtpd_authorized_xclient_hosts: "127.0.0.1",
    smtpd_client_port_logging: "yes",
    smtpd_sasl_authenticated_header: "yes",
    inet_protocols: "all",
  };

  it("X-XCL-06 is what Postfix believes, also inside TLS, and then it hears EHLO anew", async ({ serve }) => {
    const door = await serve(postfix(trusting));
    const xclient = {
      name: "spike.example",
      addr: source.address,
      port: source.port,
      login: "user@example.com",
    };
    for (const tls of ["never", "required"] as const) {
      door.dialogue = "";
      const trace = await received(door, {
        tls,
        xclient: { ...xclient, helo: "gone.example", proto: "SMTP" },
      });
      expect(trace).toContain("from client.example.net (spike.example [192.0.2.9])");
      expect(trace).toContain("(Authenticated sender: user@example.com)");
      expect(door.dialogue).toMatch(
        /C: XCLIENT .* ADDR=192\.0\.2\.9\r\nS: 220 .*\r\nC: EHLO client\.example\.net\r\n/,
      );
    }
    await expect
      .poll(() => String(door.server), { timeout: 10_000 })
      .toMatch(/client=spike\.example\[192\.0\.2\.9\]:4711, .*sasl_username=user@example\.com/);
  });

  it("tells an address of IPv6, and what is not known", async ({ serve }) => {
    const door = await serve(postfix(trusting));
    const known = { name: null, addr: source6.address, port: null, helo: null };
    expect(await received(door, { xclient: known })).toContain("(unknown [IPv6:2001:db8::9])");
    expect(await received(door, { xclient: { addr: null } })).toMatch(/\(\S+ \[unknown\]\)/);
  });

  it("X-XCL-06 is said in two commands where one would be too long, the address last", async ({ serve }) => {
    const door = await serve(postfix(trusting));
    const label = "a".repeat(60);
    const name = `${label}.${label}.${label}.example`;
    const xclient = { name, helo: `${name}.${label}`, login: `${label}@${name}`, addr: source.address };
    expect(await received(door, { xclient })).toContain(`(${name} [192.0.2.9])`);
    const said = door.dialogue.match(/^C: XCLIENT .*\r\n/gm) ?? [];
    expect(said).toHaveLength(2);
    for (const line of said) expect(line.length - "C: ".length).toBeLessThanOrEqual(512);
    expect(said[1]).toMatch(/ ADDR=192\.0\.2\.9\r\n$/);
  });

  it("is not taken by a Postfix that trusts others, and nothing is sent to it", async ({ serve }) => {
    const door = await serve(postfix({ smtpd_authorized_xclient_hosts: "192.0.2.0/24" }));
    const attempt = door.connect({ xclient: { addr: source.address } });
    await expect(attempt).rejects.toMatchObject({ code: "extension-missing" });
    expect(door.dialogue).not.toContain("MAIL");
  });
});

describe("XFORWARD", () => {
  const forwarded = {
    name: "spike.example",
    addr: source.address,
    port: source.port,
    proto: "ESMTP",
    helo: "spike.example",
    ident: "4711-17",
    source: "REMOTE",
  } as const;

  it("is what Postfix logs, for the message that it is said of and no other", async ({ serve }) => {
    const door = await serve(
      postfix({ smtpd_authorized_xforward_hosts: "127.0.0.1", inet_protocols: "all" }),
    );
    const client = await door.connect();
    for (const each of [forwarded, { addr: source6.address, name: null }, undefined]) {
      const sent = await client.send({ ...message, ...(each === undefined ? {} : { forwarded: each }) });
      expect(sent.accepted).toEqual([message.to]);
    }
    await client.quit();
    const logged = (): (string | undefined)[] =>
      [...String(door.server).matchAll(/smtpd\[\d+\]: [0-9A-F]+: (client=.*)/g)].map(([, text]) => text);
    // Postfix writes its log by another process, some time behind what it says.
    await expect
      .poll(logged, { timeout: 10_000 })
      .toEqual([
        "client=localhost[127.0.0.1], orig_queue_id=4711-17, orig_client=spike.example[192.0.2.9]",
        "client=localhost[127.0.0.1], orig_client=unknown[2001:db8::9]",
        "client=localhost[127.0.0.1]",
      ]);
  });

  it("is not said to a Postfix that trusts others, which takes the message all the same", async ({
    serve,
  }) => {
    const door = await serve(postfix());
    const client = await door.connect();
    expect((await client.send({ ...message, forwarded })).accepted).toEqual([message.to]);
    await client.quit();
    expect(door.dialogue).not.toContain("XFORWARD");
  });
});
