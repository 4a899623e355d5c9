import { everything, type RuntimeCapabilities } from "@sansmtp/drive";

/**
 * What this adapter can do on the sockets of Deno, and with TLS on those of Node that Deno has. Found with Deno 2.9.6.
 */
export const capabilities: RuntimeCapabilities = {
  ...everything,
  cipherControl: "TLS in Deno has a list of ciphers of its own and takes no other (denoland/deno#7265).",
  channelBindings:
    "TLS in Deno has no exporter of keying material, and what it gives as its Finished is not what was sent (2.9.6, looked at in November 2026; no issue of Deno's is known for it).",
};
