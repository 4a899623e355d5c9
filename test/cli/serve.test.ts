import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Mail, Program, RawClient, type Running } from "./program.ts";

let program: Program;
let mail: Mail;
let server: Running | null = null;

beforeAll(async () => {
  program = await Program.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  mail = await Mail.folder();
});

afterEach(async () => {
  server?.child.kill("SIGKILL");
  await server?.exit;
  server = null;
  await mail.remove();
});

describe("sessions of the oldest textbook kind", () => {
  it("S-EHLO-05 H-RCV-01 H-RCV-02 H-RCV-03 H-RCV-04 H-RPT-01 HELO by hand, up to 250 queued", async () => {
    const client = await start();
    expect(await client.reply()).toBe("220 mx.example.com ESMTP");
    expect(await client.say("HELO client.example.net")).toBe("250 mx.example.com");
    expect(await client.say("MAIL FROM:<a@example.net>")).toBe("250 2.1.0 Sender ok");
    expect(await client.say("RCPT TO:<b@example.com>")).toBe("250 2.1.5 Recipient ok");
    expect(await client.say("DATA")).toMatch(/^354 /);
    client.write(
      "Received: from x by y; Mon, 1 Jan 2001 00:00:00 +0000\r\nReturn-Path: <old@example.net>\r\n",
    );
    client.write("Subject: x\r\n\r\n..leading dot\r\n");
    const reply = await client.say(".");
    const [, id] = /^250 2\.0\.0 Ok: queued as (\S+)$/.exec(reply) ?? [];
    expect(await client.say("QUIT")).toBe("221 2.0.0 mx.example.com closing");
    await client.closed();

    const [name] = await mail.names();
    expect(name).toMatch(new RegExp(`^[0-9]{10}\\.${id}\\.[^:/]+$`));
    const [message] = await mail.messages();
    const text = message!.toString("latin1");
    const [, , now] = /^([^;]*); (.*)\r\n/.exec(text) ?? [];
    expect(text.replaceAll("\r\n\t", " ").replace(`; ${now}`, "; NOW")).toBe(
      "Return-Path: <a@example.net>\r\n" +
        `Received: from client.example.net ([127.0.0.1]) by mx.example.com with SMTP id ${id} for <b@example.com>; NOW\r\n` +
        "Received: from x by y; Mon, 1 Jan 2001 00:00:00 +0000\r\nReturn-Path: <old@example.net>\r\n" +
        "Subject: x\r\n\r\n.leading dot\r\n",
    );
    expect(now).toMatch(
      /^[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}$/,
    );
    expect(Math.abs(Date.parse(now!) - Date.now())).toBeLessThan(60_000);
    expect(server!.stdout).toContain(`[1] stored ${id}, `);
    expect(await mail.names("tmp")).toEqual([]);
  });

  it("S-SES-01 S-EHLO-04 S-EHLO-07 X-SIZE-01 EHLO after a greeting of two lines", async () => {
    const client = await start(
      "--banner",
      "ESMTP at your service",
      "--banner",
      "no spam",
      "--max-size",
      "14680064",
    );
    expect(await client.reply()).toBe("220-mx.example.com ESMTP at your service\r\n220 no spam");
    const lines = (await client.say("EHLO client.example.net")).split("\r\n");
    expect(lines[0]).toBe("250-mx.example.com");
    expect(lines.map((line) => line.slice(4)).slice(1)).toEqual([
      "PIPELINING",
      "SIZE 14680064",
      "8BITMIME",
      "SMTPUTF8",
      "ENHANCEDSTATUSCODES",
      "CHUNKING",
      "BINARYMIME",
      "HELP",
    ]);
    expect(lines.at(-1)).toMatch(/^250 /);
    expect(await client.say("HELP")).toMatch(/^214-/);
    expect(await client.deliver("Subject: x\r\n")).toMatch(/^250 2\.0\.0 Ok: queued as /);
    expect(await client.say("MAIL FROM:<a@example.net> SIZE=14680065")).toMatch(/^552 5\.3\.4 /);
    expect(await client.say("QUIT")).toMatch(/^221 /);
  });
});

