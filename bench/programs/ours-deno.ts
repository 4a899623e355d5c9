import { createServer } from "@sansmtp/deno";
import { serveOurs } from "./ours.ts";

await serveOurs(createServer);
