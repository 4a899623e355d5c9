import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { describe, expect, inject, it } from "vitest";
import { packages, type RuntimeName, root } from "./packages.ts";
import { packedManifest } from "./registry.ts";

// What is wrong with a package shows in its tarball: package.json is another there, and some files are left out.

// The least versions are what this workspace has. A newer Node is fine: that of .ci/run is the least.
const tested = { node: "20", deno: installedVersion("deno"), bun: installedVersion("bun") };

it("all packages have one version", () => {
  expect(new Set(packages.map(({ manifest }) => manifest.version)).size).toBe(1);
});

describe.each(packages)("$manifest.name", ({ path, manifest }) => {
  const tarball = inject("tarballs")[manifest.name] ?? "";

  it("has nothing that publint objects to", async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball));
    const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
    // What is for another runtime alone may use what that has of Node, and is not for Node.
    const objections = messages.filter(
      ({ code }) => code !== "USE_ENGINES_NODE" || "node" in manifest.engines,
    );
    expect(objections.map((message) => formatMessage(message, pkg, { color: false }))).toEqual([]);
  });

  it("says who may use it where, and has what it says", () => {
    const files = execFileSync("tar", ["-tzf", tarball], { encoding: "utf8" }).split("\n");
    expect(files).toEqual(expect.arrayContaining(["package/LICENSE", "package/README.md"]));
    for (const each of manifest.files) {
      expect(files.filter((file) => file.startsWith(`package/${each.split("*")[0]}`))).not.toEqual([]);
    }
    // Every page: the README links to some of them, and they to each other.
    const pages = readdirSync(path).filter((name) => name.endsWith(".md"));
    const own = pages.filter((name) => name !== "CHANGELOG.md").map((name) => `package/${name}`);
    expect(files).toEqual(expect.arrayContaining(own));
    expect(manifest).toMatchObject({ license: "MIT", type: "module" });
  });

  it("says in its README on what it runs: on what is tested here", () => {
    const readme = readFileSync(join(path, "README.md"), "utf8");
    expect(Object.keys(manifest.engines)).not.toEqual([]);
    for (const [runtime, range] of Object.entries(manifest.engines) as [RuntimeName, string][]) {
      const least = range.replace(">=", "");
      expect(`${tested[runtime]}.`).toContain(`${least}.`);
      const said = `${{ node: "Node", deno: "Deno", bun: "Bun" }[runtime]} ${least}`;
      expect(readme.includes(said), said).toBe(true);
    }
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

it("both entries of drive have the same errors, in CommonJS, too", () => {
  // In a process of its own: here packages are read from their source.
  const script = `
    const [own, shared] = ["@sansmtp/drive", "@sansmtp/drive/application"].map((name) => require(name));
    for (const name of ["ConnectError", "MessageAborted"])
      console.log(name, typeof own[name], own[name] === shared[name]);
  `;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const output = execFileSync(process.execPath, ["-e", script], { cwd: root, env, encoding: "utf8" });
  expect(output).toBe("ConnectError function true\nMessageAborted function true\n");
});

function installedVersion(name: string): string {
  return createRequire(import.meta.url)(`${name}/package.json`).version;
}