describe("keeping", () => {
  it("S-DATA-13 H-RCV-01 60 MB of any octets, octet for octet, in little memory", {
    timeout: 60_000,
  }, async () => {
    const client = await greeted("--max-size", "64M");
    const octets = randomBytes(60_000_000);
    await client.say("MAIL FROM:<a@example.net> BODY=BINARYMIME");
    await client.say("RCPT TO:<b@example.com>");
    for (let at = 0; at < octets.length; at += 20_000_000) {
      const chunk = octets.subarray(at, at + 20_000_000);
      const last = at + chunk.length === octets.length ? " LAST" : "";
      client.write(`BDAT ${chunk.length}${last}\r\n`);
      client.write(chunk);
      expect(await client.reply()).toMatch(/^250 /);
    }
    const [message] = await mail.messages();
    const content = message!.subarray(message!.length - octets.length);
    expect(createHash("sha256").update(content).digest("hex")).toBe(
      createHash("sha256").update(octets).digest("hex"),
    );
    const trace = message!.subarray(0, message!.length - octets.length).toString("latin1");
    expect(trace).toMatch(/^Return-Path: <a@example\.net>\r\nReceived: (?:[^\r\n]|\r\n\t)*\r\n$/);
    if (process.platform !== "linux") return;
    const status = await readFile(`/proc/${server!.child.pid}/status`, "utf8");
    expect(Number(/VmHWM:\s+([0-9]+) kB/.exec(status)?.[1])).toBeLessThan(160_000);
  });

  it("S-DATA-09 S-SES-12 of a message that breaks off nothing is kept", async () => {
    for (const end of ["reset", "close", "RSET"]) {
      const client = end === "reset" ? await greeted() : await again();
      await client.say("MAIL FROM:<a@example.net>");
      await client.say("RCPT TO:<b@example.com>");
      if (end === "RSET") {
        await client.say("BDAT 4\r\nabcd");
        await client.say("RSET");
        client.socket.destroy();
      } else {
        await client.say("DATA");
        client.write(`${"x".repeat(76)}\r\n`.repeat(10_000));
        await server!.output(/S: 354/);
        if (end === "reset") client.socket.resetAndDestroy();
        else client.socket.end();
      }
    }
    await server!.output(/\[3\] closed/);
    await server!.output(/\[1\] closed/);
    await server!.output(/\[2\] closed/);
    await expect.poll(() => mail.names("tmp")).toEqual([]);
    expect(await mail.names("new")).toEqual([]);
  });

  it("S-DATA-09 when the disk takes no more: 452, nothing is kept, and the session goes on", async () => {
    // A limit of 64 KiB on files (128 blocks of 512 octets) stands in for a full disk.
    const through = ["sh", "-c", 'ulimit -f 128 && exec "$@"', "sh"];
    server = await program.serve(["--name", "mx.example.com", "--directory", mail.directory], { through });
    const client = await again();
    expect(await client.deliver(`${"x".repeat(98)}\r\n`.repeat(2000))).toBe(
      "452 4.3.1 Insufficient system storage",
    );
    expect(await mail.names("new")).toEqual([]);
    expect(await mail.names("tmp")).toEqual([]);
    expect(server.stdout).toMatch(/^\[1\] error: a message could not be kept: EFBIG/m);
    expect(await client.deliver("Subject: small\r\n")).toMatch(/^250 /);
    expect((await mail.names("new")).length).toBe(1);
  });

  it("H-LOOP-01 L-RETRY-05 a message with 100 Received fields goes round in a loop, one with 99 does not", async () => {
    const client = await greeted();
    const received = "Received: from a by b; Mon, 23 Nov 2026 16:11:00 +0100\r\n";
    expect(await client.deliver(`${received.repeat(99)}\r\n${received}`)).toMatch(/^250 /);
    expect(await client.deliver(`${received.repeat(100)}\r\n${"body\r\n".repeat(100_000)}`)).toMatch(
      /^554 5\.4\.6 /,
    );
    expect((await mail.names("new")).length).toBe(1);
    expect(await mail.names("tmp")).toEqual([]);
  });

  it("H-RCV-03 SEC-TRU-03 several recipients: one message, whose trace does not name them", async () => {
    const client = await greeted();
    expect(await client.deliver("x\r\n", ["b@example.com", "c@example.com"])).toMatch(/^250 /);
    const [message] = await mail.messages();
    expect(message!.toString()).not.toContain("example.com>");
    expect(server!.stdout).toContain("from a@example.net to b@example.com, c@example.com: ");
  });

  it("H-RPT-01 the null reverse-path is kept as <>", async () => {
    const client = await greeted();
    await client.deliver("x\r\n", ["Postmaster"], "");
    const [message] = await mail.messages();
    expect(message!.toString()).toMatch(/^Return-Path: <>\r\nReceived: /);
  });

  it("M-LMTP-04 LMTP over a Unix socket: one file, the same verdict for each recipient", async () => {
    const socket = `${mail.directory}.socket`;
    server = await program.serve([
      "--lmtp",
      "--socket",
      socket,
      "--name",
      "mx.example.com",
      "--directory",
      mail.directory,
    ]);
    const client = await RawClient.connect(socket);
    expect(await client.reply()).toBe("220 mx.example.com LMTP");
    expect(await client.say("LHLO client.example.net")).toMatch(/^250-mx/);
    const first = await client.deliver("x\r\n", ["b@example.com", "c@example.com"]);
    expect(first).toMatch(/^250 2\.0\.0 Ok: queued as /);
    expect(await client.reply()).toBe(first);
    expect((await mail.messages())[0]!.toString()).toMatch(/ with LMTP\s/);
    expect(server.stdout).toMatch(/stored .*\n\[1\] S: 250 .*\n\[1\] S: 250 .*queued/);
    // Killed, it leaves the file of the socket behind, which the next one takes over; a living one it leaves alone.
    server.child.kill("SIGKILL");
    await server.exit;
    server = await program.serve(["--lmtp", "--socket", socket, "--directory", mail.directory]);
    const second = await program.run(["serve", "--socket", socket, "--directory", mail.directory]);
    expect(second).toMatchObject({ code: 69, stdout: "" });
    expect(second.stderr).toBe(
      `sansmtp: cannot listen on ${socket}: another program does, or a file of that name exists\n`,
    );
  });
});

