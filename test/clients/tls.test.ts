import { describe, expect } from "vitest";
import { curl, msmtp } from "./clients.ts";
import { short } from "./messages.ts";
import type { Place, Server } from "./serving.ts";
import { run, type Tool } from "./tool.ts";
import { it, lines } from "./typist.ts";

const openssl: Tool = { name: "openssl", packages: "openssl", probe: ["openssl", "version"] };

describe("openssl s_client", () => {
  it("T-TLS-01 T-TLS-05 starts anew behind STARTTLS", async ({ need, serve, at, place }) => {
    need(openssl);
    const server = await serve("--tls-key", place.key, "--tls-cert", place.certificate);
    const s_client = at("openssl", ...session(server, place), "-starttls", "smtp");
    // It has said EHLO and STARTTLS by itself, and there is no new greeting.
    expect(await s_client.say("MAIL FROM:<a@example.net>")).toMatch(/^503 5\.5\.1 /);
    await server.prints(/S: 250[ -]STARTTLS\n/);
    expect(await s_client.say("EHLO client.example.net")).not.toContain("STARTTLS");
    expect(await s_client.say("STARTTLS")).toMatch(/^503 5\.5\.1 /);
    expect(await s_client.say("MAIL FROM:<a@example.net>")).toMatch(/^250 /);
    expect(await s_client.say("RCPT TO:<b@example.com>")).toMatch(/^250 /);
    expect(await s_client.say("DATA")).toMatch(/^354 /);
    s_client.type("Subject: by hand", "");
    expect(await s_client.say(".")).toMatch(/^250 .*queued/);
    expect(await s_client.say("QUIT")).toMatch(/^221 /);
    await s_client.leave();
    await server.kept(lines("Subject: by hand", ""), { by: "ESMTPS" });
  });

  it("T-IMP-01 is greeted inside TLS", async ({ need, serve, at, place }) => {
    need(openssl);
    const server = await serve("--tls-key", place.key, "--tls-cert", place.certificate, "--implicit-tls");
    const s_client = at("openssl", ...session(server, place));
    expect(await s_client.reply()).toMatch(/^220 mx\.example\.com/);
    expect(await s_client.say("EHLO client.example.net")).not.toContain("STARTTLS");
    expect(await s_client.say("STARTTLS")).toMatch(/^503 5\.5\.1 /);
    expect(await s_client.say("QUIT")).toMatch(/^221 /);
    await s_client.leave();
  });
});

describe("trust", () => {
  it("--self-signed prints the fingerprint by which msmtp can trust it", async ({ need, serve }) => {
    need(msmtp.tool);
    const server = await serve("--self-signed");
    await server.prints("fingerprint");
    const fingerprint = /(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/.exec(server.printed)?.[0] ?? "none";
    const wrong = fingerprint.replace(/^../, (octet) => (octet === "00" ? "01" : "00"));
    const send = (print: string) =>
      run(
        "msmtp",
        [
          ...["--host=127.0.0.1", `--port=${server.port}`, "--domain=client.example.net", "--timeout=30"],
          ...["--tls=on", `--tls-fingerprint=${print}`, "--from=a@example.net", "--", "b@example.com"],
        ],
        { input: short },
      );
    const mistrusted = await send(wrong);
    expect(mistrusted.code, mistrusted.text).not.toBe(0);
    await server.keptNothing();
    const trusted = await send(fingerprint);
    expect(trusted.code, trusted.text).toBe(0);
    await server.kept(short, { by: "ESMTPS" });
  });

  it("goes on after a client that breaks off the handshake", async ({ need, serve, place }) => {
    need(curl.tool);
    const server = await serve("--self-signed");
    const submission = await server.submission({ content: short, tls: "starttls" });
    // The certificate of another server.
    const mistrusting = await curl.send({ ...submission, certificate: place.certificate });
    expect(mistrusting.code, mistrusting.text).toBe(60);
    await server.keptNothing();
    const plain = await curl.send({ ...submission, tls: "none" });
    expect(plain.code, plain.text).toBe(0);
    await server.kept(short, { by: "ESMTP" });
  });
});

/** What makes openssl connect, trust this certificate alone, and pass lines on. */
function session({ port }: Server, { certificate }: Place): string[] {
  const trust = ["-CAfile", certificate, "-verify_return_error"];
  return ["s_client", "-quiet", "-crlf", ...trust, "-connect", `127.0.0.1:${port}`];
}
