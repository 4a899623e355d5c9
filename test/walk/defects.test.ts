import { describe, expect, test } from "vitest";
import { modelProvers } from "../model/provers.ts";
import { clientProvers } from "./client/walk.ts";
import type { Prover } from "./core.ts";
import { defects } from "./defects/list.ts";
import { coreWith } from "./defects/sow.ts";
import { serverProvers } from "./server/walk.ts";

/** Whatever tries a core. */
const provers: readonly Prover[] = [...serverProvers, ...clientProvers];

describe("defects that are sown into the core are found by the walk, and which of them by the model", () => {
  for (const { what, by, shows, model, edits } of defects) {
    test(what, async () => {
      const core = await coreWith(edits);
      const prover = provers.find(({ name }) => name === by);
      expect(prover, by).toBeDefined();
      expect(() => prover?.prove(core)).toThrow(shows);
      const judge = () => modelProvers[by.startsWith("client") ? "client" : "server"].prove(core);
      if (model === null) judge();
      else expect(judge).toThrow(model);
    }, 120_000);
  }

  test("and where none is sown none is found", async () => {
    const core = await coreWith([]);
    const quick = ["server, behind a relay that says XFORWARD", "client, chunks required"];
    for (const { prove } of provers.filter(({ name }) => quick.includes(name)))
      expect(prove(core).edges).toBeGreaterThan(1000);
  }, 120_000);

  test("what is to be sown has to be there, once", async () => {
    const edit = { file: "index.ts", find: "export", put: "" };
    await expect(coreWith([edit])).rejects.toThrow(/times, not once/);
    await expect(coreWith([{ ...edit, find: "no such text" }])).rejects.toThrow(/0 times, not once/);
  });
});
