import { reply } from "@sansmtp/core";
import { later, type OutgoingMessage, type ServerSide, wire } from "@sansmtp/testing";
import { describe, expect, test } from "vitest";

const message: OutgoingMessage = {
  from: "a@example.net",
  to: ["b@example.com", "c@example.com"],
  content: "Subject: x\r\n\r\n.dot\r\n",
};
const refusesC: ServerSide = {
  answers: { rcpt: ({ to }) => (to.local === "c" ? reply(550, "5.1.1", "No such mailbox") : undefined) },
};
const tls: Pick<Parameters<typeof wire>[0], "client" | "server"> = {
  client: { config: { name: "client.example.net", tls: "required" }, messages: [message] },
  server: { config: { name: "mx.example.com", tls: "offered" } },
};

function statuses(wired: ReturnType<typeof wire>): string[] {
  return wired.sent.flatMap(({ outcomes }) => outcomes ?? []).map(({ status }) => status);
}

test("a dialogue reads as one, and both sides say what came of it", () => {
  const { accepted, sent, failure, octets, now, transcript } = wire({
    client: { messages: [message] },
    server: refusesC,
    latency: 10,
  });
  expect(transcript()).toBe(
    [
      "S: 220 mx.example.com ESMTP",
      "C: EHLO client.example.net",
      "S: 250-mx.example.com",
      "S: 250-PIPELINING",
      "S: 250-SIZE 26214400",
      "S: 250-8BITMIME",
      "S: 250-ENHANCEDSTATUSCODES",
      "S: 250-CHUNKING",
      "S: 250 HELP",
      "C: MAIL FROM:<a@example.net>",
      "C: RCPT TO:<b@example.com>",
      "C: RCPT TO:<c@example.com>",
      "S: 250 2.1.0 Sender ok",
      "S: 250 2.1.5 Recipient ok",
      "S: 550 5.1.1 No such mailbox",
      "C: BDAT 20 LAST",
      "C: Subject: x",
      "C:",
      "C: .dot",
      "[server: accepts a message for b@example.com]",
      "S: 250 2.0.0 OK",
      "[client: accepted (250), refused (550)]",
      "C: QUIT",
      "[server: closes, quit]",
      "S: 221 2.0.0 mx.example.com closing",
    ].join("\n"),
  );
  expect(accepted).toMatchObject([
    { from: "a@example.net", to: ["b@example.com"], text: message.content, at: 60 },
  ]);
  expect(sent).toMatchObject([{ message, safeToRetry: false }]);
  expect({ failure, now }).toEqual({ failure: null, now: 100 });
  expect(octets.client.read).toBe(octets.client.sent);
});

test("the same plan gives the same result", () => {
  const once = (): string =>
    wire({ client: { messages: [message] }, latency: (piece) => piece % 7, split: [3, 1] }).transcript({
      times: true,
    });
  expect(once()).toBe(once());
});

describe("time", () => {
  test("passes at once: a server that never greets is left after five minutes", () => {
    const { failure, now } = wire({ client: { messages: [message] }, server: "-- wait 86400000" });
    expect(failure?.code).toBe("no-greeting");
    expect(now).toBe(86_400_000);
  });

  test("answers may be late, and one that is too late comes when nobody waits for it", () => {
    const late = (after: number): ReturnType<typeof wire> =>
      wire({ client: { messages: [message] }, server: { answers: { message: () => later(after) } } });
    expect(statuses(late(599_999))).toEqual(["accepted", "accepted"]);
    expect(statuses(late(600_001))).toEqual(["unknown", "unknown"]);
    // RFC 1047: the server cannot know that its verdict is not read any more. Sent again, the message is there twice.
    expect(late(600_001).accepted).toHaveLength(1);
  });

  test("has an end, whoever waits for ever", () => {
    const timers = { command: Number.POSITIVE_INFINITY };
    const { now, client } = wire({
      client: { quit: false },
      server: { config: { name: "mx.example.com", timers } },
      until: 1000,
    });
    expect({ now, waiting: client?.waiting }).toEqual({ now: 0, waiting: "work" });
  });
});

describe("back-pressure", () => {
  const pieces = Array.from({ length: 40 }, (_, at) => `${at} ${"x".repeat(70)}\r\n`);

  test("C-PIPE-03 content waits while the window is full, and replies are read meanwhile", () => {
    const wired = wire({
      client: {
        config: { name: "client.example.net", chunking: "avoid" },
        messages: [{ ...message, content: pieces }],
      },
      latency: { client: 1000 },
      window: 100,
    });
    expect(statuses(wired)).toEqual(["accepted", "accepted"]);
    expect(wired.accepted[0]?.text).toBe(pieces.join(""));
    expect(wired.now).toBeGreaterThan(20_000);
  });

  test("C-PIPE-03 the server says 421 while the window is full", () => {
    const wired = wire({
      client: {
        config: { name: "client.example.net", chunking: "avoid" },
        messages: [{ ...message, content: pieces }],
      },
      latency: { client: 1000 },
      window: 100,
      faults: [{ fault: "shutdown", after: "5 xxx" }],
    });
    expect(wired.failure?.code).toBe("closed-by-server");
    expect(statuses(wired)).toEqual(["notTried", "notTried"]);
  });
});

