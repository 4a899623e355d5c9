import { ServerSession } from "@sansmtp/core";
import { describe, expect, test } from "vitest";

const v1 = "PROXY TCP4 192.0.2.9 198.51.100.1 4711 25\r\n";

function behindProxy(tls: "none" | "implicit" = "none"): ServerSession {
  return new ServerSession({ name: "mx.example.com", proxy: true, tls });
}

/** What the session does, each thing as a word, until it rests. */
function drain(session: ServerSession): string[] {
  const said: string[] = [];
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if (event.type === "send") said.push(Buffer.from(event.data).toString().slice(0, 3));
    else if (event.type === "close") said.push(`close ${event.reason}`);
    else if (event.type === "violation") said.push(event.rule);
    else {
      said.push(event.type);
      if ("id" in event) session.answer(event.id, undefined);
    }
  }
  return said;
}

describe("a session behind a proxy", () => {
  test("SEC-PRX-02 says nothing before the header is whole, and knows the client by it", () => {
    const session = behindProxy();
    expect(drain(session)).toEqual([]);
    session.receive(Buffer.from(v1.slice(0, 20)));
    expect(drain(session)).toEqual([]);
    session.receive(Buffer.from(v1.slice(20)));
    expect(drain(session)).toEqual(["connect", "220"]);
    expect(session.client.address).toBe("192.0.2.9");
  });

  test.each([["GET / HTTP/1.1\r\n"], ["PROXY TCP4 192.0.2.9\r\n"], ["\r\n\r\n\0\r\nQUIT\n\x41\x11\0\0"]])(
    "SEC-PRX-02 is closed without a reply where %j comes in its place",
    (octets) => {
      const session = behindProxy();
      session.receive(Buffer.from(octets, "latin1"));
      expect(drain(session)).toEqual([expect.stringMatching(/^SEC-PRX-/), "close proxy"]);
      expect(session.waiting).toBe("closed");
    },
  );

  test("SEC-PRX-02 is closed without a reply when the connection ends before the header, or in it", () => {
    for (const octets of ["", v1.slice(0, 20)]) {
      const session = behindProxy();
      session.receive(Buffer.from(octets));
      session.receiveEnd();
      expect(drain(session)).toEqual(["close proxy"]);
    }
  });

  test("SEC-PRX-12 TLS from the start begins behind the header", () => {
    const session = behindProxy("implicit");
    expect(drain(session)).toEqual([]);
    session.receive(Buffer.from(v1));
    expect(drain(session)).toEqual(["upgrade"]);
    expect(session.waiting).toBe("tls");
    const peer = {
      version: "TLSv1.3",
      cipher: null,
      serverName: null,
      peer: null,
      sufficient: true,
      bindings: {},
    };
    session.upgraded(peer as never);
    expect(drain(session)).toEqual(["connect", "220"]);
  });

  test("SEC-PRX-02 G7 a session is frozen and thawed before its header, and in it", () => {
    for (const at of [0, 1, 20]) {
      let session = behindProxy();
      session.receive(Buffer.from(v1.slice(0, at)));
      drain(session);
      const config = { name: "mx.example.com", proxy: true };
      session = ServerSession.restore(
        config,
        JSON.parse(JSON.stringify(session.snapshot({ secrets: true }))),
      );
      session.receive(Buffer.from(v1.slice(at)));
      expect(drain(session)).toEqual(["connect", "220"]);
      expect(session.client.address).toBe("192.0.2.9");
    }
  });
});
