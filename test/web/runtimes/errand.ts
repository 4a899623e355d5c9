import type { ConnectOptions } from "@sansmtp/web";

/** What the worker is asked to do. */
export interface Errand {
  readonly options: Omit<ConnectOptions, "connect" | "socket" | "streams">;
  /**
   * `connect`: as the worker connects by itself. `on`, `off`, `starttls`: over a socket that was made with this. The
   * others: to a server in the worker. `nothing`: it only says which scanner it has.
   */
  readonly over: "connect" | "on" | "off" | "starttls" | "TransformStreams" | "WebSockets" | "nothing";
  /** Octets of the body, about. */
  readonly size: number;
  readonly messages: number;
}

/** What came of it. */
export interface Report {
  /** The outcomes of each message. */
  readonly outcomes?: readonly string[];
  readonly tls?: boolean;
  /** Whether the server in the worker has got each message as it was. */
  readonly kept?: readonly boolean[];
  /** How the connection ended. */
  readonly failure?: string | null;
  readonly scanner?: "SIMD" | "plain";
  readonly code?: string;
  readonly error?: string;
}

/** Lines with dots at their beginning, and so many octets in all, about. */
export function large(octets: number): string {
  const line = `.${"x".repeat(76)}\r\n`;
  return `Subject: large\r\n\r\n${line.repeat(Math.ceil(octets / line.length))}`;
}