describe("recipients", () => {
  it("SEC-TRU-01 --accept takes mail for these domains only; Postmaster is always there", async () => {
    const client = await greeted("--accept", "example.com", "--accept", "[127.0.0.1]");
    await client.say("MAIL FROM:<a@example.net>");
    expect(await client.say("RCPT TO:<b@EXAMPLE.com>")).toMatch(/^250 /);
    expect(await client.say("RCPT TO:<b@[127.0.0.1]>")).toMatch(/^250 /);
    expect(await client.say("RCPT TO:<Postmaster>")).toMatch(/^250 /);
    expect(await client.say("RCPT TO:<b@example.net>")).toBe("550 5.7.1 Relaying denied");
    expect(server!.stdout).toContain("Mail is taken for example.com, [127.0.0.1] only.");
  });

  it("--reject refuses an address, however quoted, the domain in any case", async () => {
    const client = await greeted("--reject", "No.Body@example.com", "--reject", "x@example.com");
    await client.say("MAIL FROM:<a@example.net>");
    expect(await client.say('RCPT TO:<"No.Body"@EXAMPLE.com>')).toBe("550 5.1.1 No such user here");
    expect(await client.say("RCPT TO:<x@example.com>")).toBe("550 5.1.1 No such user here");
    expect(await client.say("RCPT TO:<no.body@example.com>")).toMatch(/^250 /);
  });
});

