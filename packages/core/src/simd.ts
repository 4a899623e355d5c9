import { plain } from "./wire/plain.ts";
import type { Scanner } from "./wire/scan.ts";
import { type SimdExports, SimdScanner } from "./wire/simd.ts";
import { simdModule } from "./wire/simd-module.ts";

export type { Scanner } from "./wire/scan.ts";

/**
 * A scanner for message data in WebAssembly SIMD, several times as fast as the plain one: for `scanner` of a server's or a
 * client's configuration. It is compiled at the first call, synchronously, in well under a millisecond, and there is one in
 * a process: sessions share it, since each is done with it before the next begins.
 *
 * Null where WebAssembly or its SIMD is missing, and where code may not be compiled at run time, as in Cloudflare's Workers
 * and in pages whose Content Security Policy lacks `wasm-unsafe-eval`: the plain scanner then does the same work.
 */
export function simd(): Scanner | null {
  if (shared === undefined) shared = compile();
  return shared;
}

function compile(): Scanner | null {
  try {
    const octets = new Uint8Array(simdModule.length / 2);
    for (let at = 0; at < octets.length; at++) {
      octets[at] = Number.parseInt(simdModule.slice(2 * at, 2 * at + 2), 16);
    }
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(octets));
    return new SimdScanner(exports, plain);
  } catch {
    return null;
  }
}

let shared: Scanner | null | undefined;

/** All that is needed of it; the core knows no host, but every one has this. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: SimdExports };
};
