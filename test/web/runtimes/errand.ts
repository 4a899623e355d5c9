import type { ConnectOptions } from "@sansmtp/web";

/** What the worker is asked to do. */
export interface Errand {
  readonly options: Omit<ConnectOptions, "connect" | "socket" | "streams">;
  /** `connect`: as the worker connects by itself. The others: over a socket that was made with this. */
  readonly over: "connect" | "on" | "off" | "starttls";
  /** Octets of the body, about. */
  readonly size: number;
  readonly messages: number;
}

/** What came of it. */
export interface Report {
  /** The outcomes of each message. */
  readonly outcomes?: readonly string[];
  readonly tls?: boolean;
  /** How the connection ended. */
  readonly failure?: string | null;
  readonly code?: string;
  readonly error?: string;
}

/** Lines with dots at their beginning, and so many octets in all, about. */
export function large(octets: number): string {
  const line = `.${"x".repeat(76)}\r\n`;
  return `Subject: large\r\n\r\n${line.repeat(Math.ceil(octets / line.length))}`;
}