describe("TLS", () => {
  it("T-TLS-01 STARTTLS with a certificate of its own, whose fingerprint it prints", async () => {
    const client = await greeted("--self-signed");
    expect(client.heard).toMatch(/^250.STARTTLS\r$/m);
    const secure = await upgrade(client);
    const fingerprint = /SHA-256 fingerprint is ([0-9A-F:]+)/.exec(server!.stdout)?.[1];
    expect(secure.fingerprint).toBe(fingerprint);
    expect(await secure.client.say("EHLO client.example.net")).not.toContain("STARTTLS");
    await secure.client.deliver("x\r\n");
    expect((await mail.messages())[0]!.toString()).toMatch(/ with ESMTPS\s/);
    expect(server!.stdout).toMatch(
      /C: STARTTLS\n\[1\] S: 220 .*\n\[1\] TLSv1\.3, TLS_[A-Z0-9_]+\n\[1\] C: EHLO/,
    );
  });

  it("T-TLS-08 --require-tls", async () => {
    const client = await greeted("--self-signed", "--require-tls");
    expect(await client.say("MAIL FROM:<a@example.net>")).toMatch(/^530 5\.7\.0 /);
  });

  it("T-IMP-01 --implicit-tls with a key and a certificate from files", async () => {
    const { key, cert } = await selfSigned();
    await writeFile(`${mail.directory}.key`, key);
    await writeFile(`${mail.directory}.cert`, cert);
    const tls = ["--tls-key", `${mail.directory}.key`, "--tls-cert", `${mail.directory}.cert`];
    server = await program.serve([
      "--implicit-tls",
      ...tls,
      "--name",
      "mx.example.com",
      "--directory",
      mail.directory,
    ]);
    const socket = connectTls({ port: server.port, rejectUnauthorized: false });
    const client = new RawClient(socket);
    expect(await client.reply()).toBe("220 mx.example.com ESMTP");
    expect(await client.say("EHLO client.example.net")).not.toContain("STARTTLS");
    socket.destroy();
  });

  async function upgrade(client: RawClient): Promise<{ client: RawClient; fingerprint: string }> {
    await client.say("STARTTLS");
    client.socket.removeAllListeners("data");
    const socket = connectTls({ socket: client.socket, rejectUnauthorized: false });
    await once(socket, "secureConnect");
    return { client: new RawClient(socket), fingerprint: socket.getPeerCertificate().fingerprint256 };
  }

  async function selfSigned(): Promise<{ key: string; cert: string }> {
    const { selfSigned: make } = await import("../../packages/cli/src/certificate.ts");
    return make("mx.example.com");
  }
});

