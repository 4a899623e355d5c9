import { describe, expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import { eximWithCyrus, postfixWithDovecot } from "./authenticating.ts";
import { token } from "./dovecot.ts";
import { it, received } from "./sending.ts";

// Our client authenticates to real servers, by each mechanism that they have.

const user = "user@example.com";
const { ca, client: own, impostor } = await certificates();
const { key, cert } = own;
const exim = eximWithCyrus(ca.cert);

for (const peer of [postfixWithDovecot, exim]) {
  describe(peer.name, () => {
    const offers = (mechanism: string): boolean => peer.mechanisms.includes(mechanism);

    for (const mechanism of ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"].filter(offers)) {
      it(`${proves[mechanism] ?? ""}takes our client by ${mechanism}, and not with another password`, async ({
        share,
      }) => {
        const door = await share(peer);
        const auth = { user, pass: "pencil", mechanisms: [mechanism] };
        expect(await received(door, { tls: "required", auth })).toContain(user);
        expect(door.dialogue).toMatch(new RegExp(`^C: AUTH ${mechanism}( |\r\n)`, "m"));
        const wrong = door.connect({ tls: "required", auth: { ...auth, pass: "pen" } });
        await expect(wrong).rejects.toMatchObject({ code: "auth-refused", reply: { code: 535 } });
        const nobody = door.connect({ tls: "required", auth: { ...auth, user: "nobody@example.com" } });
        await expect(nobody).rejects.toMatchObject({ code: "auth-refused", reply: { code: 535 } });
      });
    }

    it("A-AUTH-26 takes our client by the strongest that it offers", async ({ share }) => {
      const door = await share(peer);
      expect(await received(door, { tls: "required", auth: { user, pass: "pencil" } })).toContain(user);
      expect(door.dialogue.match(/^C: AUTH .*$/gm)).toEqual([
        expect.stringMatching(/^C: AUTH SCRAM-SHA-256 /),
      ]);
    });

    for (const mechanism of ["OAUTHBEARER", "XOAUTH2"].filter(offers)) {
      it(`${proves[mechanism] ?? ""}takes our client by ${mechanism}, and not with a token that somebody else has made`, async ({
        share,
      }) => {
        const door = await share(peer);
        const auth = { user, token: token(user), mechanisms: [mechanism] };
        expect(await received(door, { tls: "required", auth })).toContain(user);
        expect(door.dialogue).toContain(`C: AUTH ${mechanism}`);
        const forged = { ...auth, token: token(user, "something else") };
        const wrong = door.connect({ tls: "required", auth: forged });
        await expect(wrong).rejects.toMatchObject({ code: "auth-refused", reply: { code: 535 } });
      });
    }

    if (offers("ANONYMOUS")) {
      it("A-ANON-01 takes our client by ANONYMOUS, with a word for the log, or with none", async ({
        share,
      }) => {
        const door = await share(peer);
        for (const anonymous of ["sirhc", ""]) {
          expect(await received(door, { tls: "required", auth: { anonymous } })).toContain(
            "Authenticated sender: nobody",
          );
        }
        expect(door.dialogue).toMatch(/^C: AUTH ANONYMOUS c2lyaGM=\r\n/m);
        await expect
          .poll(() => String(door.server), { timeout: 10_000 })
          .toContain("anonymous(sirhc,127.0.0.1): login");
      });
    }

    if (offers("EXTERNAL")) {
      it("A-EXT-01 takes our client by its certificate, for itself and as what it is called", async ({
        share,
      }) => {
        const door = await share(peer);
        for (const external of ["", "relay.example.net"]) {
          const given = {
            tls: "required",
            auth: { external },
            tlsOptions: { ...door.trust, key, cert },
          } as const;
          expect(await received(door, given)).toContain("relay.example.net");
        }
        expect(door.dialogue).toMatch(/^C: AUTH EXTERNAL =\r\n/m);
        const other = door.connect({
          tls: "required",
          auth: { external: "other.example.net" },
          tlsOptions: { ...door.trust, key, cert },
        });
        await expect(other).rejects.toMatchObject({ code: "auth-refused", reply: { code: 535 } });
      });

      it("A-EXT-02 does not offer EXTERNAL to whom nobody has vouched for", async ({ share }) => {
        const door = await share(peer);
        for (const shown of [{}, { key: impostor.key, cert: impostor.cert }]) {
          const attempt = door.connect({
            tls: "required",
            auth: { external: "" },
            tlsOptions: { ...door.trust, ...shown },
          });
          await expect(attempt).rejects.toMatchObject({ code: "auth-not-offered" });
        }
      });
    }
  });
}

describe("Exim in the clear", () => {
  it("A-AUTH-25 does not hear a password, but takes a proof that there is one", async ({ share }) => {
    const door = await share(exim);
    for (const mechanism of ["PLAIN", "LOGIN"]) {
      const auth = { user, pass: "pencil", mechanisms: [mechanism] };
      await expect(door.connect({ tls: "never", auth })).rejects.toMatchObject({ code: "auth-in-the-clear" });
    }
    expect(door.dialogue).not.toContain("C: AUTH");
    const client = await door.connect({ tls: "never", auth: { user, pass: "pencil" } });
    expect(door.dialogue).toContain("C: AUTH SCRAM-SHA-256");
    await client.quit();
  });
});

/** The requirement that a mechanism's dialogue with a real server proves. */
const proves: Readonly<Record<string, string>> = {
  PLAIN: "A-PLAIN-01 ",
  LOGIN: "A-LOGIN-03 ",
  "CRAM-MD5": "A-CRAM-02 ",
  "SCRAM-SHA-1": "A-SCRAM-01 ",
  OAUTHBEARER: "A-OAUTH-01 ",
  XOAUTH2: "A-XOA-01 ",
};
