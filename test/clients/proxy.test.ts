import type { Connection } from "@sansmtp/node";
import { describe, expect, test } from "vitest";
import { serving } from "../node/serving.ts";
import { curl, helo, swaks } from "./clients.ts";
import { short as content } from "./messages.ts";
import { type Ran, requireTools, run } from "./tool.ts";

// Clients that say for whom they connect, by the PROXY protocol.

const source = { address: "192.0.2.9", port: 4711 };
const destination = { address: "198.51.100.7", port: 25 };
const source6 = { address: "2001:db8::9", port: 4712 };
const destination6 = { address: "2001:db8::25", port: 587 };

describe("swaks", () => {
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

describe("curl", () => {
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