describe("what is printed", () => {
  it("the dialogue, and nothing else, without colours where no terminal is", async () => {
    const client = await greeted();
    await client.deliver("Subject: x\r\n\r\nhello\r\n");
    await client.say("QUIT");
    await client.closed();
    await server!.output(/closed/);
    const text = server!.stdout.replace(/[0-9]{10}\.M\S+/g, "FILE").replace(/M[0-9]{6}R[0-9a-f]{12}/g, "ID");
    expect(
      text.replace(/127\.0\.0\.1:[0-9]+/g, "ADDRESS").replace(/[0-9]+ octets, from/, "N octets, from"),
    ).toBe(
      [
        `Listening on ADDRESS, keeping mail in ${mail.directory}`,
        "Any recipient is accepted; nothing is passed on.",
        "[1] connection from ADDRESS",
        "[1] S: 220 mx.example.com ESMTP",
        "[1] C: EHLO client.example.net",
        "[1] S: 250-mx.example.com",
        "[1] S: 250-PIPELINING",
        "[1] S: 250-SIZE 26214400",
        "[1] S: 250-8BITMIME",
        "[1] S: 250-SMTPUTF8",
        "[1] S: 250-ENHANCEDSTATUSCODES",
        "[1] S: 250-CHUNKING",
        "[1] S: 250-BINARYMIME",
        "[1] S: 250 HELP",
        "[1] C: MAIL FROM:<a@example.net>",
        "[1] S: 250 2.1.0 Sender ok",
        "[1] C: RCPT TO:<b@example.com>",
        "[1] S: 250 2.1.5 Recipient ok",
        "[1] C: DATA",
        "[1] S: 354 Start mail input; end with <CRLF>.<CRLF>",
        "[1] C: (21 octets of content)",
        `[1] stored ID, N octets, from a@example.net to b@example.com: ${mail.directory}/new/FILE`,
        "[1] S: 250 2.0.0 Ok: queued as ID",
        "[1] C: QUIT",
        "[1] S: 221 2.0.0 mx.example.com closing",
        "[1] closed: quit",
        "",
      ].join("\n"),
    );
  });

  it("A-AUTH-26 A-SCRAM-08 G13 who has a password logs in by SCRAM, and it shows nowhere", async () => {
    const records = join(mail.directory, "..", "records");
    server = await program.serve([
      ...["--name", "mx.example.com", "--directory", mail.directory, "--self-signed", "--record", records],
      ...["--auth-user", "you:frotz", "--auth-user", "me:xyzzy:plugh"],
    ]);
    const message = join(mail.directory, "..", "message.eml");
    await writeFile(message, "Subject: x\n\n");
    const send = (password: string, ...more: string[]) =>
      program.run(
        [
          ...["send", "--port", String(server!.port), "--from", "a@example.net", "--to", "b@example.com"],
          ...["--user", "me", "--password-env", "SECRET", "--insecure", "--show-dialogue", ...more, message],
        ],
        { environment: { SECRET: password } },
      );
    const sent = await send("xyzzy:plugh");
    expect(sent).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^C: AUTH SCRAM-SHA-256-PLUS \*\*\*$/m),
    });
    const wrong = await send("xyzzy:plover");
    expect(wrong).toMatchObject({ code: 77, stderr: expect.stringMatching(/^S: 535 5\.7\.8 /m) });
    const inTheClear = await send("xyzzy:plugh", "--tls", "never");
    expect(inTheClear).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^C: AUTH SCRAM-SHA-256 \*\*\*$/m),
    });
    const recorded = await Promise.all(
      (await readdir(records)).map((name) => readFile(join(records, name), "utf8")),
    );
    expect(recorded).toHaveLength(3);
    const shown = [sent, wrong, inTheClear].map(({ stdout, stderr }) => stdout + stderr).join();
    expect(shown + recorded.join() + server.stdout).not.toMatch(/xyzzy|eHl6en|plugh|frotz/);
    expect(server.stdout).toMatch(/^\[1\] C: AUTH SCRAM-SHA-256-PLUS \*\*\*$/m);
  });

  it("G13 SEC-TRU-07 no password, no escape sequence, no forged line", async () => {
    const client = await greeted("--show-content");
    await client.say("AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=");
    await client.say("NOOP \x1b[2J\r[9] S: 250\n[9] C: x\x9b");
    await client.deliver("Subject: \x1b]0;x\x07\r\n");
    await server!.output(/stored/);
    expect(server!.stdout).toContain("[1] C: AUTH PLAIN ***\n");
    expect(server!.stdout).toContain("[1] C: NOOP \\x1B[2J\\x0D[9] S: 250\\x0A[9] C: x\\x9B\n");
    expect(server!.stdout).toContain("[1] C| Subject: \\x1B]0;x\\x07\n");
    expect(server!.stdout).toMatch(/^\[1\] broken rule S-LINE-10: /m);
    expect(server!.stdout).toMatch(/^[\n\x20-\x7e]*$/);
    expect(server!.stdout).not.toContain("dGVzd");
  });

  it("--json: an object for each event", async () => {
    const client = await greeted("--json");
    await client.say("FOO");
    const reply = await client.deliver("Subject: x\r\n");
    await client.say("QUIT");
    await client.closed();
    await server!.output(/"closed"/);
    await server!.stop();
    const id = reply.split(" ").at(-1);
    const { entries } = server!;
    const events = entries.map(({ event }) => event);
    expect(events.slice(0, 3)).toEqual(["listening", "connected", "server"]);
    expect(events.slice(-4)).toEqual(["client", "server", "closed", "stopping"]);
    expect(entries[0]).toMatchObject({
      address: `127.0.0.1:${server!.port}`,
      port: server!.port,
      directory: mail.directory,
    });
    expect(entries.find(({ event }) => event === "violation")).toMatchObject({
      connection: 1,
      rule: "S-LINE-13",
    });
    expect(entries.find(({ event }) => event === "received")).toMatchObject({ connection: 1, octets: 12 });
    const file = join(mail.directory, "new", (await mail.names())[0]!);
    expect(entries.find(({ event }) => event === "stored")).toMatchObject({
      connection: 1,
      id,
      file,
      octets: (await readFile(file)).length,
      from: "a@example.net",
      to: ["b@example.com"],
    });
    expect(entries.find(({ event }) => event === "closed")).toMatchObject({ connection: 1, reason: "quit" });
    for (const { time } of entries) expect(new Date(String(time)).toISOString()).toBe(time);
  });

  it("--quiet: nothing", async () => {
    server = await program.serve(["--count", "1", "--directory", mail.directory]);
    const port = String(server.port);
    await server.stop();
    const quiet = program.run([
      "serve",
      "--quiet",
      "--count",
      "1",
      "--port",
      port,
      "--directory",
      mail.directory,
    ]);
    const client = await patiently(() => RawClient.connect(Number(port)));
    await client.reply();
    await client.say("HELO client.example.net");
    await client.deliver("x\r\n");
    await client.say("QUIT");
    expect(await quiet).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});

