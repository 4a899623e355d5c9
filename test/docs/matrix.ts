import { readdirSync, readFileSync } from "node:fs";
import { defaultExtensions, type Extension, type ExtensionName, registry } from "@sansmtp/core";
import { parseRequirements } from "../spec/coverage.ts";

/** The page that the matrix stands in, and the marks between which it does. */
export const page: URL = new URL("../../packages/core/EXTENSIONS.md", import.meta.url);
const begin = "<!-- generated from the registry by `pnpm matrix` -->\n";
const end = "<!-- end of what is generated -->";

/** The page as it should be. */
export function current(): string {
  const text = readFileSync(page, "utf8");
  const [before, rest] = text.split(begin) as [string, string];
  return before + begin + matrix() + end + rest.slice(rest.indexOf(end) + end.length);
}

/** How a client is told to use an extension, and the family of requirements that says how it works. */
const known: Record<ExtensionName, readonly [client: string, family: string]> = {
  pipelining: ["by itself", "X-PIPE"],
  size: ["`size`, and by itself", "X-SIZE"],
  "8bitmime": ["`body`", "S-8BIT"],
  smtputf8: ["`smtputf8`, and by itself", "X-UTF8"],
  enhancedStatusCodes: ["by itself", "R-ENH"],
  chunking: ["by itself, see `chunking`", "S-BDAT"],
  binarymime: ["`body`", "S-BIN"],
  dsn: ["`ret`, `envid`, `notify`, `orcpt`", "X-DSN"],
  starttls: ["`tls`, `startTls()`", "T-TLS"],
  auth: ["`auth()`, `auth`", "A-AUTH, A-PARM"],
  requiretls: ["`requireTls`", "X-RTLS"],
  prdr: ["by itself", ""],
  limits: ["by itself", "X-LIM"],
  deliverby: ["`by`", "X-DBY"],
  futurerelease: ["`holdFor`, `holdUntil`", "X-FUT"],
  mtPriority: ["`priority`", "X-PRI"],
  rrvs: ["`rrvs`", "X-RRVS"],
  noSoliciting: ["`solicit`", "X-NOSOL"],
  mtrk: ["`track`", "X-MTRK"],
  burl: ["`burl()`", "X-BURL"],
  etrn: ["`command()`", "X-ETRN"],
  atrn: ["`atrn()`", "X-ATRN"],
  xclient: ["`xclient()`", "X-XCL"],
  xforward: ["`forwarded`", "X-XFW"],
  vrfy: ["`command()`", "S-VRFY"],
  expn: ["`command()`", "S-EXPN"],
  help: ["`command()`", "S-HELP"],
};

function matrix(): string {
  const head = ["Keyword", "What it is for", "Source", "Server", "Client", "MAIL", "RCPT", "Verbs", "Proven"];
  const rows = registry.map((row) => [
    row.keyword,
    row.purpose,
    row.source,
    server(row),
    known[row.name][0],
    Object.keys(row.mail ?? {}).join(" "),
    Object.keys(row.rcpt ?? {}).join(" "),
    (row.verbs ?? []).join(" "),
    known[row.name][1] === "" ? "" : proven(known[row.name][1].split(", ")),
  ]);
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  return line(head) + line(head.map(() => "---")) + rows.map(line).join("");
}

/** What turns it on, and whether it is. */
function server({ name, services, needs }: Extension): string {
  if (name === "starttls") return "`tls`";
  if (name === "auth") return "`mechanisms`";
  const words = [`\`${name}\`${defaultExtensions[name] ? ", on" : ""}`];
  if (services !== undefined) words.push(`${services.join(", ")} only`);
  if (needs !== undefined) words.push(`with ${needs.join(", ")}`);
  return words.join("; ");
}

const folder = new URL("../spec/", import.meta.url);
const requirements = readdirSync(folder)
  .filter((name) => /^\d\d-.*\.md$/.test(name))
  .flatMap((name) => parseRequirements(name, readFileSync(new URL(name, folder), "utf8")));
const tests = sources(new URL("../", import.meta.url)).join("\n");

/** How many of the requirements of these families are named by tests, whatever their level. */
function proven(families: readonly string[]): string {
  const rows = requirements.filter(({ id }) => families.some((family) => id.startsWith(`${family}-`)));
  const named = rows.filter(({ id }) => new RegExp(`\\b${id}\\b`).test(tests));
  return `${families.join(", ")}: ${named.length} of ${rows.length}`;
}

/** Everything in which the titles of tests stand. */
function sources(folder: URL): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === "spec" || entry.name === "node_modules") return [];
    const inside = new URL(entry.isDirectory() ? `${entry.name}/` : entry.name, folder);
    if (entry.isDirectory()) return sources(inside);
    return /\.(test\.ts|txt)$/.test(entry.name) ? [readFileSync(inside, "utf8")] : [];
  });
}
