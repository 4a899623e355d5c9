import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stageForJsr, writeJsrConfigs } from "./jsr.ts";
import { programs } from "./runtimes.ts";
import { measure, table } from "./size.ts";

// The commands around a release that are no test: see the scripts in package.json.
switch (process.argv[2]) {
  case "size":
    console.log(table(measure()));
    break;
  case "jsr":
    writeJsrConfigs();
    break;
  case "publish-jsr": {
    const folder = mkdtempSync(join(tmpdir(), "sansmtp-jsr-"));
    try {
      stageForJsr(folder);
      // What is there in this version already is left alone.
      execFileSync(programs.deno, ["publish", ...process.argv.slice(3)], { cwd: folder, stdio: "inherit" });
    } finally {
      rmSync(folder, { recursive: true });
    }
    break;
  }
  default:
    throw new Error("one of size, jsr, publish-jsr");
}
