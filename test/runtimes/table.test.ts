import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cell, rows, table } from "./rows.ts";
import { runtimes } from "./runtimes.ts";

describe("the table", () => {
  it("has a test for each row", () => {
    const folder = new URL(".", import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
    const tests = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("");
    const proven = new Set(Array.from(tests.matchAll(/\bproves\(\s*"(\w+)"/g), ([, row]) => row));
    expect([...proven].sort()).toEqual(Object.keys(rows).sort());
  });

  it("is as RUNTIMES.md has it: `pnpm test:runtimes --update` writes it", async () => {
    const names = runtimes.map(({ name }) => name);
    const shown = table(names, (row, name) => cell(row, runtimes.find((each) => each.name === name)!));
    await expect(`${introduction}${shown}${hazards}`).toMatchFileSnapshot("../../packages/drive/RUNTIMES.md");
  });
});

const introduction = `# What each runtime can do

One suite, [test/runtimes](../../test/runtimes), runs inside each of them, and a cell is what its tests have found there. This
page is made from it. What is not in the table works the same everywhere; an option that a runtime cannot honour
throws a \`UsageError\` when it is given.

`;

const hazards = `
## What the sockets do otherwise

Each of these has bitten somebody. Where it touches an adapter there is a test of it in that runtime, in
[test/runtimes](../../test/runtimes), [test/bun](../../test/bun) or [test/deno](../../test/deno); what follows cannot, and why.

- Node: a bare \`TLSSocket\` does not act on a client's certificate. Handshakes go through a \`tls.Server\`. The option
  \`blockList\` of a server, which Node 20 ignores, and \`onread\`, with which an upgrade stalls in Deno, are not used.
- Deno: \`startTls\` (a client's handshake alone, \`Busy\` while something is read, \`BadResource\` on a Unix socket, no
  certificate of one's own), \`listenTls\` (which ignores \`requestCert\`) and \`connectTls\` (which ignores \`signal\`) are
  not used: such a connection cannot be let go of before its peer allows it. Nor are vsock and its own \`reusePort\`, which
  end the process where their flag is missing: a port is shared on the sockets of Node.
- Bun: \`Bun.connect\`, which cannot be given up, takes \`tls: {}\` for no TLS, and resolves before its handshake is done, is
  not used: clients are on the sockets of Node. Nor are \`socket.timeout\`, which counts in steps of seconds,
  \`write\` with an offset and no length, and \`reload\`, which is for all sockets of a listener at once.
- In all: timers are the driver's own, and \`getFinished\` is believed with TLS 1.2 alone, and never in Deno.
`;
