import { createServer } from "@sansmtp/bun";
import { serveOurs } from "./ours.ts";

await serveOurs(createServer);
