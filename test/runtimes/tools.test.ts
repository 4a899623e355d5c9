import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { selfSigned } from "../../packages/cli/src/certificate.ts";
import { clients } from "../clients/clients.ts";
import { requireTools } from "../clients/tool.ts";
import { sumOf } from "./content.ts";
import { serve } from "./serving.ts";
import { inEachRuntime } from "./suite.ts";

const { key, cert } = await selfSigned("localhost");
// No line begins with a dot: swaks has ideas of its own about these.
const content = Buffer.from(`Subject: large\r\n\r\n${"A line of text.\r\n".repeat(20_000)}`);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sansmtp-"));
  await writeFile(join(folder, "ca.pem"), cert);
  await writeFile(join(folder, "content"), content);
});

afterAll(() => rm(folder, { recursive: true }));

inEachRuntime(({ proves }) => {
  for (const client of clients.filter(({ name }) => ["swaks", "curl", "smtplib"].includes(name))) {
    proves("realClients", `${client.name} in the clear, with STARTTLS, with TLS`, async (running, skip) => {
      requireTools([client.tool], skip);
      await Promise.all(
        (["none", "starttls", "implicit"] as const).map(async (tls) => {
          const options = {
            none: {},
            starttls: { tls: "required", tlsOptions: { key, cert } },
            implicit: { tls: "implicit", tlsOptions: { key, cert } },
          }[tls];
          const serving = await serve(running, { options });
          const ran = await client.send({
            ...{ protocol: "smtp", port: serving.port, socket: null, tls },
            certificate: join(folder, "ca.pem"),
            from: "a@example.net",
            to: ["b@example.com", "c@example.com"],
            content,
            file: join(folder, "content"),
          });
          expect(ran.code, ran.text).toBe(0);
          const { messages, errors } = await serving.served();
          expect(messages).toEqual([sumOf([content])]);
          expect(errors).toEqual([]);
        }),
      );
    });
  }
});
