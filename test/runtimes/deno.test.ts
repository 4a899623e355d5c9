import { expect, inject, onTestFinished } from "vitest";
import { certificates } from "../node/certificates.ts";
import { serving } from "../node/serving.ts";
import { Running } from "./running.ts";
import { dial, serve, thrown } from "./serving.ts";
import { inEachRuntime } from "./suite.ts";

const { ca, server } = await certificates();

// What Deno would ignore without a word.
const ignored: readonly object[] = [
  { ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" },
  { honorCipherOrder: true },
  { sigalgs: "ed25519" },
  { ecdhCurve: "P-384" },
  { secureOptions: 0x20000000 },
  { dhparam: "auto" },
  { crl: "" },
  { minVersion: "TLSv1.1" },
  { maxVersion: "TLSv1" },
  { secureProtocol: "TLSv1_2_method" },
];

inEachRuntime(
  ({ runtime, test }) => {
    test("options of TLS that Deno would ignore are refused, on both sides", async (running) => {
      for (const option of ignored) {
        const refused = { name: "UsageError", message: expect.stringContaining(Object.keys(option)[0]!) };
        const tlsOptions = { ...server, ...option };
        expect(await thrown(serve(running, { options: { tlsOptions } }))).toMatchObject(refused);
        const connecting = dial(running, { port: 1, tlsOptions: { ca: ca.cert, ...option } });
        expect(await thrown(connecting)).toMatchObject(refused);
        const pool = { options: { port: 1, tlsOptions: option }, size: 1, count: 1 };
        expect(await thrown(running.call("pool", pool))).toMatchObject(refused);
      }
    });

    test("without permission it is an error, and no question", async () => {
      const given = runtime.given.filter((flag) => !flag.startsWith("--allow-net"));
      const confined = new Running({ ...runtime, given }, inject("starters"));
      onTestFinished(() => void confined.stop());
      expect(await thrown(serve(confined))).toMatchObject({ name: "NotCapable" });
      const { address } = await serving();
      for (const tls of ["never", "offered"])
        expect(await thrown(dial(confined, { ...address, tls }))).toMatchObject({ code: "unreachable" });
    });
  },
  ({ name }) => name === "Deno",
);
