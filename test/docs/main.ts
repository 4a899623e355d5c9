/** `pnpm matrix`: writes what the documents have from the code. */
import { writeFileSync } from "node:fs";
import { current, page } from "./matrix.ts";

writeFileSync(page, current());
