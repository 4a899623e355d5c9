import type { Millis } from "@sansmtp/core";

/** One end of the connection: what happens to it. After each of these calls but `turn` it is given its turn. */
export interface End {
  /** It reads now. */
  readonly wantsInput: boolean;
  /** A handshake is pending. */
  readonly upgrading: boolean;
  readonly deadline: Millis | null;
  receive(octets: Uint8Array, now: Millis): void;
  /** The other end has closed its side. */
  receiveEnd(now: Millis): void;
  /** The connection is gone. */
  lost(now: Millis): void;
  advance(now: Millis): void;
  upgraded(now: Millis): void;
  /** @param plain clear text came in place of the handshake */
  upgradeFailed(plain: boolean, now: Millis): void;
  /** The service ends. */
  shutdown(now: Millis): void;
  /** Does everything that can be done now. */
  turn(): void;
}

/** What an end can do with its connection. */
export interface Line {
  readonly now: Millis;
  /** More was sent than the other end has read, by as much as the window allows: content should wait. */
  readonly crowded: boolean;
  send(octets: Uint8Array): void;
  /** TLS is to begin. */
  upgrade(): void;
  close(): void;
  /** Calls `act` at this time, and gives the end its turn. */
  at(when: Millis, act: () => void): void;
  note(text: string): void;
}
