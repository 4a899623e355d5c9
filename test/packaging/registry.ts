import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import type { Manifest } from "./packages.ts";

/** A registry on this machine with some packages and nothing else, as npm, Deno and Bun ask for them. */
export interface Registry {
  readonly url: string;
  close(): void;
}

/**
 * So packages are installed by their published names, before they are published. What they depend on besides comes from
 * the registry that is configured: this one is for a scope.
 */
export async function serveRegistry(tarballs: readonly string[]): Promise<Registry> {
  const server = createServer(({ url = "/" }, response) => {
    const asked = decodeURIComponent(url).slice(1);
    const tarball = tarballs.find((path) => basename(path) === asked);
    const body = tarball === undefined ? documents.get(asked) : readFileSync(tarball);
    if (body === undefined) response.writeHead(404);
    else response.writeHead(200, { "cache-control": "no-store", "content-length": Buffer.byteLength(body) });
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const documents = new Map(tarballs.map((path) => packument(path, url)));
  return { url, close: () => void server.close() };
}

/** The package.json in a tarball: what those who install it get. */
export function packedManifest(tarball: string): Manifest {
  const text = execFileSync("tar", ["-xzOf", tarball, "package/package.json"], { encoding: "utf8" });
  return JSON.parse(text);
}

/** What a registry says of a package with one version. */
function packument(tarball: string, url: string): [name: string, document: string] {
  const manifest = packedManifest(tarball);
  const octets = readFileSync(tarball);
  const dist = {
    tarball: `${url}${basename(tarball)}`,
    integrity: `sha512-${createHash("sha512").update(octets).digest("base64")}`,
    shasum: createHash("sha1").update(octets).digest("hex"),
  };
  const document = {
    name: manifest.name,
    "dist-tags": { latest: manifest.version },
    versions: { [manifest.version]: { ...manifest, dist } },
  };
  return [manifest.name, JSON.stringify(document)];
}
