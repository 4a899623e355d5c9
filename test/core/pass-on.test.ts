import {
  type ClientConfig,
  ClientSession,
  type OutgoingEnvelope,
  reply,
  type ServerConfig,
  ServerSession,
} from "@sansmtp/core";
import { expect, test } from "vitest";

// A message that one session has received and another sends on.

test("S-BDAT-16 what came by BDAT and goes on by DATA is stuffed, and gets the CRLF that it lacks", () => {
  const received = receive("BDAT 8\r\na\r\n.b\r\n.", "BDAT 3 LAST\r\n\r\nc");
  expect(received).toBe("a\r\n.b\r\n.\r\nc");
  const { said, content } = send(received, { chunking: "avoid" });
  expect(said).toContain("DATA\r\na\r\n..b\r\n..\r\nc\r\n.\r\n");
  expect(content).toBe("a\r\n.b\r\n.\r\nc\r\n");
});

test("S-BIN-06 S-BIN-03 a binary message does not go on to a server that lacks BINARYMIME", () => {
  const binary = { body: "BINARYMIME" } as const;
  const { said, outcomes } = send("a\nb", {}, binary);
  expect(said).not.toContain("MAIL");
  expect(outcomes).toMatchObject([{ status: "notTried", reason: { code: "binarymime-missing" } }]);
  expect(send("a\nb", {}, binary, { extensions: { binarymime: true } }).content).toBe("a\nb");
});

function receive(...chunks: readonly string[]): string {
  const { server, content } = listening({});
  server.receive(octets("EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@c.example>\r\n"));
  for (const chunk of chunks) server.receive(octets(chunk));
  content();
  return content();
}

function send(
  message: string,
  config: Partial<ClientConfig>,
  parameters: Partial<OutgoingEnvelope> = {},
  serverConfig: Partial<ServerConfig> = {},
): { said: string; content: string; outcomes: unknown } {
  const { server, content, replies } = listening(serverConfig);
  const client = new ClientSession({ name: "a.example", tls: "never", ...config });
  client.transaction({ from: "a@a.example", to: ["b@c.example"], ...parameters });
  client.quit();
  let said = "";
  let outcomes: unknown = null;
  for (let turn = 0; turn < 20 && client.phase !== "closed"; turn++) {
    content();
    const heard = replies();
    if (heard !== "") client.receive(octets(heard));
    for (let event = client.poll(); event !== null; event = client.poll()) {
      if (event.type === "send") {
        said += text(event.data);
        server.receive(event.data);
      } else if (event.type === "body") {
        client.write(octets(message));
        client.finish();
      } else if (event.type === "done") {
        outcomes = event.outcomes;
      }
    }
  }
  expect(client.phase).toBe("closed");
  return { said, content: content(), outcomes };
}

/** A server that takes everything; `content` gives what it has taken, `replies` what it says next. */
function listening(config: Partial<ServerConfig>): {
  server: ServerSession;
  content(): string;
  replies(): string;
} {
  const server = new ServerSession({ name: "mx.example.com", ...config });
  let taken = "";
  let said = "";
  const content = (): string => {
    for (let event = server.poll(); event !== null; event = server.poll()) {
      if (event.type === "send") said += text(event.data);
      if (event.type === "body") taken += text(event.data);
      if ("id" in event)
        server.answer(event.id, event.type === "message" ? reply(250, "2.0.0", "Taken") : undefined);
    }
    return taken;
  };
  const replies = (): string => {
    const all = said;
    said = "";
    return all;
  };
  return { server, content, replies };
}

function octets(string: string): Uint8Array {
  return new TextEncoder().encode(string);
}

function text(of: Uint8Array): string {
  return new TextDecoder().decode(of);
}
