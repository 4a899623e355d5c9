import { createServer } from "@sansmtp/node";
import { serveOurs } from "./ours.ts";

await serveOurs(createServer);
