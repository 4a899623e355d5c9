import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, inject, it } from "vitest";
import { packages } from "./packages.ts";
import { packedManifest } from "./registry.ts";

// What is wrong with a package shows in its tarball: package.json is another there, and some files are left out.

it("all packages have one version", () => {
  expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1);
});

describe.each(packages)("$manifest.name", ({ manifest }) => {
  const tarball = inject("tarballs")[manifest.name] ?? "";

  it("has nothing that publint objects to", async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball));
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("says who may use it where, and has what it says", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).split("\n");
    expect(files).toEqual(expect.arrayContaining(["package/LICENSE", "package/README.md"]));
    for (const each of manifest.files) {
      expect(files.filter((file) => file.startsWith(`package/${each}`))).not.toEqual([]);
    }
    expect(manifest).toMatchObject({ license: "MIT", type: "module", engines: { node: ">=20" } });
  });

  it("wants the other packages by a range of published versions", () => {
    const wanted = Object.entries(packedManifest(tarball).dependencies ?? {});
    for (const [name, range] of wanted.filter(([name]) => name.startsWith("@sansmtp/"))) {
      expect([name, range]).toEqual([name, `^${manifest.version}`]);
    }
  });
});

describe.each(packages.filter(({ manifest }) => manifest.exports !== undefined))(
  "$manifest.name",
  ({ manifest }) => {
    it("has types that fit the code, for ESM and CommonJS", async () => {
      const tarball = readFileSync(inject("tarballs")[manifest.name] ?? "");
      const checked = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)));
      expect(checked).toHaveProperty("types", { kind: "included" });
      const problems = "problems" in checked ? checked.problems : [];
      // TypeScript's `node10` does not read "exports", and the runtimes of "engines" read nothing else.
      expect(
        problems.filter((each) => !("resolutionKind" in each && each.resolutionKind === "node10")),
      ).toEqual([]);
    });

    it("can be left out where it is not used", () => {
      expect(manifest.sideEffects).toBe(false);
    });
  },
);
