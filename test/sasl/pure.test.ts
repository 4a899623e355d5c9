import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createContext, runInContext } from "node:vm";
import { build } from "tsup";
import { expect, it, onTestFinished } from "vitest";

it("runs where there is nothing but JavaScript: no Buffer, no process, no crypto, no TextEncoder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sansmtp-sasl-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  await build({
    config: false,
    silent: true,
    entry: [fileURLToPath(new URL("../../packages/sasl/src/index.ts", import.meta.url))],
    outDir: folder,
    format: ["iife"],
    globalName: "sasl",
    platform: "browser",
    noExternal: [/./],
    esbuildOptions(options) {
      options.conditions = ["@sansmtp/source"];
    },
  });
  const bare = createContext({});
  runInContext(readFileSync(join(folder, "index.global.js"), "utf8"), bare);
  const given = runInContext(
    `
    const random = (octets) => new Uint8Array(octets).fill(65);
    const keys = sasl.deriveScramKeys("p\\u00e4\\u2168", { salt: random(16) });
    const { mechanism } = sasl.chooseMechanism(["SCRAM-SHA-256"], { user: "tim", pass: "p\\u00e4IX" }, { random, secure: false });
    const exchange = sasl.serverExchange("SCRAM-SHA-256", {
      random, secret: random(32), host: "x", now: 0, bindings: {}, plus: false, certificate: null,
    });
    exchange.receive(mechanism.initial);
    const step = exchange.receive(mechanism.respond(exchange.verify(keys).octets));
    mechanism.respond(step.data);
    step.type + " " + mechanism.complete;
    `,
    bare,
  );
  expect(given).toBe("success true");
});
