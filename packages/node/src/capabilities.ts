import { everything, type RuntimeCapabilities } from "@sansmtp/drive";

/** What this adapter can do on the sockets of Node: everything. */
export const capabilities: RuntimeCapabilities = everything;
