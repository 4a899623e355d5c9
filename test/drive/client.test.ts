import { reply, ServerSession, UsageError } from "@sansmtp/core";
import { ConnectError, type Handlers, type OutgoingMessage, serve } from "@sansmtp/drive";
import { serverExchange } from "@sansmtp/sasl";
import { describe, expect, it } from "vitest";
import { hello, message, Talk } from "./talk.ts";
import { settled, Wire } from "./wire.ts";

const ok = "250 2.0.0 Ok";

async function rejection(promise: Promise<unknown>): Promise<ConnectError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

describe("the beginning", () => {
  it("C-SES-01 is ready behind a greeting of 220 and the reply to EHLO", async () => {
    const talk = new Talk();
    expect(talk.heard()).toBe("");
    expect(await talk.say("220 mx.example.com ESMTP")).toBe("EHLO client.example.net\r\n");
    await talk.say("250-mx.example.com", "250 SIZE 1000");
    await talk.client.ready;
    expect(talk.client.capabilities.size).toBe(1000);
  });

  it("C-SES-01 C-SES-03 fails at a greeting of 554, with QUIT", async () => {
    const talk = new Talk();
    const sending = talk.client.send(message);
    expect(await talk.say("554 5.7.1 Not \x1b[31mfrom there")).toBe("QUIT\r\n");
    const error = await rejection(talk.client.ready);
    expect(error.code).toBe("greeting-refused");
    expect(error.reply?.code).toBe(554);
    expect(error.message).toBe("the server takes no mail from here (554 5.7.1 Not  [31mfrom there)");
    expect((await sending).outcomes).toMatchObject([{ status: "notTried", reason: { code: 554 } }]);
    await talk.say("221 2.0.0 Bye");
    expect(talk.wire.closed).toBe(true);
    expect(await talk.client.closed).toMatchObject({ failure: { code: "greeting-refused" } });
  });

  it("L-TIME-02 waits 5 minutes for the greeting", async () => {
    const talk = new Talk();
    expect(await talk.expire()).toBe(300_000);
    expect((await rejection(talk.client.ready)).code).toBe("no-greeting");
  });

  it.each([
    ["enough: goes on", () => true, "EHLO client.example.net\r\n", null],
    ["too weak: QUIT, and nothing else", () => false, "QUIT\r\n", "tls-refused"],
  ])("T-TLS-15 a handshake whose outcome is %s", async (_, acceptTls, said, code) => {
    const seen: unknown[] = [];
    const talk = new Talk({
      tls: "offered",
      acceptTls: (tls) => {
        seen.push(tls.cipher);
        return acceptTls();
      },
    });
    const sending = talk.client.send(message);
    await talk.say("220 mx.example.com ESMTP");
    await talk.say(...hello(["STARTTLS"]));
    await talk.say("220 Go");
    talk.heard();
    talk.wire.handshake({ version: "TLSv1.2", cipher: "TLS_RSA_WITH_RC4_128_SHA" });
    await settled();
    expect(talk.heard()).toBe(said);
    expect(seen).toEqual(["TLS_RSA_WITH_RC4_128_SHA"]);
    if (code === null) return;
    expect((await rejection(talk.client.ready)).code).toBe(code);
    expect((await sending).outcomes).toMatchObject([{ status: "notTried", reason: { code } }]);
    await talk.say("221 2.0.0 Bye");
    expect(talk.wire.closed).toBe(true);
  });

  it("T-TLS-15 a check that throws lets nothing through", async () => {
    const wrong = new Error("no such cipher");
    const talk = new Talk({
      tls: "required",
      acceptTls: () => {
        throw wrong;
      },
    });
    await talk.say("220 mx.example.com ESMTP");
    await talk.say(...hello(["STARTTLS"]));
    await talk.say("220 Go");
    talk.heard();
    talk.wire.handshake({ version: "TLSv1.2", cipher: "x" });
    await settled();
    expect(talk.heard()).toBe("");
    expect(talk.wire.closed).toBe(true);
    expect(talk.errors).toEqual([wrong]);
    await rejection(talk.client.ready);
  });

  it("tells a transport without TLS by its code", async () => {
    const wire = new Wire();
    Object.defineProperty(wire, "upgrade", { value: undefined });
    const talk = new Talk({ tls: "implicit" }, wire);
    expect((await rejection(talk.client.ready)).code).toBe("tls-failed");
  });
});

