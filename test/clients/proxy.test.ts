import type { ClientIdentity } from "@sansmtp/core";
import type { Connection, ServerOptions } from "@sansmtp/node";
import { describe, expect, test } from "vitest";
import { certificates } from "../node/certificates.ts";
import { serving } from "../node/serving.ts";
import { curl, helo, swaks } from "./clients.ts";
import { short as content } from "./messages.ts";
import { type Ran, requireTools, run } from "./tool.ts";

// Clients that say for whom they connect, by the PROXY protocol or by XCLIENT.

const source = { address: "192.0.2.9", port: 4711 };
const destination = { address: "198.51.100.7", port: 25 };
const source6 = { address: "2001:db8::9", port: 4712 };
const destination6 = { address: "2001:db8::25", port: 587 };

describe("swaks with the PROXY protocol", () => {
  for (const version of [1, 2] as const) {
    for (const [family, from, to] of [
      ["TCP4", source, destination],
      ["TCP6", source6, destination6],
    ] as const) {
      test(`SEC-PRX-0${version === 1 ? 4 : 5} says for whom it connects: version ${version}, ${family}`, async ({
        skip,
      }) => {
        requireTools([swaks.tool], skip);
        const { port, seen, messages } = await proxied();
        const names = version === 1 ? family : family === "TCP4" ? "AF_INET" : "AF_INET6";
        const sent = await run("swaks", [
          ...["--server", "127.0.0.1", "--port", String(port), "--helo", helo, "--timeout", "10"],
          ...["--proxy-version", String(version), "--proxy-family", names],
          ...["--proxy-source", from.address, "--proxy-source-port", String(from.port)],
          ...["--proxy-dest", to.address, "--proxy-dest-port", String(to.port)],
          ...["--from", "a@example.net", "--to", "b@example.com"],
        ]);
        expect(sent.code, sent.text).toBe(0);
        expect(messages).toHaveLength(1);
        expect(seen[0]).toMatchObject({ remote: from, local: to, proxy: { version, family } });
      });
    }
  }

  for (const [what, wrong] of [
    ["a family that is none", "TCP5 192.0.2.9 198.51.100.7 4711 25"],
    ["four fields", "TCP4 192.0.2.9 198.51.100.7 4711"],
    ["an address of the other family", "TCP4 2001:db8::9 2001:db8::25 4711 25"],
  ] as const) {
    test(`SEC-PRX-02 SEC-PRX-04 hears nothing after ${what}`, async ({ skip }) => {
      requireTools([swaks.tool], skip);
      const { port, messages } = await proxied();
      const sent = await run("swaks", [
        ...["--server", "127.0.0.1", "--port", String(port), "--timeout", "10", "--proxy", wrong],
        ...["--from", "a@example.net", "--to", "b@example.com"],
      ]);
      expect(sent.code, sent.text).not.toBe(0);
      expect(sent.text).not.toMatch(/^<.* \d{3}/m);
      expect(messages).toEqual([]);
    });
  }
});

describe("curl with the PROXY protocol", () => {
  test("SEC-PRX-04 says what its own address is", async ({ skip }) => {
    requireTools([curl.tool], skip);
    const { port, seen, messages } = await proxied();
    const sent: Ran = await run(
      "curl",
      [
        ...["-q", "--noproxy", "*", "--silent", "--show-error", "--verbose", "--max-time", "10"],
        ...["--haproxy-protocol", "--mail-from", "a@example.net", "--mail-rcpt", "b@example.com"],
        ...["--upload-file", "-", `smtp://127.0.0.1:${port}/${helo}`],
      ],
      { input: content },
    );
    expect(sent.code, sent.text).toBe(0);
    expect(messages).toEqual([content.toString("latin1")]);
    expect(seen[0]?.proxy).toMatchObject({ version: 1, family: "TCP4" });
    expect(seen[0]?.remote).toEqual(seen[0]?.peer);
    expect(seen[0]?.local).toEqual({ address: "127.0.0.1", port });
  });
});

