import { challenge, encodeUtf8, reply, ServerSession } from "@sansmtp/core";
import {
  readRecording,
  recordServer,
  redact,
  replay,
  Transcript,
  type Wired,
  wire,
  writeRecording,
} from "@sansmtp/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const password = "tim-tanstaaftanstaaf";
const secretsOf = [password, btoa(password), btoa(`\0tim\0${password}`), btoa("tim"), btoa("Username:")];

/** A client that authenticates by LOGIN with a mistake, then by PLAIN, and sends a message that talks of AUTH. */
function authenticated(split?: number): Wired {
  const config = { name: "mx.example.com", tls: "offered", mechanisms: ["PLAIN", "LOGIN"] } as const;
  return wire({
    client: {
      config: { name: "client.example.net", tls: "required" },
      begin: (session) => {
        session.auth("LOGIN", null);
        session.auth("PLAIN", encodeUtf8(`\0tim\0${password}`));
      },
      on: (event, session) => {
        if (event.type !== "challenge") return;
        session.respond(encodeUtf8(event.octets[0] === 85 ? "tim" : password));
      },
      messages: [
        {
          from: "a@example.net",
          to: ["b@example.com"],
          content: "Subject: x\r\n\r\nAUTH PLAIN is fine here\r\nso is this\r\n",
        },
      ],
    },
    server: {
      config,
      answers: {
        auth: ({ mechanism, step }) => {
          if (mechanism === "PLAIN") return reply(235, "2.7.0", "Welcome");
          return step < 2 ? challenge(step === 0 ? "Username:" : "Password:") : reply(535, "5.7.8", "No");
        },
      },
    },
    record: true,
    split,
  });
}

describe("G13 what AUTH carries", () => {
  test.each([undefined, 1, 5])("is in no transcript and in no recording: pieces of %s", (split) => {
    const wired = authenticated(split);
    expect(wired.accepted).toHaveLength(1);
    const { client, server } = wired.recorders;
    for (const text of [wired.transcript(), String(client), String(server)]) {
      for (const secret of secretsOf) expect(text).not.toContain(secret);
    }
    expect(wired.transcript()).toContain("C: AUTH PLAIN (secret)\n");
    expect(wired.transcript()).toContain("S: 334 (secret)\nC: (secret)\n");
    expect(wired.transcript()).toContain("C: AUTH PLAIN is fine here\nC: so is this\n");
  });

  test("is there when it is asked for", () => {
    const { transcript, recorders } = authenticated();
    expect(transcript({ secrets: true })).toContain(`C: AUTH PLAIN ${btoa(`\0tim\0${password}`)}\n`);
    expect(writeRecording(recorders.server?.recording({ secrets: true }) as never)).toContain(btoa(password));
  });

  test("stays secret when it is said without waiting, malformed, cancelled, or in lower case", () => {
    const transcript = new Transcript();
    const hear = (from: "client" | "server", text: string): void =>
      transcript.heard(from, encodeUtf8(text), 0);
    hear("client", "NOOP\r\nauth login\r\nhunter\r\nhunter2\r\n");
    hear("server", "250 OK\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n535 No\r\n");
    hear("client", "AUTH  PLAIN  hunter!\r\n");
    hear("server", "501 No\r\n");
    hear("client", "MAIL FROM:<a@example.net>\r\n");
    expect(transcript.write()).not.toMatch(/hunter|VXNl|UGFz/);
    expect(transcript.write()).toContain("C: MAIL FROM:<a@example.net>");
  });
});

describe("G13 what the URL of BURL opens", () => {
  const token = "91354a473744909de610943775f92038";
  const url = `imap://imap.example.com/${"Drafts/".repeat(150)};UID=25;urlauth=submit+a:internal:${token}`;

  function fetched(split: number) {
    const recorder = recordServer({
      name: "mx.example.com",
      service: "submission",
      authRequired: false,
      mechanisms: ["SCRAM-SHA-256"],
      extensions: { burl: { urls: ["imap"] } },
    });
    const transcript = new Transcript();
    const octets = encodeUtf8(
      `EHLO me.example\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nBURL ${url}\r\nBURL ${url} LAST\r\nNOOP\r\n`,
    );
    const asked: string[] = [];
    for (let at = 0; at < octets.length; at += split) {
      transcript.heard("client", octets.subarray(at, at + split), 0);
      recorder.session.receive(octets.subarray(at, at + split));
      for (let event = recorder.session.poll(); event !== null; event = recorder.session.poll()) {
        if (event.type === "burl") asked.push(event.url);
        const given =
          event.type === "burl" || event.type === "message" ? reply(250, "2.0.0", "Ok") : undefined;
        if ("id" in event) recorder.session.answer(event.id, given);
      }
    }
    return { recorder, transcript, asked };
  }

  test.each([1, 7, 5000])("is in no transcript and in no recording, which replays: pieces of %i", (split) => {
    const { recorder, transcript, asked } = fetched(split);
    expect(asked).toEqual([url, url]);
    const recording = redact(recorder.recording({ secrets: true }));
    const text = `${transcript.write()}\n${writeRecording(recording)}`;
    expect(text).not.toMatch(/91354a|Drafts|submit/);
    expect(transcript.write()).toContain(
      "C: BURL imap://imap.example.com/(secret)\nC: BURL imap://imap.example.com/(secret) LAST\nC: NOOP",
    );
    expect(replay(recording).diff).toBeNull();
    expect(redact(recording)).toEqual(recording);
  });
});