describe("what is seen in content before anything is sent", () => {
  const offer = ["SIZE 1000", "8BITMIME", "SMTPUTF8"];

  it.each([
    ["its size, with the CRLF that its last line lacks", "Subject: x\r\n\r\nabc", "SIZE=19"],
    ["8-bit text", "Subject: x\r\n\r\n\u00e9\r\n", "SIZE=18 BODY=8BITMIME"],
    ["UTF-8 in the header", "Subject: \u00e9\r\n\r\nx\r\n", "SIZE=18 BODY=8BITMIME SMTPUTF8"],
    [
      "8-bit octets that are not UTF-8",
      Buffer.from("Subject: \xe9\r\n\r\nx\r\n", "latin1"),
      "SIZE=17 BODY=8BITMIME",
    ],
    ["an empty message", "", "SIZE=0"],
    ["its size, without the dots that are stuffed and the last one", ".a\r\n..\r\n.\r\n", "SIZE=11"],
  ])("X-SIZE-06 declares %s", async (_, body, parameters) => {
    const talk = await Talk.ready(offer);
    void talk.client.send({ ...message, body });
    await settled();
    expect(talk.heard()).toBe(`MAIL FROM:<a@example.net> ${parameters}\r\n`);
  });

  it.each([
    ["C-TXN-01 C-CONV-02", "8-bit text without 8BITMIME", "\r\n\u00e9\r\n", ["SIZE 9"], "8bitmime-missing"],
    [
      "C-TXN-01",
      "UTF-8 header without SMTPUTF8",
      "Subject: \u00e9\r\n\r\n",
      ["8BITMIME"],
      "smtputf8-missing",
    ],
    ["C-TXN-01", "more octets than SIZE", "123456789\r\n", ["SIZE 10"], "size-exceeded"],
    ["C-CONV-01", "a bare LF", "a\nb\r\n", [], "content-bare-lf"],
    ["C-CONV-01", "a bare CR", "a\rb\r\n", [], "content-bare-cr"],
    ["C-CONV-01", "a bare CR at the end", "a\r", [], "content-bare-cr"],
    ["S-DATA-22", "a line that is too long", `${"x".repeat(999)}\r\n`, [], "content-long-line"],
  ])("%s sends nothing of %s", async (_ids, _what, body, offered, code) => {
    const talk = await Talk.ready(offered);
    const sent = await talk.client.send({ ...message, body });
    expect(sent.outcomes).toMatchObject([{ status: "notTried", reason: { code } }]);
    expect(sent.safeToRetry).toBe(true);
    expect(sent.notTried).toEqual(["b@example.com"]);
    expect(talk.heard()).toBe("");
  });

  it.each([
    ["SIZE 10", "12345678\r\n", true],
    ["SIZE 10", "123456789\r\n", false],
    ["SIZE 10", "123456789", false],
    ["SIZE 0", "123456789\r\n", true],
    ["SIZE", "123456789\r\n", true],
  ])("X-SIZE-07 where %s is offered, what is larger fails before MAIL: %j", async (offered, body, goes) => {
    const talk = await Talk.ready([offered]);
    const sending = talk.client.send({ ...message, body });
    await settled();
    if (goes) return expect(talk.heard()).toMatch(/^MAIL /);
    expect(talk.heard()).toBe("");
    expect((await sending).outcomes).toMatchObject([
      { status: "notTried", reason: { code: "size-exceeded" } },
    ]);
  });

  it("C-CONV-01 X-SIZE-06 makes CRLF of LF before it counts, when told to", async () => {
    const talk = await Talk.ready(["SIZE"], { lineEnds: "normalize" });
    const sending = talk.client.send({ ...message, body: "a\nb\n.\n" });
    await settled();
    expect(talk.heard()).toMatch(/SIZE=9\r\n$/);
    await talk.say(ok);
    await talk.say(ok);
    expect(await talk.say("354 Go")).toBe("a\r\nb\r\n..\r\n.\r\n");
    await talk.say(ok);
    expect((await sending).accepted).toEqual(["b@example.com"]);
  });

  it.each([
    ["8BITMIME where that is offered", ["8BITMIME"], " BODY=8BITMIME"],
    ["7BIT elsewhere", [], ""],
  ])("takes a stream for %s", async (_, offered, parameters) => {
    const talk = await Talk.ready(offered);
    void talk.client.send({ ...message, body: pieces("x") });
    await settled();
    expect(talk.heard()).toBe(`MAIL FROM:<a@example.net>${parameters}\r\n`);
  });
});

describe("bodies", () => {
  const bodies: [string, OutgoingMessage["body"]][] = [
    ["a string", "Subject: x\r\n\r\n.\u{1f600}\r\n"],
    ["octets", Buffer.from("Subject: x\r\n\r\n.\u{1f600}\r\n")],
    [
      "an async iterable of strings, cut within a character",
      pieces("Subject: x\r\n\r", "\n.\ud83d", "", "\ude00\r\n"),
    ],
    ["an async iterable of octets", pieces(Buffer.from("Subject: x\r\n\r\n."), Buffer.from("\u{1f600}\r\n"))],
    [
      "a ReadableStream",
      new Blob(["Subject: x\r\n\r\n.\u{1f600}\r\n"]).stream() as ReadableStream<Uint8Array>,
    ],
    ["a function that gives one", () => pieces("Subject: x\r\n\r\n.\u{1f600}\r\n")],
  ];

  it.each(bodies)("sends %s", async (_, body) => {
    const talk = await Talk.ready(["8BITMIME"]);
    const sending = talk.client.send({ ...message, body });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    talk.heard();
    await talk.say("354 Go");
    await settled();
    await talk.say(ok);
    expect((await sending).outcomes).toMatchObject([{ status: "accepted" }]);
    const content = Buffer.from("Subject: x\r\n\r\n..\u{1f600}\r\n.\r\n").toString("latin1");
    expect(talk.wire.sent.endsWith(`DATA\r\n${content}`)).toBe(true);
  });

  it("C-TXN-08 closes without the last dot when the source fails", async () => {
    const talk = await Talk.ready();
    const failure = new Error("disk");
    async function* failing(): AsyncGenerator<string> {
      yield "Subject: x\r\n";
      throw failure;
    }
    const sending = talk.client.send({ ...message, body: failing() });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    expect(await talk.say("354 Go")).toBe("Subject: x\r\n");
    expect(talk.wire.closed).toBe(true);
    expect(await sending).toMatchObject({
      outcomes: [{ status: "notTried" }],
      safeToRetry: true,
      error: failure,
    });
  });

  it("lets go of a stream that nobody wants", async () => {
    let left = 0;
    const body: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: "x" }),
        return: () => {
          left++;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const talk = await Talk.ready();
    const sending = talk.client.send({ ...message, body });
    await settled();
    await talk.say("550 5.7.1 No");
    expect((await sending).refused).toEqual(["b@example.com"]);
    expect(left).toBe(1);
  });

  it.each([
    ["no recipients", { ...message, to: [] }],
    ["an address that is none", { ...message, to: ["b@example.com\r\nRSET"] }],
    ["a body that is none", { ...message, body: 5 as unknown as string }],
  ])("C-SES-11 rejects %s", async (_, wrong) => {
    const talk = await Talk.ready();
    await expect(talk.client.send(wrong)).rejects.toThrow(UsageError);
    expect(talk.heard()).toBe("");
  });
});

