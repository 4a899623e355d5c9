import { ScriptMismatch, wire } from "@sansmtp/testing";
import { expect, test } from "vitest";

test("a client by script against a server", () => {
  const { accepted, unreached } = wire({
    client: `
      S* 220
      C: HELO client.example.net
      S: 250 mx.example.com
      C: MAIL FROM:<a@example.net>
      S* 250
      C: RCPT TO:<b@example.com>
      S* 250
      C: DATA
      S* 354
      C> hello\\r\\n.\\r\\n
      S* 250
      C: QUIT
      S* 221
      -- end`,
  });
  expect(accepted.map(({ text }) => text)).toEqual(["hello\r\n"]);
  expect(unreached).toEqual([]);
});

test("two scripts against each other, whatever the pieces", () => {
  const { unreached, transcript, now } = wire({
    client: "S: 220 hi\nC: EHLO x\nS> 250-a\\r\\n250 b\\r\\n\nC> Q",
    server: "S: 220 hi\n-- wait 500\nC: EHLO x\nS: 250-a\nS: 250 b\nC> Q\n-- close",
    split: 1,
  });
  expect(unreached).toEqual([]);
  expect(transcript()).toBe("S: 220 hi\nC: EHLO x\nS: 250-a\nS: 250 b\nC> Q");
  expect(now).toBe(500);
});

test("TLS by script", () => {
  const { client, accepted } = wire({
    client: { config: { name: "client.example.net", tls: "required" } },
    server: `
      S: 220 hi
      C* EHLO
      S: 250-hi
      S: 250 STARTTLS
      C: STARTTLS
      S: 220 go
      -- upgrade
      C* EHLO
      S: 250 hi
      C: QUIT
      S: 221 bye
      -- close`,
  });
  expect({ secure: client?.secure, accepted }).toEqual({ secure: true, accepted: [] });
});

test("a mismatch shows what was said instead, and the dialogue so far", () => {
  const run = (): unknown => wire({ server: "S: 220 hi\nC: HELO client.example.net" });
  expect(run).toThrow(ScriptMismatch);
  expect(run).toThrow(
    "C: HELO client.example.net\nbut the client said\n  EHLO client.example.net\n\nS: 220 hi\nC: EHLO",
  );
});

test.each(["X: 1", "C 1", "-- dance", "S220"])("%j is not a line of a script", (line) => {
  expect(() => wire({ server: line })).toThrow(`not a line of a script: ${line}`);
});
