import { generate } from "selfsigned";

/** A key and its certificate, in PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Certificates for tests, made anew each time: an authority, and what it has signed. */
export async function certificates(): Promise<{
  readonly ca: Certificate;
  /** For mx.example.com and localhost. */
  readonly server: Certificate;
  /** For other.example.com. */
  readonly other: Certificate;
  /** Of a client called `relay.example.net`. */
  readonly client: Certificate;
  /** Of a client that calls itself so, and nobody has signed it. */
  readonly impostor: Certificate;
}> {
  const ca = await make("Test Authority", []);
  const [server, other, client, impostor] = await Promise.all([
    make("mx.example.com", ["mx.example.com", "localhost"], ca),
    make("other.example.com", ["other.example.com"], ca),
    make("relay.example.net", ["relay.example.net"], ca),
    make("relay.example.net", ["relay.example.net"]),
  ]);
  return { ca, server, other, client, impostor };
}

async function make(name: string, names: readonly string[], ca?: Certificate): Promise<Certificate> {
  const made = await generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    algorithm: "sha256",
    ...(ca === undefined ? {} : { ca }),
    extensions: [
      { name: "basicConstraints", cA: names.length === 0, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: names.length === 0, critical: true },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
      ...(names.length === 0
        ? []
        : [
            {
              name: "subjectAltName" as const,
              altNames: names.map((value) => ({ type: 2 as const, value })),
            },
          ]),
    ],
  });
  return { key: made.private, cert: made.cert };
}