describe("many recipients", () => {
  const five = ["r1", "r2", "r3", "r4", "r5"].map((name) => `${name}@example.com`);

  it("S-RCPT-14 share one transaction, whatever their domains", async () => {
    const talk = await Talk.ready(["PIPELINING"], { pipelineData: false });
    const sending = talk.client.send({ ...message, to: [...five, "c@example.org", "d@example.net"] });
    await settled();
    expect(talk.heard()).toMatch(/^MAIL FROM:<a@example\.net>\r\n(RCPT TO:<[a-z0-9@.]+>\r\n){7}$/);
    expect(await talk.say(...Array(8).fill(ok))).toBe("DATA\r\n");
    await talk.say("354 Go");
    expect(await talk.say(ok)).toBe("");
    expect((await sending).accepted).toHaveLength(7);
  });

  it("C-TXN-10 L-EXC-08 go in as many transactions as RCPTMAX wants, outcomes in order", async () => {
    const talk = await Talk.ready(["PIPELINING", "LIMITS RCPTMAX=2"], { pipelineData: false });
    const sending = talk.client.send({ ...message, to: five });
    await settled();
    expect(talk.heard()).toBe(
      "MAIL FROM:<a@example.net>\r\nRCPT TO:<r1@example.com>\r\nRCPT TO:<r2@example.com>\r\n",
    );
    expect(await talk.say(ok, ok, "550 5.1.1 No")).toBe("DATA\r\n");
    await talk.say("354 Go");
    expect(await talk.say(ok)).toMatch(/MAIL.*\r\nRCPT TO:<r3@.*\r\nRCPT TO:<r4@.*\r\n$/);
    // RSET after a transaction that failed, with the next MAIL.
    expect(await talk.say(ok, "450 4.2.0 Later", "550 5.1.1 No")).toMatch(
      /^RSET\r\nMAIL.*\r\nRCPT TO:<r5@.*\r\n$/,
    );
    await talk.say(ok, ok, ok);
    await talk.say("354 Go");
    await talk.say(ok);
    const sent = await sending;
    expect(sent.outcomes.map(({ status }) => status)).toEqual([
      "accepted",
      "refused",
      "deferred",
      "refused",
      "accepted",
    ]);
    expect(sent).toMatchObject({ safeToRetry: false, accepted: [five[0], five[4]], deferred: [five[2]] });
  });

  it("C-TXN-10 L-EXC-07 those told 452 go in a further transaction", async () => {
    const talk = await Talk.ready(["PIPELINING"], { pipelineData: false });
    const sending = talk.client.send({ ...message, to: five.slice(0, 3) });
    await settled();
    await talk.say(ok, ok, "452 4.5.3 Too many", "552 Too many");
    await talk.say("354 Go");
    expect(await talk.say(ok)).toMatch(/MAIL.*\r\nRCPT TO:<r2@.*\r\nRCPT TO:<r3@.*\r\n$/);
    await talk.say(ok, ok, ok);
    await talk.say("354 Go");
    await talk.say(ok);
    expect((await sending).accepted).toHaveLength(3);
  });

  it("C-TXN-03 C-TXN-10 a 552 to the first of them is no matter of their number, and is not tried again", async () => {
    const talk = await Talk.ready(["PIPELINING"], { pipelineData: false });
    const sending = talk.client.send({ ...message, to: five.slice(0, 2) });
    await settled();
    await talk.say(ok, "552 Too much", ok);
    await talk.say("354 Go");
    expect(await talk.say(ok)).not.toContain("MAIL");
    expect((await sending).outcomes.map(({ status }) => status)).toEqual(["refused", "accepted"]);
  });

  it("C-TXN-10 when all are told 452, they are deferred", async () => {
    const talk = await Talk.ready();
    const sending = talk.client.send(message);
    await settled();
    await talk.say(ok);
    await talk.say("452 4.5.3 Too many");
    expect((await sending).deferred).toEqual(["b@example.com"]);
  });

  it("are not tried beyond RCPTMAX when the body can be read once only", async () => {
    const talk = await Talk.ready(["LIMITS RCPTMAX=1"]);
    const sending = talk.client.send({ ...message, to: five.slice(0, 2), body: pieces("\r\n") });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    await talk.say("354 Go");
    await talk.say(ok);
    expect((await sending).outcomes).toMatchObject([
      { status: "accepted" },
      { status: "notTried", reason: { code: "limit-exceeded" } },
    ]);
  });
});

