import type { ClientAttributes, Endpoint, ProxyHeader } from "@sansmtp/core";
import type { Identity } from "@sansmtp/sasl";
import type { Ends } from "./connection.ts";

/** Who is at both ends of a connection, as far as the adapter, proxies in front and AUTH have told. */
export class Parties {
  /** The other end of the connection itself. */
  readonly peer: Endpoint | null;
  /** The client. */
  remote: Endpoint | null;
  /** What the client has connected to. */
  local: Endpoint | null;
  proxy: ProxyHeader | null = null;
  identity: Identity | null = null;

  constructor({ peer, local }: Ends) {
    this.peer = peer;
    this.remote = peer;
    this.local = local;
  }

  /** A PROXY header tells both ends; one for a health check tells of none. */
  proxied(header: ProxyHeader): void {
    this.proxy = header;
    this.remote = header.source ?? this.peer;
    this.local = header.destination ?? this.local;
  }

  /** A proxy tells by XCLIENT who the client is, and perhaps under what name it has authenticated. */
  presented({ addr, port, destaddr, destport, login }: ClientAttributes): void {
    this.identity = login ? { user: login, authzid: null, trace: null } : null;
    this.remote = presentedEnd(this.remote, addr, port);
    this.local = presentedEnd(this.local, destaddr, destport);
  }
}

/** An end of the connection by what was told of it: undefined: nothing, null: that it is not known. */
function presentedEnd(
  end: Endpoint | null,
  address: string | null | undefined,
  port: number | null | undefined,
): Endpoint | null {
  if (address !== undefined) return address === null ? null : { address, port: port ?? 0 };
  return end === null || port === undefined ? end : { address: end.address, port: port ?? 0 };
}
