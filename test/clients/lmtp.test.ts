import { describe, expect } from "vitest";
import { clients } from "./clients.ts";
import { large, short } from "./messages.ts";
import { it } from "./serving.ts";

// LMTP (RFC 2033): the clients that speak it, over TCP and over a Unix socket.
for (const client of clients) {
  if (client.lmtp.length === 0) continue;
  describe(client.name, () => {
    const three = ["b@example.com", "nobody@example.com", "c@example.com"];
    const two = ["b@example.com", "c@example.com"];
    const what = client.goesOn ? "to two of three recipients" : "to two recipients";

    for (const where of client.lmtp) {
      it(`M-LMTP-01 M-LMTP-04 delivers ${what} by LMTP over a ${where}`, async ({ need, serve, place }) => {
        need(client.tool);
        const at = where === "socket" ? ["--socket", place.path()] : [];
        const server = await serve("--lmtp", "--reject", "nobody@example.com", ...at);
        const to = client.goesOn ? three : two;
        const sent = await client.send(await server.submission({ content: short, protocol: "lmtp", to }));
        expect(sent.code, sent.text).toBe(0);
        if (client.goesOn) expect(sent.text).toContain("No such user here");
        await server.kept(short, { to: two, by: "LMTP" });
        // One verdict for each of the two, and none for the refused one; smtplib reads the first of them alone.
        await server.prints(/ of content\)\n.* stored .*\n(?:.* S: 250 .*queued.*\n){2}(?!.* S: [245]50)/);
      });
    }

    it("M-LMTP-18 delivers by LMTP and STARTTLS", async ({ need, serve, place }) => {
      need(client.tool);
      const server = await serve("--lmtp", "--tls-key", place.key, "--tls-cert", place.certificate);
      const sent = await client.send(
        await server.submission({ content: short, protocol: "lmtp", tls: "starttls" }),
      );
      expect(sent.code, sent.text).toBe(0);
      await server.kept(short, { by: "LMTPS" });
    });

    it("S-DATA-13 delivers 20 MB by LMTP over a socket, octet for octet", async ({ need, serve, place }) => {
      need(client.tool);
      const server = await serve("--lmtp", "--socket", place.path());
      const sent = await client.send(await server.submission({ content: large(), protocol: "lmtp" }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(large(), { by: "LMTP" });
    });
  });
}