describe("AUTH", () => {
  const auth = { user: "me", pass: "secret" };
  const open = { auth, allowInsecureAuth: true };

  async function begin(offer: readonly string[], options: object = open): Promise<[Talk, string]> {
    const talk = new Talk(options);
    await talk.say("220 mx.example.com ESMTP");
    const said = await talk.say(
      "250-mx.example.com",
      ...offer.slice(0, -1).map((line) => `250-${line}`),
      `250 ${offer.at(-1)}`,
    );
    return [talk, said];
  }

  async function begun(offer: readonly string[]): Promise<Talk & { said: string }> {
    const [talk, said] = await begin(offer);
    return Object.assign(talk, { said });
  }

  /** The challenges of a server that has this password; in base64. */
  function scramServerFor(said: string, password: string) {
    const [, initial = ""] = /^AUTH SCRAM-SHA-256 (.*)\r\n$/.exec(said) ?? [];
    const context = {
      random: (octets: number) => new Uint8Array(octets).fill(1),
      secret: new Uint8Array(32),
      host: "mx.example.com",
      now: 0,
      bindings: {},
      plus: false,
      certificate: null,
    };
    const exchange = serverExchange("SCRAM-SHA-256", context);
    exchange.receive(Buffer.from(initial, "base64"));
    const first = exchange.verify({ password });
    if (first.type !== "challenge") throw new Error(first.type);
    return {
      first: Buffer.from(first.octets).toString("base64"),
      final: (proof: string) => {
        const step = exchange.receive(Buffer.from(proof, "base64"));
        const data = step.type === "success" ? step.data : null;
        return Buffer.from(data ?? `v=${"A".repeat(43)}=`).toString("base64");
      },
    };
  }

  it("PLAIN with an initial response comes before ready", async () => {
    const [talk, said] = await begin(["AUTH LOGIN PLAIN"]);
    expect(said).toBe("AUTH PLAIN AG1lAHNlY3JldA==\r\n");
    await talk.say("235 2.7.0 Ok");
    await talk.client.ready;
  });

  it("A-LOGIN-03 A-LOGIN-04 LOGIN where PLAIN is not offered: name, then password, whatever is asked", async () => {
    const [talk, said] = await begin(["AUTH LOGIN"]);
    expect(said).toBe("AUTH LOGIN\r\n");
    expect(await talk.say("334 UGFzc3dvcmQ6")).toBe("bWU=\r\n");
    expect(await talk.say("334 ")).toBe("c2VjcmV0\r\n");
    await talk.say("235 2.7.0 Ok");
    await talk.client.ready;
  });

  it("A-AUTH-24 does not believe a 235 before the exchange is complete", async () => {
    const [talk] = await begin(["AUTH LOGIN"]);
    await talk.say("334 VXNlcm5hbWU6");
    expect(await talk.say("235 2.7.0 Ok")).toBe("QUIT\r\n");
    expect((await rejection(talk.client.ready)).code).toBe("auth-refused");
  });

  it("A-AUTH-25 says no password without TLS", async () => {
    const [talk, said] = await begin(["AUTH PLAIN"], { auth });
    expect(said).toBe("QUIT\r\n");
    expect((await rejection(talk.client.ready)).code).toBe("auth-in-the-clear");
  });

  it("fails where it is not offered", async () => {
    const [talk, said] = await begin(["AUTH GSSAPI"]);
    expect(said).toBe("QUIT\r\n");
    expect((await rejection(talk.client.ready)).code).toBe("auth-not-offered");
  });

  it("A-AUTH-29 a refusal is an error with the reply and without the password", async () => {
    const [talk] = await begin(["AUTH PLAIN"]);
    const sending = talk.client.send(message);
    expect(await talk.say("535 5.7.8 Wrong")).toBe("QUIT\r\n");
    const error = await rejection(talk.client.ready);
    expect(error).toMatchObject({ code: "auth-refused", reply: { code: 535 } });
    expect(`${error.message}${JSON.stringify(error)}${error.stack}`).not.toMatch(/secret|c2VjcmV0|AG1l/);
    expect((await sending).outcomes).toMatchObject([{ status: "notTried", reason: { code: 535 } }]);
  });

  it("A-AUTH-22 cancels a challenge that PLAIN does not have", async () => {
    const [talk] = await begin(["AUTH PLAIN"]);
    expect(await talk.say("334 eA==")).toBe("*\r\n");
    await talk.say("501 5.7.0 Cancelled");
    expect((await rejection(talk.client.ready)).code).toBe("auth-refused");
  });

  it("a mechanism of one's own may take its time, and fail", async () => {
    const mechanism = {
      name: "X-ECHO",
      cleartext: false,
      respond: async (challenge: Uint8Array) => {
        await settled();
        if (challenge.length > 2) throw new Error("no");
        return challenge;
      },
    };
    const [talk, said] = await begin(["AUTH X-ECHO"], { auth: mechanism });
    expect(said).toBe("AUTH X-ECHO\r\n");
    expect((await talk.say("334 eHg=")) + (await talk.say())).toBe("eHg=\r\n");
    expect((await talk.say("334 eHh4")) + (await talk.say())).toBe("*\r\n");
    expect(talk.errors).toHaveLength(1);
  });

  it("QUIT does not go in the place of a response that is being made", async () => {
    const mechanism = { name: "X-NEVER", cleartext: false, respond: () => new Promise<null>(() => {}) };
    const [talk] = await begin(["AUTH X-NEVER"], { auth: mechanism });
    await talk.say("334 ");
    void talk.client.quit();
    await settled();
    expect(talk.heard()).toBe("");
    talk.client.close();
    expect((await rejection(talk.client.ready)).code).toBe("closed");
  });

  it("A-AUTH-26 A-SCRAM-09 by the strongest mechanism, and the server has to know the password, too", async () => {
    const talk = await begun(["AUTH PLAIN CRAM-MD5 SCRAM-SHA-256"]);
    expect(talk.said).toMatch(/^AUTH SCRAM-SHA-256 /);
    const { first, final } = scramServerFor(talk.said, "secret");
    const proof = await talk.say(`334 ${first}`);
    expect(await talk.say(`334 ${final(proof)}`)).toBe("\r\n");
    await talk.say("235 2.7.0 Ok");
    await talk.client.ready;
  });

  it.each([
    ["at once", 0],
    ["behind the proof", 1],
  ])("A-AUTH-24 A-SCRAM-09 ends the session when a server claims success %s", async (_, steps) => {
    const talk = await begun(["AUTH PLAIN SCRAM-SHA-256"]);
    if (steps === 1) await talk.say(`334 ${scramServerFor(talk.said, "secret").first}`);
    expect(await talk.say("235 2.7.0 Welcome")).toBe("QUIT\r\n");
    expect(await rejection(talk.client.ready)).toMatchObject({
      code: "auth-refused",
      detail: "the server claims success before the authentication was complete",
    });
  });

  it("A-AUTH-22 A-SCRAM-09 cancels when the server does not know the password, whatever it says then", async () => {
    for (const last of ["501 5.7.0 Cancelled", "235 2.7.0 Welcome", "535 5.7.8 Wrong"]) {
      const talk = await begun(["AUTH PLAIN SCRAM-SHA-256"]);
      const { first, final } = scramServerFor(talk.said, "another");
      const proof = await talk.say(`334 ${first}`);
      expect(await talk.say(`334 ${final(proof)}`)).toBe("*\r\n");
      // Nor does it say the password to such a server by another mechanism.
      expect(await talk.say(last)).toBe(last.startsWith("235") ? "" : "QUIT\r\n");
      expect((await rejection(talk.client.ready)).code).toMatch(/^(auth-refused|reply-unexpected)$/);
    }
  });

  it("SEC-DOS-03 A-SCRAM-06 a server that asks for many rounds holds up nobody else, and stops nothing from ending", async () => {
    const talk = await begun(["AUTH SCRAM-SHA-256"]);
    const nonce = Buffer.from(talk.said.split(" ")[2]!, "base64").toString().split("r=")[1]!;
    const first = Buffer.from(`r=${nonce}S,s=c2FsdA==,i=9999999`).toString("base64");
    const began = performance.now();
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    expect(await talk.say(`334 ${first}`)).toBe("");
    while (turns < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    // Nobody waits for the proof any more, which would take longer than all this.
    const rejected = rejection(talk.client.ready);
    talk.client.close();
    await rejected;
    clearInterval(ticking);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(talk.heard()).toBe("");
  });

  it("A-AUTH-26 tries another mechanism once after 535", async () => {
    const [talk, said] = await begin(["AUTH LOGIN PLAIN CRAM-MD5"]);
    expect(said).toBe("AUTH CRAM-MD5\r\n");
    await talk.say("334 PHhAeT4=");
    expect(await talk.say("535 5.7.8 No")).toBe("AUTH PLAIN AG1lAHNlY3JldA==\r\n");
    expect(await talk.say("535 5.7.8 No")).toBe("QUIT\r\n");
    expect(await rejection(talk.client.ready)).toMatchObject({ code: "auth-refused", reply: { code: 535 } });
  });

  it("A-AUTH-26 and gets in by it", async () => {
    const [talk] = await begin(["AUTH PLAIN CRAM-MD5"]);
    await talk.say("334 PHhAeT4=");
    await talk.say("535 5.7.8 No");
    await talk.say("235 2.7.0 Ok");
    await talk.client.ready;
  });

  it.each(["454 4.7.0 Later", "501 5.5.2 What", "534 5.7.9 Weak", "432 4.7.12 Transition"])(
    "A-AUTH-26 but not after %s",
    async (line) => {
      const [talk] = await begin(["AUTH PLAIN CRAM-MD5"]);
      await talk.say("334 PHhAeT4=");
      expect(await talk.say(line)).toBe("QUIT\r\n");
      expect((await rejection(talk.client.ready)).code).toBe("auth-refused");
    },
  );

  it("A-AUTH-25 nor where that would show the password", async () => {
    const [talk] = await begin(["AUTH PLAIN CRAM-MD5"], { auth });
    await talk.say("334 PHhAeT4=");
    expect(await talk.say("535 5.7.8 No")).toBe("QUIT\r\n");
  });

  it("A-AUTH-22 A-XOA-02 answers the refusal of a token, and then hears 535", async () => {
    const token = { auth: { user: "me", token: "abc" }, allowInsecureAuth: true };
    const [talk, said] = await begin(["AUTH XOAUTH2"], token);
    expect(Buffer.from(said.slice(13), "base64").toString()).toBe("user=me\x01auth=Bearer abc\x01\x01");
    expect(await talk.say("334 e30=")).toBe("\r\n");
    expect(await talk.say("535 5.7.8 No")).toBe("QUIT\r\n");
  });

  it("A-OAUTH-01 A-OAUTH-03 says to which host and port its token goes", async () => {
    const token = {
      auth: { user: "me", token: "abc" },
      allowInsecureAuth: true,
      host: "mx.example.com",
      port: 25,
    };
    const [talk, said] = await begin(["AUTH OAUTHBEARER XOAUTH2"], token);
    expect(Buffer.from(said.slice(17), "base64").toString()).toBe(
      "n,a=me,\x01host=mx.example.com\x01port=25\x01auth=Bearer abc\x01\x01",
    );
    expect(await talk.say("334 e30=")).toBe("AQ==\r\n");
    expect(await talk.say("535 5.7.8 No")).toMatch(/^AUTH XOAUTH2 /);
  });

  it("A-EXT-01 A-AUTH-21 A-ANON-01 EXTERNAL and ANONYMOUS, for who asks for them", async () => {
    expect((await begin(["AUTH EXTERNAL PLAIN"], { auth: { external: "" } }))[1]).toBe("AUTH EXTERNAL =\r\n");
    expect((await begin(["AUTH ANONYMOUS"], { auth: { anonymous: "sirhc" } }))[1]).toBe(
      "AUTH ANONYMOUS c2lyaGM=\r\n",
    );
  });

  it("takes none but the mechanisms that are allowed", async () => {
    const allowed = { auth: { ...auth, mechanisms: ["PLAIN"] }, allowInsecureAuth: true };
    expect((await begin(["AUTH CRAM-MD5 PLAIN"], allowed))[1]).toBe("AUTH PLAIN AG1lAHNlY3JldA==\r\n");
    const [talk] = await begin(["AUTH CRAM-MD5"], allowed);
    expect((await rejection(talk.client.ready)).code).toBe("auth-not-offered");
    expect(() => new Talk({ auth: { ...auth, mechanisms: ["PLAN"] } })).toThrow(UsageError);
  });

  it.each([
    ["", "x"],
    ["x", ""],
    ["x", "a\0b"],
  ])("A-PLAIN-01 takes no name %j with password %j", (user, pass) => {
    expect(() => new Talk({ auth: { user, pass } })).toThrow(UsageError);
  });
});

describe("giving up", () => {
  it("before it is ready: nothing is sent", async () => {
    const talk = new Talk();
    const controller = new AbortController();
    const sending = talk.client.send({ ...message, signal: controller.signal });
    controller.abort();
    expect((await sending).outcomes).toMatchObject([{ status: "notTried", reason: { code: "abandoned" } }]);
    await talk.greet();
    expect(talk.heard()).toBe("");
  });

  it("in the envelope: RSET, and the connection goes on", async () => {
    const talk = await Talk.ready();
    const controller = new AbortController();
    const sending = talk.client.send({ ...message, signal: controller.signal });
    await settled();
    await talk.say(ok);
    controller.abort();
    expect(await talk.say(ok)).toBe("RSET\r\n");
    expect((await sending).outcomes).toMatchObject([{ status: "notTried", reason: { code: "abandoned" } }]);
    const second = talk.client.send(message);
    expect(await talk.say(ok)).toBe("MAIL FROM:<a@example.net>\r\n");
    talk.client.close();
    await second;
  });

  it("C-TXN-08 with DATA on its way, a 354 ends the connection: no message, not even an empty one", async () => {
    const talk = await Talk.ready(["PIPELINING"]);
    const controller = new AbortController();
    const sending = talk.client.send({ ...message, signal: controller.signal });
    await settled();
    expect(talk.heard()).toMatch(/DATA\r\n$/);
    controller.abort();
    expect(await talk.say(ok, ok, "354 Go")).toBe("");
    expect((await sending).outcomes).toMatchObject([{ status: "notTried", reason: { code: "abandoned" } }]);
    expect(talk.wire.closed).toBe(true);
  });

  it("C-TXN-08 in the content: closes without the last dot", async () => {
    const talk = await Talk.ready();
    const controller = new AbortController();
    const stream = pieces("Subject: x\r\n", new Promise<string>(() => {}));
    const sending = talk.client.send({ ...message, body: stream, signal: controller.signal });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    expect(await talk.say("354 Go")).toBe("Subject: x\r\n");
    controller.abort();
    expect(await sending).toMatchObject({ safeToRetry: true, notTried: ["b@example.com"] });
    expect(talk.wire.closed).toBe(true);
    expect(talk.heard()).toBe("");
  });

  it("C-TXN-09 in the chunks: RSET, and the connection goes on", async () => {
    const talk = await Talk.ready(["CHUNKING", "PIPELINING"]);
    const controller = new AbortController();
    const stream = pieces("x\r\n".repeat(100_000), new Promise<string>(() => {}));
    const sending = talk.client.send({ ...message, body: stream, signal: controller.signal });
    await settled();
    talk.heard();
    expect((await talk.say(ok, ok)).slice(0, 13)).toBe("BDAT 262144\r\n");
    controller.abort();
    expect(await talk.say(ok)).toBe("RSET\r\n");
    expect(await sending).toMatchObject({ safeToRetry: true, notTried: ["b@example.com"] });
    expect(talk.wire.closed).toBe(false);
  });

  it("when all of it was sent: the verdict still counts", async () => {
    const talk = await Talk.ready();
    const controller = new AbortController();
    const sending = talk.client.send({ ...message, signal: controller.signal });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    await talk.say("354 Go");
    controller.abort();
    await talk.say(ok);
    expect((await sending).accepted).toEqual(["b@example.com"]);
  });

  it("L-TIME-18 by close, when all of it was sent: unknown", async () => {
    const talk = await Talk.ready();
    const sending = talk.client.send(message);
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    await talk.say("354 Go");
    talk.client.close();
    expect(await sending).toMatchObject({ safeToRetry: false, unknown: ["b@example.com"] });
    expect(await talk.client.closed).toMatchObject({ failure: { code: "closed" } });
  });

  it("one that waits does not stop the one before it", async () => {
    const talk = await Talk.ready();
    const first = talk.client.send({ ...message, body: pieces("a\r\n", delayed("b\r\n")) });
    const controller = new AbortController();
    const second = talk.client.send({ ...message, signal: controller.signal });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    await talk.say("354 Go");
    controller.abort();
    expect((await second).notTried).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await talk.say(ok);
    expect((await first).accepted).toHaveLength(1);
  });
});

describe("the connection fails", () => {
  it("C-SES-06 at 421: what was said stands, the rest was not tried", async () => {
    const talk = await Talk.ready();
    const sending = talk.client.send({ ...message, to: ["b@example.com", "c@example.com", "d@example.com"] });
    const noop = rejection(talk.client.noop());
    await settled();
    await talk.say(ok);
    await talk.say("550 5.1.1 No");
    await talk.say("421 4.3.0 Bye");
    const sent = await sending;
    expect(sent.outcomes.map(({ status }) => status)).toEqual(["refused", "notTried", "notTried"]);
    expect((await noop).code).toBe("closed-by-server");
    expect((await talk.client.send(message)).outcomes).toMatchObject([{ reason: { code: 421 } }]);
    await talk.client.quit();
  });

  it("C-SES-07 lost behind the last dot: unknown, and the cause is told", async () => {
    const talk = await Talk.ready();
    const sending = talk.client.send(message);
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    await talk.say("354 Go");
    const reset = new Error("ECONNRESET");
    talk.client.connection.lost(reset);
    expect((await sending).outcomes).toMatchObject([{ status: "unknown", phase: "verdict" }]);
    expect((await talk.client.closed).error).toBe(reset);
  });

  it("NOOP in flight is rejected", async () => {
    const talk = await Talk.ready();
    const noop = rejection(talk.client.noop());
    await settled();
    talk.client.connection.lost();
    expect((await noop).code).toBe("ended");
    expect((await rejection(talk.client.verify("x"))).code).toBe("ended");
  });

  it("L-TIME-01 L-TIME-03 L-TIME-04 L-TIME-05 L-TIME-07 L-TIME-18 each wait has its own time", async () => {
    for (const [replies, span, status] of [
      [[], 300_000, "notTried"],
      [[ok], 300_000, "notTried"],
      [[ok, ok], 120_000, "notTried"],
      [[ok, ok, "354 Go"], 600_000, "unknown"],
    ] as const) {
      const talk = await Talk.ready();
      const sending = talk.client.send(message);
      await settled();
      for (const reply of replies) {
        talk.wire.time += 1_000;
        await talk.say(reply);
      }
      expect(await talk.expire()).toBe(span);
      expect((await sending).outcomes).toMatchObject([{ status }]);
    }
  });

  it("C-SES-09 quits when all is done, and takes no more", async () => {
    const talk = await Talk.ready();
    const sending = talk.client.send(message);
    const quitting = talk.client.quit();
    await expect(talk.client.send(message)).rejects.toThrow(UsageError);
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    await talk.say("354 Go");
    expect(await talk.say(ok)).toBe("QUIT\r\n");
    expect((await sending).accepted).toHaveLength(1);
    await talk.say("221 2.0.0 Bye");
    await quitting;
    expect(await talk.client.closed).toEqual({ failure: null, reply: null, error: null });
  });

  it("hooks that throw change nothing", async () => {
    const fail = (): never => {
      throw new Error("hook");
    };
    const talk = await Talk.ready([], { observe: { receive: fail, send: fail, event: fail } });
    const noop = talk.client.noop();
    await settled();
    await talk.say(ok);
    expect((await noop).code).toBe(250);
    expect(talk.errors.length).toBeGreaterThan(3);
  });
});

describe("a transport that is full", () => {
  async function inContent(
    body: AsyncIterable<string>,
    timers = {},
  ): Promise<{ talk: Talk; sending: Promise<unknown> }> {
    const talk = await Talk.ready([], { timers });
    const sending = talk.client.send({ ...message, body });
    await settled();
    await talk.say(ok);
    await talk.say(ok);
    talk.wire.isFull = true;
    talk.heard();
    await talk.say("354 Go");
    return { talk, sending };
  }

  it("nothing more is read of the source before it has drained", async () => {
    let read = 0;
    async function* counted(): AsyncGenerator<string> {
      for (; read < 5; read++) yield "x\r\n";
    }
    const { talk, sending } = await inContent(counted());
    expect(talk.heard()).toBe("");
    expect(read).toBe(0);
    for (let time = 0; time < 10 && read < 5; time++) {
      talk.wire.drained();
      await settled();
    }
    talk.wire.drained();
    await settled();
    talk.wire.drained();
    await talk.say(ok);
    expect(await sending).toMatchObject({ accepted: ["b@example.com"] });
  });

  it("C-PIPE-03 C-TXN-14 replies are read all the same", async () => {
    const { talk, sending } = await inContent(pieces("x\r\n", "y\r\n"));
    talk.wire.drained();
    await settled();
    expect(talk.wire.reads).toBe(true);
    await talk.say("421 4.3.2 Going down");
    expect(await sending).toMatchObject({ outcomes: [{ status: "notTried", reason: { code: 421 } }] });
  });

  it("L-TIME-06 content that does not leave within 3 minutes ends the connection", async () => {
    const { talk, sending } = await inContent(pieces("x\r\n", "y\r\n"));
    talk.wire.drained();
    await settled();
    expect(await talk.expire()).toBe(180_000);
    expect(await sending).toMatchObject({ outcomes: [{ status: "notTried", reason: { code: "timeout" } }] });
    expect(talk.wire.closed).toBe(true);
  });

  it("a write that fails loses the connection", async () => {
    const { talk, sending } = await inContent(pieces("x\r\n"));
    talk.wire.drained(new Error("EPIPE"));
    expect(await sending).toMatchObject({ notTried: ["b@example.com"] });
  });
});

async function* pieces<T extends string | Uint8Array>(...all: (T | Promise<T>)[]): AsyncGenerator<T> {
  for (const piece of all) yield await piece;
}

function delayed(text: string): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve(text), 10));
}

