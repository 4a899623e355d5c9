import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseRequirements } from "../spec/coverage.ts";

const folder = new URL("../../packages/core/", import.meta.url);
const page = readFileSync(new URL("SECURITY.md", folder), "utf8");

/** The tests that the page names: title and file. */
const named = Array.from(page.matchAll(/\[`([^\]]+)`\]\(([^)#]+)\)/g), ([, title, file]) => ({
  title: title!,
  file: file!,
}));

describe("the page on security", () => {
  it("names tests, each of which exists", () => {
    const tests = named.filter(({ file }) => file.includes("/test/"));
    expect(tests.length).toBeGreaterThan(80);
    const missing = tests.filter(({ title, file }) => !has(file, title));
    expect(missing).toEqual([]);
  });

  it("has every requirement on security, and with a test, but for those that need none", () => {
    const catalogue = new URL("../spec/", import.meta.url);
    const rows = readdirSync(catalogue)
      .filter((name) => name.endsWith(".md"))
      .flatMap((name) => parseRequirements(name, readFileSync(new URL(name, catalogue), "utf8")))
      .filter(({ id }) => id.startsWith("SEC-"));
    expect(rows.length).toBeGreaterThan(40);
    const scope = JSON.parse(readFileSync(new URL("scope.json", catalogue), "utf8"));
    const titles = named.map(({ title }) => title).join("\n");
    for (const { id } of rows) {
      expect(page, "on the page").toContain(id);
      if (!(id in scope.exceptions)) expect(titles, "in the title of a test there").toContain(id);
    }
  });

  it("links to what is there", () => {
    const links = Array.from(page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g), ([, link]) => link!);
    expect(links.filter((link) => !existsSync(new URL(link, folder)))).toEqual([]);
  });
});

/** Whether a file has a test of that title, as it stands in the source. */
function has(file: string, title: string): boolean {
  const place = new URL(file, folder);
  if (!existsSync(place)) return false;
  const text = readFileSync(place, "utf8");
  if (file.endsWith(".txt")) return text.split("\n").includes(`== ${title}`);
  return [`"${title}"`, `\`${title}\``].some((quoted) => text.includes(quoted));
}
