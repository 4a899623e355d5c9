import { type Mailbox, receivedField, returnPathField } from "@sansmtp/core";
import { type Connection, type Handlers, type Message, MessageAborted } from "@sansmtp/node";
import { Dialogue, type Said } from "./dialogue.ts";
import type { Journal } from "./journal.ts";
import type { Maildir } from "./maildir.ts";
import { judge } from "./recipients.ts";
import { store } from "./store.ts";

export interface ReceiverOptions {
  /** What the server calls itself. */
  readonly name: string;
  readonly lmtp: boolean;
  /** Domains for which mail is taken; none: any. */
  readonly accept: readonly string[];
  /** Recipients that do not exist. */
  readonly reject: readonly Mailbox[];
  /** Passwords by user; none: AUTH is not offered. */
  readonly users: ReadonlyMap<string, string>;
  readonly showContent: boolean;
  /** A message is kept; its client is about to be told. */
  readonly onKept: (connection: Connection) => void;
}

/** What a server decides and shows that keeps all mail in a Maildir and writes down what is said. */
export function receiver(maildir: Maildir, journal: Journal, options: ReceiverOptions): Handlers {
  const dialogues = new Map<number, Dialogue>();
  const { users } = options;
  const authenticate: Handlers["authenticate"] = ({ identity, verify }) => {
    const password = users.get(identity.user);
    return verify(password === undefined ? null : { password });
  };

  return {
    ...(users.size === 0 ? {} : { authenticate, authentication: { unknownAs: "password" } }),
    rcpt: ({ to }) => judge(to, options.accept, options.reject),
    message: keep,
    observe: {
      receive: (octets, connection) => dialogue(connection).client(octets),
      send: (octets, connection) => dialogue(connection).server(octets),
      event(event, { id }) {
        if (event.type !== "violation") return;
        const { rule, detail } = event;
        journal({ event: "violation", connection: id, rule, detail });
      },
      secured({ version, cipher }, { id }) {
        const tls = [version ?? "TLS", cipher].filter((part) => part !== null).join(", ");
        journal({ event: "secured", connection: id, tls });
      },
    },
    onError(error, { id }) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      journal({ event: "failed", connection: id, error: text });
    },
    onClose({ reason }, connection) {
      dialogue(connection).end();
      dialogues.delete(connection.id);
      journal({ event: "closed", connection: connection.id, reason });
    },
  };

  async function keep(message: Message, connection: Connection) {
    const { id } = connection;
    try {
      const outcome = await store(maildir, (name) => trace(name, message, connection), message.body);
      if (outcome.error !== null) journal({ event: "failed", connection: id, error: outcome.error.message });
      if (outcome.message !== null) {
        const to = message.recipients.map((recipient) => recipient.to.address);
        const from = message.from?.address ?? "";
        journal({ event: "stored", connection: id, ...outcome.message, from, to });
        options.onKept(connection);
      }
      return outcome.reply;
    } catch (error) {
      // The client has gone or has begun anew: nobody waits for a verdict.
      if (error instanceof MessageAborted) return undefined;
      throw error;
    }
  }

  /** Return-Path, then Received (RFC 5321 §4.4). */
  function trace(id: string, message: Message, { client, remote, protocol }: Connection): Uint8Array {
    const now = new Date();
    const { from, recipients, parameters } = message;
    const received = receivedField({
      from: { hello: client.hello?.name ?? "", host: null, address: remote?.address ?? null },
      by: options.name,
      protocol,
      id,
      for: recipients.length === 1 ? recipients[0]!.to.address : null,
      tls: client.tls,
      now: now.getTime(),
      offset: -now.getTimezoneOffset(),
      utf8: parameters.smtputf8,
    });
    return new TextEncoder().encode(returnPathField(from?.address ?? "") + received);
  }

  function dialogue(connection: Connection): Dialogue {
    const known = dialogues.get(connection.id);
    if (known !== undefined) return known;
    const { id, peer } = connection;
    const from = peer === null ? "the socket" : `${peer.address}:${peer.port}`;
    journal({ event: "connected", connection: id, from });
    const made = new Dialogue(options, (said) => journal(entry(id, said)));
    dialogues.set(id, made);
    return made;
  }
}

function entry(connection: number, said: Said): Parameters<Journal>[0] {
  return "octets" in said
    ? { event: "received", connection, octets: said.octets }
    : { event: said.by, connection, line: said.line };
}
