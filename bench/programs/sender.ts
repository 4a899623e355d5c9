import { answering, given, profile, say } from "./control.ts";
import { contentOf } from "./dialogue.ts";
import type { Send, Sending } from "./senders/sender.ts";

// Sends messages by one client, whose name is given.

const senders: Readonly<Record<string, () => Promise<{ readonly send: Send }>>> = {
  floor: () => import("./senders/floor.ts"),
  "sansmtp-pool": () => import("./senders/sansmtp-pool.ts"),
  "sansmtp-connect": () => import("./senders/sansmtp-connect.ts"),
  "nodemailer-pool": () => import("./senders/nodemailer-pool.ts"),
  "nodemailer-connection": () => import("./senders/nodemailer-connection.ts"),
  "nodemailer-transport": () => import("./senders/nodemailer-transport.ts"),
};

const { sender } = given<{ readonly sender: string }>();
const { send } = await senders[sender]!();
answering({
  profile,
  async send(what: Sending) {
    const start = performance.now();
    await send(what, contentOf(what.size));
    return { elapsed: (performance.now() - start) * 1000 };
  },
});
say({});
