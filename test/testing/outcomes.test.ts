import { ClientSession, decodeLossy, encodeUtf8, type Outcome } from "@sansmtp/core";
import { type ClientSide, wire } from "@sansmtp/testing";
import { describe, expect, test } from "vitest";

// Where the client could say less, or more, than is true.

const envelope = { from: "a@example.net", to: ["b@example.com", "c@example.com"] };
const text = "Subject: x\r\n\r\nhello\r\n";
const name = "client.example.net";

function outcomesOf(wired: ReturnType<typeof wire>): Outcome["status"][] {
  return wired.events.client.flatMap((event) =>
    event.type === "done" ? event.outcomes.map(({ status }) => status) : [],
  );
}

/** A client that writes all its content, and then does something else. */
function writing(
  chunking: "avoid" | "require",
  then: (session: ClientSession, id: number) => void,
): ClientSide {
  return {
    config: { name, chunking, limits: { chunk: 8 } },
    begin: (session) => void session.transaction(envelope),
    on: (event, session) => {
      if (event.type !== "body") return;
      session.write(encodeUtf8(text));
      session.finish();
      then(session, event.id);
    },
  };
}

describe("a message that is abandoned when its end has not left", () => {
  test("C-TXN-09 does not leave as BDAT", () => {
    const wired = wire({ client: writing("require", (session, id) => session.abandon(id)) });
    expect(wired.transcript()).not.toContain("LAST");
    expect(wired.transcript()).toContain("C: RSET");
    expect({ said: outcomesOf(wired), accepted: wired.accepted }).toEqual({
      said: ["notTried", "notTried"],
      accepted: [],
    });
  });

  test("C-TXN-08 does not leave as DATA: the connection is closed", () => {
    const wired = wire({ client: writing("avoid", (session, id) => session.abandon(id)) });
    expect(wired.failure?.code).toBe("abandoned");
    expect({ said: outcomesOf(wired), accepted: wired.accepted }).toEqual({
      said: ["notTried", "notTried"],
      accepted: [],
    });
  });

  test("C-TXN-08 is not asked for when its DATA was pipelined and is answered 354", () => {
    const wired = wire({
      client: {
        config: { name, chunking: "avoid" },
        begin: (session) => void session.transaction(envelope),
        on: (event, session) => {
          if (event.type === "recipient" && event.index === 0) session.abandon(event.id);
        },
      },
      latency: [0, 10],
      split: 1,
    });
    expect(wired.events.client.map(({ type }) => type)).not.toContain("body");
    expect(wired.failure?.code).toBe("abandoned");
    expect(outcomesOf(wired)).toEqual(["notTried", "notTried"]);
  });
});

describe("a chunk that is refused", () => {
  test.each([
    ["a chunk", false],
    ["the last", true],
  ])("S-BDAT-19 C-TXN-14 %s does not leave behind it", (_, ends) => {
    const session = new ClientSession({ name, chunking: "require", limits: { chunk: 9, chunks: 3 } });
    session.transaction(envelope);
    session.quit();
    const said: string[] = [];
    const outcomes: string[] = [];
    const turn = (full = false): void => {
      for (let event = session.poll(full); event !== null; event = session.poll(full)) {
        if (event.type === "send") said.push(decodeLossy(event.data));
        if (event.type === "done") outcomes.push(...event.outcomes.map(({ status }) => status));
      }
    };
    const hear = (replies: string, full = false): void => {
      session.receive(encodeUtf8(replies));
      turn(full);
    };
    hear("220 mx.example.com ESMTP\r\n");
    hear("250-mx.example.com\r\n250-PIPELINING\r\n250 CHUNKING\r\n");
    hear("250 OK\r\n250 OK\r\n250 OK\r\n");
    session.write(encodeUtf8("0123456\r\n"));
    turn();
    session.write(encodeUtf8("1234567\r\n"));
    if (ends) session.finish();
    hear("452 4.3.1 Full\r\n", true);
    hear("250 OK\r\n");
    expect(said.slice(-3)).toEqual(["BDAT 9\r\n0123456\r\n", "RSET\r\n", "QUIT\r\n"]);
    expect(outcomes).toEqual(["deferred", "deferred"]);
  });
});

describe("PRDR", () => {
  const begin = `
    S: 220 mx.example.com ESMTP
    C: EHLO client.example.net
    S: 250-mx.example.com
    S: 250 PRDR
    C: MAIL FROM:<a@example.net> PRDR
    S: 250 OK
    C: RCPT TO:<b@example.com>
    S: 250 OK
    C: RCPT TO:<c@example.com>
    S: 250 OK
    C: DATA
    S: 354 Go on
    C~ .
    S: 353 A verdict for each
    S: 250 For b
    S: 450 Not for c`;
  const client: ClientSide = { messages: [{ ...envelope, content: text }] };

  test("a recipient is accepted when the last reply has said so", () => {
    const wired = wire({ client, server: `${begin}\n S: 250 OK\n C: QUIT\n S: 221 Bye` });
    expect(outcomesOf(wired)).toEqual(["accepted", "deferred"]);
  });

  test("without the last reply it is unknown", () => {
    expect(outcomesOf(wire({ client, server: `${begin}\n -- close` }))).toEqual(["unknown", "deferred"]);
  });
});