describe("stopping", () => {
  it("--count: exits with 0 after so many messages, and lets the client say QUIT", async () => {
    const client = await greeted("--count", "2");
    await client.deliver("x\r\n");
    await client.deliver("x\r\n");
    expect(await client.say("NOOP")).toMatch(/^250 /);
    expect(await client.say("QUIT")).toMatch(/^221 /);
    expect(await server!.exit).toBe(0);
    expect((await mail.names()).length).toBe(2);
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "S-SES-11 %s: idle clients get 421, an open transaction may end",
    async (signal) => {
      const idle = await greeted();
      const busy = await again();
      await busy.say("MAIL FROM:<a@example.net>");
      await busy.say("RCPT TO:<b@example.com>");
      await busy.say("DATA");
      server!.child.kill(signal);
      expect(await idle.reply()).toMatch(/^421 4\.3\.2 /);
      busy.write("Subject: x\r\n");
      expect(await busy.say(".")).toMatch(/^250 2\.0\.0 Ok: queued as /);
      expect(await busy.reply()).toMatch(/^421 /);
      expect(await server!.exit).toBe(0);
      expect((await mail.names()).length).toBe(1);
    },
  );

  it("a second signal ends it at once", async () => {
    const busy = await greeted();
    await busy.say("MAIL FROM:<a@example.net>");
    server!.child.kill("SIGINT");
    await server!.output(/Stopping/);
    server!.child.kill("SIGINT");
    expect(await server!.exit).toBe(130);
  });

  it("the end of whoever reads what is printed", async () => {
    const client = await greeted();
    server!.child.stdout!.destroy();
    await client.say("NOOP");
    await client.closed();
    expect(await server!.exit).toBe(0);
    expect(server!.stderr).toBe("");
  });
});

/** A client that has connected to a new server. */
async function start(...given: string[]): Promise<RawClient> {
  server = await program.serve(["--name", "mx.example.com", "--directory", mail.directory, ...given]);
  return RawClient.connect(server.port);
}

/** The same, after EHLO. */
async function greeted(...given: string[]): Promise<RawClient> {
  return hello(await start(...given));
}

/** One more client of the same server, after EHLO. */
async function again(): Promise<RawClient> {
  return hello(await RawClient.connect(server!.port));
}

async function hello(client: RawClient): Promise<RawClient> {
  await client.reply();
  await client.say("EHLO client.example.net");
  return client;
}

/** Tries until it works. */
async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 30));
    }
  }
}
