import { describe, expect } from "vitest";
import { run, type Tool } from "./tool.ts";
import { it, lines } from "./typist.ts";

const netcat: Tool = {
  name: "the nc of OpenBSD",
  packages: "netcat-openbsd",
  probe: ["nc", "-h"],
  prints: /OpenBSD netcat/,
};

describe("nc", () => {
  it("S-OLD-04 takes the session of the textbook, typed line by line", async ({ need, serve, at }) => {
    need(netcat);
    const server = await serve();
    const nc = at("nc", "-C", "127.0.0.1", String(server.port));
    expect(await nc.reply()).toMatch(/^220 mx\.example\.com/);
    expect(await nc.say("HELO client.example.net")).toMatch(/^250 mx\.example\.com/);
    expect(await nc.say("NOOP")).toMatch(/^250 /);
    expect(await nc.say("MAIL FROM:<wrong@example.net>")).toMatch(/^250 /);
    expect(await nc.say("RSET")).toMatch(/^250 /);
    expect(await nc.say("MAIL FROM:<a@example.net>")).toMatch(/^250 /);
    expect(await nc.say("RCPT TO:<b@example.com>")).toMatch(/^250 /);
    expect(await nc.say("DATA")).toMatch(/^354 /);
    nc.type("Subject: by hand", "", "It works.", "..and a dot.");
    expect(await nc.say(".")).toMatch(/^250 .*queued/);
    expect(await nc.say("QUIT")).toMatch(/^221 /);
    await nc.leave();
    await server.kept(lines("Subject: by hand", "", "It works.", ".and a dot."), { by: "SMTP" });
  });

  it("S-EHLO-04 X-SIZE-01 greets in two lines and lists SIZE, PIPELINING and HELP", async ({
    need,
    serve,
    at,
  }) => {
    need(netcat);
    const server = await serve("--banner", "ESMTP", "--banner", "No advertising", "--max-size", "14680064");
    const nc = at("nc", "-C", "127.0.0.1", String(server.port));
    expect(await nc.reply()).toMatch(
      /^220-mx\.example\.com ESMTP\r\n220 (?:mx\.example\.com )?No advertising$/,
    );
    const [first, ...extensions] = (await nc.say("EHLO client.example.net")).split("\r\n");
    expect(first).toMatch(/^250-mx\.example\.com/);
    expect(extensions.map((line) => line.slice(4))).toEqual(
      expect.arrayContaining(["SIZE 14680064", "PIPELINING", "HELP"]),
    );
    expect(extensions.map((line) => line.slice(0, 4))).toEqual([
      ...extensions.slice(1).map(() => "250-"),
      "250 ",
    ]);
    expect(await nc.say("HELP")).toMatch(/^214[ -]/);
    expect(await nc.say("QUIT")).toMatch(/^221 /);
    await nc.leave();
  });

  const whole = [
    ...["EHLO client.example.net", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.com>", "DATA"],
    ...["Subject: at once", "", "All in one go.", "."],
  ];
  const kept = lines("Subject: at once", "", "All in one go.");
  const replies = /^220 .*\r\n(?:250-.*\r\n)*250 .*\r\n250 .*\r\n250 .*\r\n354 .*\r\n250 .*queued.*\r\n/;

  it("X-PIPE-16 answers a session that is piped into it in one go", async ({ need, serve }) => {
    need(netcat);
    const server = await serve();
    const { code, stdout } = await run("nc", ["-N", "127.0.0.1", String(server.port)], {
      input: lines(...whole, "QUIT"),
    });
    expect(stdout).toMatch(replies);
    expect(stdout).toMatch(/queued.*\r\n221 .*\r\n$/);
    expect(code).toBe(0);
    await server.kept(kept, { by: "ESMTP" });
  });

  it("still answers a client that has closed its side after the message, without QUIT", async ({
    need,
    serve,
  }) => {
    need(netcat);
    const server = await serve();
    const { stdout } = await run("nc", ["-N", "127.0.0.1", String(server.port)], { input: lines(...whole) });
    expect(stdout).toMatch(replies);
    await server.kept(kept, { by: "ESMTP" });
  });

  it("keeps nothing of a message whose end never came", async ({ need, serve }) => {
    need(netcat);
    const server = await serve();
    const { stdout } = await run("nc", ["-N", "127.0.0.1", String(server.port)], {
      input: lines(...whole.slice(0, -1)),
    });
    expect(stdout).toMatch(/354 .*\r\n$/);
    await server.keptNothing();
  });
});