describe("for whom a client speaks", () => {
  const listed = ["XCLIENT NAME ADDR LOGIN", "AUTH PLAIN"];
  const xclient = { addr: "192.0.2.9", name: null };

  it("X-XCL-06 tells it before AUTH, on which it has no hold", async () => {
    const talk = new Talk({ xclient, auth: { user: "dana", pass: "secret" }, allowInsecureAuth: true });
    await talk.say("220 mx");
    expect(await talk.say(...hello(listed))).toBe("XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.9\r\n");
    expect(await talk.say("220 mx again")).toBe("EHLO client.example.net\r\n");
    expect(await talk.say(...hello(listed))).toMatch(/^AUTH PLAIN /);
    await talk.say("235 ok");
    await talk.client.ready;
  });

  it.each([
    ["refuses it", listed, "550 5.7.0 no", "xclient-refused"],
    ["does not offer it", ["AUTH PLAIN"], null, "extension-missing"],
  ])("is of no use where the server %s", async (_, offer, refusal, code) => {
    const talk = new Talk({ xclient });
    await talk.say("220 mx");
    await talk.say(...hello(offer));
    if (refusal !== null) await talk.say(refusal);
    expect((await rejection(talk.client.ready)).code).toBe(code);
    expect(talk.wire.sent).toMatch(/QUIT\r\n$/);
  });
});

