import { type Capability, everything, type RuntimeCapabilities } from "@sansmtp/drive";

/** What this adapter can do on the sockets of this Node. */
export const capabilities: RuntimeCapabilities = capabilitiesOf(process.versions.node);

/** What it can do with a version of Node. */
export function capabilitiesOf(version: string): RuntimeCapabilities {
  return { ...everything, sharedPort: sharedPort(version) };
}

/** Node that is older would ignore the option. */
function sharedPort(version: string): Capability {
  const [major, minor] = version.split(".").map(Number);
  const has = major > 23 || (major === 23 && minor >= 1) || (major === 22 && minor >= 12);
  return has || "Node cannot share a port before 22.12: there `node:cluster` shares a listener.";
}
