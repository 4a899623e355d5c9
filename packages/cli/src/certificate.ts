import { X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import { generate } from "selfsigned";

/** A key, its certificate, both in PEM, and the SHA-256 fingerprint by which a person can tell it. */
export interface SelfSigned {
  readonly key: string;
  readonly cert: string;
  readonly fingerprint: string;
}

/**
 * Makes a key and a certificate that nobody has vouched for, to try TLS with: for `name`, this machine and
 * localhost, valid for a week. They are kept in memory only.
 */
export async function selfSigned(name: string): Promise<SelfSigned> {
  const names = [...new Set([name, hostname(), "localhost"])].filter((each) => /^[A-Za-z0-9.-]+$/.test(each));
  const made = await generate([{ name: "commonName", value: names[0] }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: new Date(Date.now() - hour),
    notAfterDate: new Date(Date.now() + 7 * 24 * hour),
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          ...names.map((value) => ({ type: 2 as const, value })),
          { type: 7, ip: "127.0.0.1" },
          { type: 7, ip: "::1" },
        ],
      },
    ],
  });
  return { key: made.private, cert: made.cert, fingerprint: new X509Certificate(made.cert).fingerprint256 };
}

const hour = 60 * 60 * 1000;