describe("mail on demand", () => {
  const handlers = (kept: string[]): Handlers => ({
    rcpt: () => undefined,
    async message({ body }) {
      for await (const octets of body) kept.push(Buffer.from(octets).toString());
      return reply(250, "2.0.0", "Kept");
    },
  });

  it("X-ATRN-03 becomes the server, which greets, on the same connection", async () => {
    const kept: string[] = [];
    const talk = await Talk.ready(["ATRN"]);
    const turned = talk.client.atrn(["example.com", "example.org"], (transport) =>
      serve(new ServerSession({ name: "customer.example.com" }), transport, handlers(kept), {
        id: 1,
        peer: null,
        local: null,
      }),
    );
    await settled();
    expect(talk.heard()).toBe("ATRN example.com,example.org\r\n");
    expect(await talk.say("250 reversing")).toBe("220 customer.example.com ESMTP\r\n");
    await turned;
    expect(await talk.client.closed).toMatchObject({ failure: null });
    expect(talk.client.open).toBe(false);
    expect(talk.wire.closed).toBe(false);
    await talk.say("EHLO odmr.example.net");
    await talk.say("MAIL FROM:<a@example.net>", "RCPT TO:<b@example.com>", "DATA");
    expect(await talk.say("hi", ".")).toBe("250 2.0.0 Kept\r\n");
    expect(kept).toEqual(["hi\r\n"]);
    expect(await talk.say("QUIT")).toMatch(/^221 /);
    expect(talk.wire.closed).toBe(true);
  });

  it("closes the connection, and says so, when nobody takes the other role", async () => {
    const talk = await Talk.ready(["ATRN"]);
    const asked = rejection(
      talk.client.atrn([], () => {
        throw new Error("no server here");
      }),
    );
    await settled();
    await talk.say("250 reversing");
    expect((await asked).code).toBe("closed");
    expect(talk.errors).toMatchObject([{ message: "no server here" }]);
    expect(talk.wire.closed).toBe(true);
    await talk.client.closed;
  });

  it("X-ATRN-02 goes on as before where the server has no mail", async () => {
    const talk = await Talk.ready(["ATRN"]);
    const asked = rejection(
      talk.client.atrn([], () => {
        throw new Error("never");
      }),
    );
    await settled();
    await talk.say("453 You have no mail");
    expect((await asked).reply?.code).toBe(453);
    const noop = talk.client.noop();
    await talk.say("250 ok");
    expect((await noop).code).toBe(250);
  });

  it("says no ATRN for what is not a domain", async () => {
    const talk = await Talk.ready(["ATRN"]);
    await expect(talk.client.atrn(["a b"], () => talk.client.connection)).rejects.toThrow(UsageError);
    expect(talk.heard()).toBe("");
  });
});