describe("a recording", () => {
  test("replays exactly, with its secrets and without, and after it was written and read", () => {
    const { client, server } = authenticated(7).recorders;
    for (const recorder of [client, server]) {
      for (const secrets of [true, false]) {
        const recording = recorder?.recording({ secrets });
        if (recording === undefined) throw new Error("nothing was recorded");
        const again = readRecording(writeRecording(recording));
        expect(again).toEqual(recording);
        expect(replay(again).diff).toBeNull();
        expect(redact(redact(again))).toEqual(redact(again));
      }
    }
  });

  test("shows the first call that differs", () => {
    const recorder = recordServer({ name: "mx.example.com" });
    for (let event = recorder.session.poll(); event !== null; event = recorder.session.poll()) {
      if ("id" in event) recorder.session.answer(event.id, undefined);
    }
    const { same, diff, steps } = replay(recorder.recording(), { name: "mx.example.org" });
    expect(same).toBe(false);
    expect(steps).toHaveLength(4);
    expect(diff).toMatch(/^call \d of 4 differs\n {2}poll\(\)/);
    expect(diff).toMatch(/\n- .*mx\.example\.com ESMTP.*\n\+ .*mx\.example\.org ESMTP/);
  });

  test("has the errors of its caller, too, and copies what it is given", () => {
    const { session, recording } = recordServer({ name: "mx.example.com" });
    const octets = encodeUtf8("NOOP\r\n");
    session.receive(octets, 5);
    octets.fill(0);
    session.receiveEnd();
    expect(() => session.receive(octets)).toThrow("ended already");
    expect(recording().calls.map(({ throws }) => throws)).toEqual([
      undefined,
      undefined,
      expect.stringMatching("ended"),
    ]);
    expect(recording().calls[0]?.with).toEqual([encodeUtf8("NOOP\r\n"), 5]);
    expect(replay(recording()).same).toBe(true);
  });

  test("is a session like any other for whoever uses it", () => {
    const { session } = recordServer({ name: "mx.example.com" });
    expect(session).toBeInstanceOf(ServerSession);
    expect({ waiting: session.waiting, wantsInput: session.wantsInput }).toEqual({
      waiting: "nothing",
      wantsInput: true,
    });
    expect(ServerSession.restore({ name: "mx.example.com" }, session.snapshot()).phase).toBe(session.phase);
  });

  test.each([
    ["", "line 1"],
    ["{}", "line 1"],
    ["nonsense", "line 1: not JSON"],
    ['{"sansmtp":1,"side":"server","config":{"name":"a.example"},"now":0}\n{"call":1}', "line 2: not a call"],
  ])("is not read from %j", (text, message) => {
    expect(() => readRecording(text)).toThrow(message);
  });

  test("does not call what is no call of a session", () => {
    const head = '{"sansmtp":1,"side":"server","config":{"name":"a.example"},"now":0}';
    const recording = readRecording(`${head}\n{"call":"constructor","with":[]}`);
    expect(() => replay(recording)).toThrow('no session has a call "constructor"');
  });
});

test("G13 no line of an exchange is shown, however it is cut and whatever it holds", () => {
  const secret = fc.string({ unit: fc.constantFrom(..."ABCDEFghij0123+/="), minLength: 4, maxLength: 40 });
  fc.assert(
    fc.property(secret, fc.integer({ min: 1, max: 20 }), (line, size) => {
      const transcript = new Transcript();
      const text = `AUTH X ${line}\r\n${line}\r\n`;
      for (let at = 0; at < text.length; at += size)
        transcript.heard("client", encodeUtf8(text.slice(at, at + size)), 0);
      expect(transcript.write()).toBe("C: AUTH X (secret)\nC: (secret)");
    }),
  );
});
