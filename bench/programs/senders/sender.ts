/** What is to be sent. */
export interface Sending {
  readonly port: number;
  /** At the same time, each with one message after the other. */
  readonly connections: number;
  /** In all. */
  readonly messages: number;
  /** Of each, octets. */
  readonly size: number;
  /** A connection for each message. */
  readonly each: boolean;
}

/** Sends all, and throws when one was not taken. */
export type Send = (what: Sending, content: Uint8Array) => Promise<void>;

export const from = "sender@example.net";
export const to = "recipient@example.com";
export const name = "client.example.net";

/** So many at a time, until all are done. */
export async function atATime(count: number, messages: number, one: () => Promise<void>): Promise<void> {
  let left = messages;
  await Promise.all(
    Array.from({ length: Math.min(count, messages) }, async () => {
      while (left-- > 0) await one();
    }),
  );
}
