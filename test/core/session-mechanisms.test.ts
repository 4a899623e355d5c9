import { ServerSession, settle, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { accept, Client, codesOf, ehlo } from "../dialogues/client.ts";

const mechanisms = ["EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "PLAIN"];
const bindings = { "tls-exporter": Uint8Array.from({ length: 32 }, (_, at) => at) };

/** A client inside TLS that has said EHLO, and the mechanisms that it was offered. */
function inside(
  info: object,
  config: object = { tls: "implicit", mechanisms },
): [Client, string | undefined] {
  const client = new Client(config);
  client.tlsUp(info);
  return [client, /AUTH (.*)\r/.exec(client.say(ehlo))?.[1]];
}

describe("mechanisms that need something of the handshake", () => {
  test("A-EXT-02 EXTERNAL is listed and taken with a certificate of the client, and only then", () => {
    const [client, without] = inside({ bindings });
    expect(without).toBe("SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 PLAIN");
    expect(client.say("AUTH EXTERNAL =\r\n")).toMatch(/^504 5\.5\.4 /);
    expect(client.events.at(-1)).toMatchObject({ type: "violation", rule: "A-EXT-02" });
    const [known, listed] = inside({ peer: "relay.example.net" });
    expect(listed).toBe("EXTERNAL SCRAM-SHA-256 PLAIN");
    expect(codesOf(known.say("AUTH EXTERNAL =\r\n"))).toBe("235");
  });

  test("A-SCRAM-14 -PLUS is listed and taken with data to bind to, and only then", () => {
    const [client, without] = inside({});
    expect(without).toBe("SCRAM-SHA-256 PLAIN");
    expect(client.say("AUTH SCRAM-SHA-256-PLUS biws\r\n")).toMatch(/^504 5\.5\.4 /);
    expect(client.events.at(-1)).toMatchObject({ type: "violation", rule: "A-SCRAM-14" });
    const [bound] = inside({ bindings });
    expect(codesOf(bound.say("AUTH SCRAM-SHA-1-PLUS biws\r\n"))).toBe("235");
  });

  test("A-SCRAM-14 A-EXT-02 neither before TLS", () => {
    const client = new Client({ tls: "offered", mechanisms });
    expect(client.say(ehlo)).toContain("AUTH SCRAM-SHA-256\r\n");
    expect(codesOf(client.say("AUTH EXTERNAL =\r\nAUTH SCRAM-SHA-256-PLUS\r\n"))).toBe("504 504");
  });

  test("a mechanism of one's own can need something, too, and nothing that is not known", () => {
    const own = { name: "X", first: "client", cleartext: false, needs: "certificate" } as const;
    expect(inside({}, { tls: "implicit", mechanisms: [own] })[1]).toBeUndefined();
    expect(inside({ peer: "x" }, { tls: "implicit", mechanisms: [own] })[1]).toBe("X");
    const wrong = { ...own, needs: "luck" } as never;
    expect(() => settle({ name: "mx.example.com", mechanisms: [wrong] })).toThrow(UsageError);
  });

  test("T-TLS-16 the data to bind to is kept in snapshots, and forgotten by none", () => {
    const [client] = inside({ bindings, peer: "x" });
    const snapshot = JSON.parse(JSON.stringify(client.session.snapshot()));
    const restored = ServerSession.restore(client.config, snapshot);
    expect(restored.client.tls).toEqual(client.session.client.tls);
    expect(restored.client.tls?.bindings).toEqual(bindings);
    expect(new Client({}, accept).session.client.tls).toBeNull();
  });
});
