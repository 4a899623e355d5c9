import * as core from "@sansmtp/core";
import { test } from "vitest";
import { proveServer } from "./run.ts";

const runs = Number(process.env.SANSMTP_MODEL_RUNS ?? 500);

test("the server is as its model", () => {
  proveServer(core, { runs });
}, 600_000);
