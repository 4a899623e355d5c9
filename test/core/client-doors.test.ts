import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const config = { name: "client.example.net" };

/** Who is behind the door, by what comes in place of a greeting; it ends with the connection if need be. */
function behind(pieces: readonly string[]): string | null {
  const player = new Player(config);
  player.session.transaction({ from: null, to: ["b@example.com"] });
  for (const piece of pieces) {
    if (player.closed) break;
    player.hear(piece);
    player.drain();
  }
  if (player.failed === null) player.does("end");
  expect(player.closed).toBe(true);
  expect(player.statuses).toBe("notTried");
  expect(player.sent).toBe("");
  return player.failed;
}

describe("the wrong door", () => {
  test.each([
    ["\x15\x03\x01\x00\x02\x02\x28", "tls-on-plain-port"],
    ["\x15\x03\x03\x00\x02\x02\x46\r\n", "tls-on-plain-port"],
    ["\x16\x03\x01\x02\x00\x01\r\n", "tls-on-plain-port"],
    ["HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n", "http"],
    ["* OK [CAPABILITY IMAP4rev1] ready\r\n", "imap"],
    ["* PREAUTH ready\r\n", "imap"],
    ["* BYE no\r\n", "imap"],
    ["+OK ready\r\n", "pop3"],
    ["SSH-2.0-OpenSSH_9.9\r\n", "ssh"],
    ["hello there\r\n", "not-smtp"],
    ["\r\n", "not-smtp"],
    ["\0\0\0\r\n", "not-smtp"],
    ["220-a\r\nhello\r\n", "not-smtp"],
    ["220-a\r\n\x15\x03", "no-greeting"],
    ["220-a\r\n+OK", "no-greeting"],
    ["\x15", "no-greeting"],
    ["HTTP", "no-greeting"],
    ["220 mx.example", "no-greeting"],
    ["", "no-greeting"],
  ])("R-FMT-10 G2 %j: %s, however it comes", (octets, code) => {
    expect(behind([octets])).toBe(code);
    expect(behind([...octets])).toBe(code);
    for (let at = 1; at < Math.min(octets.length, 40); at++) {
      expect(behind([octets.slice(0, at), octets.slice(at)])).toBe(code);
    }
  });

  test.each([
    ["HTTP/1.1 400 ", "", "http"],
    ["HTTP/1.1 400 ", "\r\n", "http"],
    ["250 ", "\r\n", "not-smtp"],
    ["250 ", "HTTP/1.1 400 \r\n", "not-smtp"],
  ])("R-FMT-13 G2 a line over all limits that begins with %j and ends with %j: %s", (begin, end, code) => {
    const octets = `${begin}${"x".repeat(5000)}${end}`;
    expect(behind([octets])).toBe(code);
    expect(behind([...octets])).toBe(code);
    expect(behind([octets.slice(0, 3), octets.slice(3)])).toBe(code);
    expect(behind([octets.slice(0, 5004), octets.slice(5004)])).toBe(code);
  });

  test("L-TIME-18 no greeting in time has a name of its own, and so has no TLS where TLS is expected", () => {
    const silent = new Player(config);
    silent.does("advance 299999");
    expect(silent.failed).toBeNull();
    silent.does("advance 1");
    expect(silent.failed).toBe("no-greeting");
    expect(silent.of("failed")[0]?.failure.detail).toMatch(/TLS/);

    const plain = new Player({ ...config, tls: "implicit" });
    plain.drain();
    plain.does("upgradeFailed plain");
    expect(plain.failed).toBe("plain-on-tls-port");
  });

  test("R-FMT-10 behind a greeting it is a syntax error of a server", () => {
    const player = new Player(config);
    player.hears("220 mx\n");
    player.hears("HTTP/1.1 400 Bad Request\n");
    expect(player.failed).toBe("reply-syntax");
  });
});