describe("swaks with XCLIENT", () => {
  const spike = ["--xclient-name", "spike.example", "--xclient-port", "4711"];

  test("X-XCL-01 X-XCL-02 X-XCL-04 says who it is instead, and begins anew", async ({ skip }) => {
    requireTools([swaks.tool], skip);
    const { sent, clients, remotes } = await presenting([
      ...[
        "--xclient-addr",
        "192.0.2.9",
        ...spike,
        "--xclient-proto",
        "ESMTP",
        "--xclient-helo",
        "gone.example",
      ],
      ...["--xclient-destaddr", "198.51.100.7", "--xclient-destport", "25"],
    ]);
    expect(sent.code, sent.text).toBe(0);
    expect(sent.text).toMatch(/^<- {2}250-XCLIENT (?=.*\bADDR\b)(?=.*\bNAME\b)(?=.*\bDESTPORT\b)/m);
    expect(sent.text).toMatch(/ -> XCLIENT .*\n<- {2}220 .*\n -> EHLO /);
    expect(remotes).toEqual([source, destination]);
    expect(clients).toMatchObject([
      {
        hello: { verb: "EHLO", name: helo },
        address: "192.0.2.9",
        xclient: { name: "spike.example", addr: "192.0.2.9", port: 4711, helo: "gone.example", destport: 25 },
      },
    ]);
  });

  test("X-XCL-02 says that it has an address of IPv6, and that its name is not known", async ({ skip }) => {
    requireTools([swaks.tool], skip);
    const { sent, clients } = await presenting([
      ...["--xclient-addr", "IPV6:2001:db8::9", "--xclient-name", "[TEMPUNAVAIL]"],
    ]);
    expect(sent.code, sent.text).toBe(0);
    expect(clients).toMatchObject([{ address: "2001:db8::9", xclient: { name: null, addr: "2001:db8::9" } }]);
  });

  test("X-XCL-04 says it inside TLS, which stays and is not offered again", async ({ skip }) => {
    requireTools([swaks.tool], skip);
    const { sent, clients } = await presenting(["--tls", "--xclient-addr", "192.0.2.9"]);
    expect(sent.code, sent.text).toBe(0);
    expect(clients).toMatchObject([
      { address: "192.0.2.9", tls: { version: expect.stringMatching(/^TLS/) } },
    ]);
    expect(sent.text.match(/STARTTLS$/gm)).toHaveLength(2);
  });

  // Were the address forgotten, whoever speaks TLS through the proxy would be the proxy, and could say XCLIENT itself.
  test("T-TLS-05 X-XCL-07 is not believed after STARTTLS in who has logged in, but in its address", async ({
    skip,
  }) => {
    requireTools([swaks.tool], skip);
    const { sent, clients } = await presenting([
      ...["--tls", "--xclient-before-starttls", "--xclient-addr", "192.0.2.9", "--xclient-login", "dana"],
    ]);
    expect(sent.code, sent.text).toBe(0);
    expect(clients).toMatchObject([{ address: "192.0.2.9", authenticated: null, tls: {} }]);
    expect(clients[0]?.xclient?.login).toBeUndefined();
    expect(sent.text).toMatch(/ -> XCLIENT .*\n<- {2}220 /);
  });

  test("X-XCL-07 says who it is in two commands as long as the address that it says is trusted", async ({
    skip,
  }) => {
    requireTools([swaks.tool], skip);
    const two = (address: string): string[] => [
      ...["--xclient-addr", address, "--xclient-delim", "--xclient-name", "spike.example"],
    ];
    const trusted = await presenting(two("127.0.0.9"));
    expect(trusted.sent.code, trusted.sent.text).toBe(0);
    expect(trusted.clients).toMatchObject([{ xclient: { addr: "127.0.0.9", name: "spike.example" } }]);
    const other = await presenting([...two("192.0.2.9"), "--xclient-no-verify"]);
    expect(other.sent.code).not.toBe(0);
    expect(other.sent.text).toMatch(/ -> XCLIENT NAME=spike\.example\n<\*\* 550 5\.7\.0 /);
    expect(other.clients).toEqual([]);
  });

  test("X-XCL-01 is not asked by a server that does not trust it", async ({ skip }) => {
    requireTools([swaks.tool], skip);
    for (const extensions of [{}, { xclient: { trusted: ["192.0.2.0/24", "::1"] } }]) {
      const { sent, clients } = await presenting(["--xclient-addr", "192.0.2.9"], extensions);
      expect(sent.text).toContain("Host did not advertise XCLIENT");
      expect(clients).toEqual([]);
    }
  });

  for (const wrong of ["ADDR=[192.0.2.9]", "FOO=1", "ADDR=2001:db8::9", "PORT=65536", "NAME=", "NAME"]) {
    test(`X-XCL-03 is told that it cannot say ${wrong}, and nothing has changed`, async ({ skip }) => {
      requireTools([swaks.tool], skip);
      const { sent, clients } = await presenting(["--xclient", wrong, "--xclient-optional"]);
      expect(sent.text).toContain("501 5.5.4");
      expect(sent.code, sent.text).toBe(0);
      expect(clients).toMatchObject([{ address: "127.0.0.1", xclient: null, hello: { name: helo } }]);
    });
  }
});

/** Has swaks say who it is to a server that trusts it, and send a message; and who that was by then. */
async function presenting(
  given: readonly string[],
  extensions: ServerOptions["extensions"] = { xclient: { trusted: ["127.0.0.0/8"] } },
): Promise<{
  readonly sent: Ran;
  readonly clients: readonly ClientIdentity[];
  readonly remotes: readonly unknown[];
}> {
  const clients: ClientIdentity[] = [];
  const remotes: unknown[] = [];
  const { server: tlsOptions } = await certificates();
  const { address } = await serving({
    extensions,
    tlsOptions,
    mail(_, { client, remote, local }) {
      clients.push(client);
      remotes.push(remote, local);
      return undefined;
    },
  });
  const { port } = address as { port: number };
  const sent = await run("swaks", [
    ...["--server", "127.0.0.1", "--port", String(port), "--helo", helo, "--timeout", "10"],
    ...["--from", "a@example.net", "--to", "b@example.com", ...given],
  ]);
  return { sent, clients, remotes };
}

type Seen = Pick<Connection, "remote" | "local" | "peer" | "proxy">;

/** A server that believes what a PROXY header says, and what it has heard of clients. */
async function proxied(): Promise<{
  readonly port: number;
  readonly seen: readonly Seen[];
  readonly messages: readonly string[];
}> {
  const seen: Seen[] = [];
  const { address, messages } = await serving({
    proxy: true,
    trustedProxies: ["127.0.0.1"],
    connect(_, { remote, local, peer, proxy }) {
      seen.push({ remote, local, peer, proxy });
      return undefined;
    },
  });
  return { port: (address as { port: number }).port, seen, messages };
}
