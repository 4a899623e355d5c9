import { everything, type RuntimeCapabilities } from "@sansmtp/drive";

/**
 * What this adapter can do: on Bun's own sockets, or where these cannot, on the sockets of Node that Bun has. Found with
 * Bun 1.4.5.
 */
export const capabilities: RuntimeCapabilities = everything;
