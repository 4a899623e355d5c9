// Not part of the package: the declarations in src/sockets.ts are true of what Deno itself declares.
import type { Sockets } from "../src/sockets.ts";

export const sockets: Sockets = Deno;
