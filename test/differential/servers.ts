import { readFile } from "node:fs/promises";
import { SMTPServer } from "smtp-server";
import { exim } from "../servers/exim.ts";
import { daemon, type Peer } from "../servers/peer.ts";
import { postfix } from "../servers/postfix.ts";
import { Daemon } from "../servers/root.ts";

/**
 * The servers that ours is compared with.
 *
 * All know the same mailboxes, b and c at example.com and postmaster, want a greeting before MAIL, take messages up to
 * 30 MB and throw them away; what they would do against abusers (delays, limits on errors, demands on timing) is off,
 * since it would hide what they make of a command.
 */
export type Rival = Pick<Peer, "name" | "program" | "start">;

const smtpServer: Rival = {
  name: "smtp-server",
  program: null,
  async start(_folder, port) {
    const mailboxes = ["b@example.com", "c@example.com", "postmaster@example.com", "postmaster"];
    const server = new SMTPServer({
      name: "mx.example.com",
      authOptional: true,
      disabledCommands: ["AUTH", "STARTTLS"],
      hideENHANCEDSTATUSCODES: false,
      hideDSN: false,
      disableReverseLookup: true,
      // It counts every command here, and ends the session at the tenth.
      maxAllowedUnauthenticatedCommands: 1_000_000,
      size: 30_000_000,
      logger: false,
      onRcptTo({ address }, _session, done) {
        const known = mailboxes.includes(address.toLowerCase());
        done(known ? null : Object.assign(new Error("No such user here"), { responseCode: 550 }));
      },
      onData(stream, _session, done) {
        stream.on("data", () => {});
        stream.on("end", () => done());
      },
    });
    server.on("error", () => {});
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return {
      stop: () => new Promise((resolve) => server.close(() => resolve())),
      kept: () => [],
    };
  },
};

const aiosmtpd: Rival = {
  name: "aiosmtpd",
  program: "usr/lib/python3/dist-packages/aiosmtpd/smtp.py",
  async start(folder, port) {
    const source = await readFile(new URL("discarding.py", import.meta.url), "utf8");
    const script = await folder.write("discarding.py", source);
    return daemon(await Daemon.start("/usr/bin/python3", [script, String(port)], port), () => []);
  },
};

const opensmtpd: Rival = {
  name: "OpenSMTPD",
  program: "usr/sbin/smtpd",
  async start(folder, port) {
    await folder.clear("var/spool/smtpd");
    const configuration = await folder.write(
      "smtpd.conf",
      `smtp max-message-size 30000000
listen on 127.0.0.1 port ${port} hostname mx.example.com
table mailboxes { "b@example.com" = b, "c@example.com" = c, "postmaster@example.com" = b, "postmaster" = b }
action throw mda "/usr/bin/true" virtual <mailboxes>
match from any for domain "example.com" action throw
match from any for local action throw
`,
      0o600,
    );
    // Its queue has a way to keep nothing.
    const given = ["-d", "-B", "queue=null", "-f", configuration];
    return daemon(await Daemon.start("/usr/sbin/smtpd", given, port), () => []);
  },
};

const quietPostfix: Readonly<Record<string, string>> = {
  virtual_mailbox_maps:
    "inline:{ { b@example.com = b/ }, { c@example.com = c/ }, { postmaster@example.com = b/ } }",
  smtpd_helo_required: "yes",
  strict_rfc821_envelopes: "yes",
  smtpd_forbidden_commands: "",
  smtpd_error_sleep_time: "0",
  smtpd_soft_error_limit: "1000000",
  smtpd_hard_error_limit: "1000000",
  smtpd_junk_command_limit: "1000000",
  smtpd_client_connection_count_limit: "0",
  smtpd_tls_security_level: "none",
  smtpd_end_of_data_restrictions: "check_client_access static:DISCARD",
  in_flow_delay: "0",
};

/** Lines of Exim's main section. */
const quietExim = `smtp_enforce_sync = false
smtp_max_synprot_errors = 1000000
smtp_max_unknown_commands = 1000000
smtp_accept_max = 0
smtp_accept_max_nonmail = 1000000
smtp_accept_max_per_connection = 0
recipients_max = 0
qualify_domain = example.com
allow_domain_literals = true
dsn_advertise_hosts = *
acl_smtp_mail = greeted
acl_smtp_rcpt = known
acl_smtp_data = throw
tls_advertise_hosts =
log_selector = -all
write_rejectlog = false
`;

const lists = `greeted:
  deny condition = \${if !def:sender_helo_name}
       message = 5.5.1 Say EHLO first
  accept
known:
  accept domains = example.com
         local_parts = b : c : postmaster
  deny message = 5.1.1 No such user here
throw:
  discard
`;

export const servers: Readonly<Record<string, Rival>> = {
  // As it is since 3.9, and as it can be made since 3.7.9; what Debian 12 has is the other one.
  postfix: {
    ...postfix({
      ...quietPostfix,
      smtpd_forbid_bare_newline: "reject",
      smtpd_forbid_bare_newline_exclusions: "",
    }),
  },
  exim: exim(quietExim, "", lists),
  opensmtpd,
  aiosmtpd,
  "smtp-server": smtpServer,
};