describe("TLS", () => {
  test("is up for both after a round trip", () => {
    const { accepted, server, client, now } = wire({ ...tls, latency: 100 });
    expect(accepted).toHaveLength(1);
    expect(client?.secure).toBe(true);
    expect(server?.client.tls?.version).toBe("TLSv1.3");
    expect(now).toBe(1600);
  });

  test.each([
    ["client", "tls-failed"],
    ["server", "ended"],
    ["both", "tls-failed"],
  ] as const)("fails for %s", (tlsFails, code) => {
    const { failure, accepted } = wire({ ...tls, tlsFails });
    expect(failure?.code).toBe(code);
    expect(accepted).toEqual([]);
  });

  test("T-TLS-11 clear text behind the server's 220 is found by the client", () => {
    const { failure, accepted } = wire({
      ...tls,
      faults: [{ fault: "inject", from: "server", after: "Ready to start TLS\r\n", octets: "250 OK\r\n" }],
    });
    expect(failure?.code).toBe("tls-injection");
    expect(accepted).toEqual([]);
  });

  test("clear text behind STARTTLS is found by the server", () => {
    const { failure, transcript } = wire({
      ...tls,
      faults: [{ fault: "inject", from: "client", after: "STARTTLS\r\n", octets: "RSET\r\n" }],
    });
    expect(transcript()).toContain("C: RSET\n[server: T-TLS");
    expect(failure).not.toBeNull();
  });

  test("clear text that comes during the handshake spoils it", () => {
    const { failure } = wire({
      ...tls,
      faults: [{ fault: "inject", from: "server", after: "Ready to start TLS\r\n", octets: "250 OK\r\n" }],
      split: { server: [1] },
      latency: { server: [1] },
    });
    expect(["tls-injection", "plain-on-tls-port"]).toContain(failure?.code);
  });

  test("a client that expects TLS from the start and a server that does not", () => {
    const { failure } = wire({ client: { config: { name: "client.example.net", tls: "implicit" } } });
    expect(failure?.code).toBe("plain-on-tls-port");
  });
});

describe("faults", () => {
  const plan = { client: { messages: [message] } };

  test("a cut: what is before it arrives, what is behind it does not, and both are told", () => {
    const { octets, failure, events } = wire({
      ...plan,
      faults: [{ fault: "cut", from: "client", after: 30 }],
    });
    expect(octets.client.read).toBe(30);
    expect(failure?.code).toBe("ended");
    expect(events.server.at(-1)).toEqual({ type: "close", reason: "lost" });
  });

  test("a stall: nobody is told, and the deadlines pass", () => {
    const { octets, failure, now } = wire({
      ...plan,
      faults: [{ fault: "stall", from: "server", after: 40 }],
    });
    expect(octets.server.read).toBe(40);
    expect(failure?.code).toBe("timeout");
    expect(now).toBe(300_000);
  });

  test("half a reply, and then nothing", () => {
    const { failure, transcript } = wire({
      ...plan,
      faults: [
        { fault: "inject", from: "server", after: "ESMTP\r\n", octets: "250-half" },
        { fault: "stall", from: "server", after: "ESMTP\r\n" },
      ],
    });
    expect(failure?.code).toBe("timeout");
    expect(transcript()).toContain("S> 250-half");
  });

  test("garbage in a reply", () => {
    const { failure } = wire({
      ...plan,
      faults: [{ fault: "inject", from: "server", after: 60, octets: "\r\nxyz\r\n" }],
    });
    expect(failure?.code).toBe("reply-syntax");
  });

  test("C-SES-06 421 at any point: the message is not accepted, or the client does not say that it is not", () => {
    const { octets } = wire(plan);
    for (let after = 0; after <= octets.client.sent; after++) {
      const wired = wire({ ...plan, faults: [{ fault: "shutdown", after }] });
      const said = statuses(wired);
      expect(wired.accepted.length === 1 ? ["accepted", "unknown"] : ["notTried", "unknown"]).toContain(
        said[0],
      );
      if (said[0] === "notTried") expect(wired.failure?.code).toBe("closed-by-server");
    }
  });

  test("a place is found in whatever pieces it is sent", () => {
    const content = [..."Subject: x\r\n\r\nhere and there\r\n"];
    const { transcript, octets } = wire({
      client: {
        config: { name: "client.example.net", chunking: "avoid" },
        messages: [{ ...message, content }],
      },
      faults: [{ fault: "stall", from: "client", after: "here and" }],
    });
    expect(transcript()).toContain("C> here and");
    expect(octets.client.read).toBeLessThan(octets.client.sent);
  });
});
