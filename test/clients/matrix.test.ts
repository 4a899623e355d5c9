import { describe, expect } from "vitest";
import { clients, type Tls } from "./clients.ts";
import { eightBit, large, short, utf8 } from "./messages.ts";
import { it, type Place } from "./serving.ts";

// Each client by each thing to do. What a client cannot do at all (see `Client`) has no test here.
for (const client of clients) {
  describe(client.name, () => {
    it("delivers a short message", async ({ need, serve }) => {
      need(client.tool);
      const server = await serve();
      const sent = await client.send(await server.submission({ content: short }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(short, { by: "ESMTP" });
    });

    it("T-TLS-03 delivers a short message by STARTTLS", async ({ need, serve, place }) => {
      need(client.tool);
      const server = await serve(...tls("starttls", place));
      const sent = await client.send(await server.submission({ content: short, tls: "starttls" }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(short, { by: "ESMTPS" });
      await server.prints("C: STARTTLS");
    });

    it("T-IMP-01 delivers a short message inside implicit TLS", async ({ need, serve, place }) => {
      need(client.tool);
      const server = await serve(...tls("implicit", place));
      const sent = await client.send(await server.submission({ content: short, tls: "implicit" }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(short, { by: "ESMTPS" });
      expect(server.printed).not.toContain("STARTTLS");
    });

    it("S-DATA-13 L-LEN-06 delivers 20 MB, octet for octet", async ({ need, serve }) => {
      need(client.tool);
      const server = await serve();
      const sent = await client.send(await server.submission({ content: large() }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(large(), { by: "ESMTP" });
    });

    it("S-DATA-13 L-LEN-06 delivers 20 MB by STARTTLS, octet for octet", async ({ need, serve, place }) => {
      need(client.tool);
      const server = await serve(...tls("starttls", place));
      const sent = await client.send(await server.submission({ content: large(), tls: "starttls" }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(large(), { by: "ESMTPS" });
    });

    it(`S-8BIT-02 delivers 8-bit octets, ${client.says8Bit ? "declared" : "undeclared"}`, async ({
      need,
      serve,
    }) => {
      need(client.tool);
      const server = await serve();
      const sent = await client.send(await server.submission({ content: eightBit }));
      expect(sent.code, sent.text).toBe(0);
      await server.kept(eightBit, { by: "ESMTP" });
      await server.prints(
        client.says8Bit
          ? /C: mail FROM:.* BODY=8BITMIME/i
          : /C: MAIL FROM:<a@example\.net>(?: SIZE=[0-9]+)?\n/,
      );
    });

    if (client.saysUtf8) {
      it("X-UTF8-03 delivers a message from and to addresses in UTF-8", async ({ need, serve }) => {
        need(client.tool);
        const server = await serve();
        const from = "jürgen@example.net";
        const to = ["δοκιμή@example.com"];
        const sent = await client.send(await server.submission({ content: utf8, from, to }));
        expect(sent.code, sent.text).toBe(0);
        await server.kept(utf8, { from, to, by: "UTF8SMTP" });
      });
    }

    if (client.saysUtf8 === false) {
      it("X-UTF8-04 is refused addresses in UTF-8, since it does not say SMTPUTF8", async ({
        need,
        serve,
      }) => {
        need(client.tool);
        const server = await serve();
        const sender = await client.send(
          await server.submission({ content: short, from: "jürgen@example.net" }),
        );
        expect(sender.code).not.toBe(0);
        expect(sender.text).toContain("550 5.6.7 ");
        const recipient = await client.send(
          await server.submission({ content: short, to: ["δοκιμή@example.com"] }),
        );
        expect(recipient.code).not.toBe(0);
        expect(recipient.text).toContain("553 5.6.7 ");
        await server.keptNothing();
      });
    }

    const recipients = ["b@example.com", "nobody@example.com", "c@example.com"];
    const refusal = /550[ ,"[\]-]+5\.1\.1 No such user here/;
    const group = client.pipelines ? "X-PIPE-07 " : "";

    if (client.goesOn) {
      it(`${group}delivers to the others when one of three recipients is refused`, async ({
        need,
        serve,
      }) => {
        need(client.tool);
        const server = await serve("--reject", "nobody@example.com");
        const sent = await client.send(await server.submission({ content: short, to: recipients }));
        expect(sent.code, sent.text).toBe(0);
        expect(sent.text).toMatch(refusal);
        await server.kept(short, { to: ["b@example.com", "c@example.com"], by: "ESMTP" });
      });
    } else {
      it(`${group}delivers nothing when one of three recipients is refused`, async ({ need, serve }) => {
        need(client.tool);
        const server = await serve("--reject", "nobody@example.com");
        const sent = await client.send(await server.submission({ content: short, to: recipients }));
        expect(sent.code).not.toBe(0);
        expect(sent.text).toMatch(refusal);
        await server.keptNothing();
      });
    }

    const tooBig = client.saysSize
      ? "X-SIZE-03 is told 552 at MAIL when its message is too big"
      : "S-DATA-14 is told 552 when it has sent a message that is too big";
    it(tooBig, async ({ need, serve }) => {
      need(client.tool);
      const server = await serve("--max-size", "1M");
      const sent = await client.send(await server.submission({ content: large() }));
      expect(sent.code).not.toBe(0);
      expect(sent.text).toMatch(/552[ ,"'b[\]-]+5\.3\.4 /);
      await server.prints(
        client.saysSize
          ? /C: mail FROM:.* SIZE=[0-9]+\n(?:.*\n)?.*S: 552 /i
          : / of content\)\n(?:.*\n)*.*S: 552 /,
      );
      await server.keptNothing();
    });
  });
}

/** The options of `serve` for a way to use TLS. */
function tls(way: Tls, place: Place): string[] {
  const options = ["--tls-key", place.key, "--tls-cert", place.certificate];
  return way === "implicit" ? [...options, "--implicit-tls"] : options;
}
