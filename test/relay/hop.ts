import { type Capabilities, ClientSession, type NextHop } from "@sansmtp/core";

/** The next hop, with the EHLO lines that it says: nothing but these is offered. */
export function hop(lines: readonly string[], facts: Partial<Omit<NextHop, "capabilities">> = {}): NextHop {
  return { capabilities: capabilities(lines), authenticated: false, tls: false, verified: false, ...facts };
}

/** What a client makes of an EHLO reply. */
function capabilities(lines: readonly string[]): Capabilities {
  const session = new ClientSession({ name: "relay.example", tls: "never" });
  const all = ["mx.example", ...lines];
  const reply = all.map((line, at) => `250${at < all.length - 1 ? "-" : " "}${line}\r\n`).join("");
  for (const heard of ["", "220 mx.example\r\n", reply]) {
    session.receive(new TextEncoder().encode(heard));
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "hello") return event.capabilities;
    }
  }
  throw new Error("no EHLO reply");
}
