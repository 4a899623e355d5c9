import { readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { Daemon, type Folder } from "./root.ts";

/** A server of somebody else's, and what it can do. */
export interface Peer {
  readonly name: string;
  /** Its program in the root; null: it is a package of npm. */
  readonly program: string | null;
  readonly protocol: "smtp" | "lmtp";
  readonly tls: boolean;
  readonly utf8: boolean;
  readonly chunking: boolean;
  /** The code by which it refuses nobody@example.com. */
  readonly refusal: number;
  /** Starts it with STARTTLS if it can, for b and c at example.com, whose mail it keeps, and nobody else. */
  start(folder: Folder, port: number): Promise<Listening>;
}

/** A server that runs. */
export interface Listening {
  stop(): Promise<void>;
  /** What was kept for the local part of a recipient, as the server keeps it. */
  kept(local: string): readonly Buffer[];
}

const aiosmtpd = (protocol: "smtp" | "lmtp"): Peer => ({
  name: protocol === "smtp" ? "aiosmtpd" : "aiosmtpd as LMTP",
  program: "usr/lib/python3/dist-packages/aiosmtpd/smtp.py",
  protocol,
  tls: true,
  utf8: true,
  chunking: false,
  refusal: 550,
  async start(folder, port) {
    const kept = await folder.folder("kept");
    const source = await readFile(new URL("aiosmtpd_serve.py", import.meta.url), "utf8");
    const script = await folder.write("serve.py", source);
    const pair = [`${folder.inside}/certificate.pem`, `${folder.inside}/key.pem`];
    return daemon(
      await Daemon.start(
        "/usr/bin/python3",
        [script, kept, String(port), protocol.toUpperCase(), ...pair],
        port,
      ),
      (local) => filesIn(folder.outside("kept", `${local}@example.com`)),
    );
  },
});

const smtpServer = (protocol: "smtp" | "lmtp"): Peer => ({
  name: protocol === "smtp" ? "smtp-server of nodemailer" : "smtp-server as LMTP",
  program: null,
  protocol,
  tls: true,
  utf8: true,
  chunking: false,
  refusal: 550,
  async start(folder, port) {
    const kept = new Map<string, Buffer[]>();
    const options: SMTPServerOptions = {
      name: "mx.example.com",
      lmtp: protocol === "lmtp",
      key: readFileSync(folder.outside("key.pem")),
      cert: folder.certificate,
      authOptional: true,
      size: 30_000_000,
      logger: false,
      onRcptTo({ address }, _session, done) {
        const refusal = Object.assign(new Error("No such user here"), { responseCode: 550 });
        done(address === "nobody@example.com" ? refusal : null);
      },
      onData(stream, { envelope }, done) {
        const pieces: Buffer[] = [];
        stream.on("data", (piece: Buffer) => pieces.push(piece));
        stream.on("end", () => {
          for (const { address } of envelope.rcptTo) {
            const local = address.split("@")[0]!;
            kept.set(local, [...(kept.get(local) ?? []), Buffer.concat(pieces)]);
          }
          done();
        });
      },
    };
    const server = new SMTPServer(options);
    server.on("error", () => {});
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return {
      stop: () => new Promise((resolve) => server.close(() => resolve())),
      kept: (local) => kept.get(local) ?? [],
    };
  },
});

export const exim: Peer = {
  name: "Exim",
  program: "usr/sbin/exim4",
  protocol: "smtp",
  tls: true,
  utf8: true,
  chunking: true,
  refusal: 550,
  async start(folder, port) {
    const { inside } = folder;
    await folder.folder("kept");
    await folder.folder("spool");
    await folder.give("key.pem", 902);
    const configuration = await folder.write(
      "exim.conf",
      `primary_hostname = mx.example.com
spool_directory = ${inside}/spool
log_file_path = ${inside}/spool/%slog
pid_file_path = ${inside}/spool/pid
daemon_smtp_ports = ${port}
local_interfaces = 127.0.0.1
tls_certificate = ${inside}/certificate.pem
tls_privatekey = ${inside}/key.pem
tls_advertise_hosts = *
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
pipelining_connect_advertise_hosts = *
prdr_enable = true
accept_8bitmime = true
# With -C it has no privileges to drop, and none to deliver with.
deliver_drop_privilege = true
message_size_limit = 30M
keep_environment =
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = rcpt
acl_smtp_data_prdr = each
acl_smtp_data = accept
received_header_text =
begin acl
rcpt:
  accept domains = example.com
         local_parts = b : c : late : δοκιμή
  deny message = 5.1.1 No such user here
each:
  deny local_parts = late
       message = 5.7.1 Not this message
  accept
begin routers
local:
  driver = accept
  local_parts = b : c : late : δοκιμή
  transport = keep
begin transports
keep:
  driver = appendfile
  directory = ${inside}/kept/$local_part_data
  maildir_format
`,
    );
    const given = ["-C", configuration, "-bdf", "-q1h", "-oX", `127.0.0.1.${port}`];
    return daemon(await Daemon.start("/usr/sbin/exim4", given, port), (local) =>
      filesIn(folder.outside("kept", local, "new")),
    );
  },
};

/** What Postfix needs to run at all: its services, all of them outside a chroot of its own. */
const postfixServices = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;

const postfix: Peer = {
  name: "Postfix",
  program: "usr/sbin/postfix",
  protocol: "smtp",
  tls: true,
  utf8: true,
  chunking: true,
  refusal: 550,
  async start(folder, port) {
    const { inside } = folder;
    await folder.folder("kept");
    await folder.postfixQueue();
    await folder.write("master.cf", `127.0.0.1:${port} inet n - n - - smtpd\n${postfixServices}`);
    await folder.write(
      "main.cf",
      `compatibility_level = 3.6
myhostname = mx.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
queue_directory = ${inside}/queue
data_directory = ${inside}/data
maillog_file = /dev/stdout
maillog_file_prefixes = /dev
alias_maps =
alias_database =
virtual_mailbox_domains = example.com
virtual_mailbox_base = ${inside}/kept
virtual_mailbox_maps = inline:{ { b@example.com = b/ }, { c@example.com = c/ }, { δοκιμή@example.com = δοκιμή/ } }
virtual_uid_maps = static:1001
virtual_gid_maps = static:1001
virtual_mailbox_limit = 0
message_size_limit = 30000000
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${inside}/certificate.pem
smtpd_tls_key_file = ${inside}/key.pem
smtpd_relay_restrictions = reject_unauth_destination
smtputf8_enable = yes
`,
    );
    return daemon(await Daemon.start("/usr/lib/postfix/sbin/master", ["-d", "-c", inside], port), (local) =>
      filesIn(folder.outside("kept", local, "new")),
    );
  },
};

const opensmtpd: Peer = {
  name: "OpenSMTPD",
  program: "usr/sbin/smtpd",
  protocol: "smtp",
  // The one of Debian 12 offers it, and then cannot sign: it predates the OpenSSL that it is linked with.
  tls: false,
  utf8: false,
  chunking: false,
  refusal: 524,
  async start(folder, port) {
    const { inside } = folder;
    await folder.folder("kept");
    await folder.clear("var/spool/smtpd");
    const configuration = await folder.write(
      "smtpd.conf",
      `pki example cert "${inside}/certificate.pem"
pki example key "${inside}/key.pem"
smtp max-message-size "30M"
listen on 127.0.0.1 port ${port} tls pki example hostname mx.example.com
table mailboxes { "b@example.com" = b, "c@example.com" = c }
action keep maildir "${inside}/kept/%{user.username}" virtual <mailboxes>
match from any for domain "example.com" action keep
`,
      0o600,
    );
    return daemon(await Daemon.start("/usr/sbin/smtpd", ["-d", "-f", configuration], port), (local) =>
      filesIn(folder.outside("kept", local, "new")),
    );
  },
};

const dovecot: Peer = {
  name: "Dovecot as LMTP",
  program: "usr/lib/dovecot/lmtp",
  protocol: "lmtp",
  tls: true,
  utf8: false,
  chunking: true,
  refusal: 550,
  async start(folder, port) {
    const { inside } = folder;
    await folder.folder("kept");
    await folder.folder("base");
    await folder.write("users", "b:::::::\nc:::::::\n");
    const configuration = await folder.write(
      "dovecot.conf",
      `base_dir = ${inside}/base
state_dir = ${inside}/base
protocols = lmtp
log_path = /dev/stderr
ssl = yes
ssl_cert = <${inside}/certificate.pem
ssl_key = <${inside}/key.pem
disable_plaintext_auth = no
hostname = mx.example.com
postmaster_address = postmaster@example.com
auth_username_format = %Ln
mail_location = maildir:${inside}/kept/%n
mail_uid = 1001
mail_gid = 1001
first_valid_uid = 1
passdb {
  driver = passwd-file
  args = ${inside}/users
}
userdb {
  driver = passwd-file
  args = ${inside}/users
  default_fields = uid=1001 gid=1001 home=${inside}/kept/%n
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
}
`,
    );
    return daemon(await Daemon.start("/usr/sbin/dovecot", ["-F", "-c", configuration], port), (local) =>
      filesIn(folder.outside("kept", local, "new")),
    );
  },
};

export const peers: readonly Peer[] = [
  aiosmtpd("smtp"),
  aiosmtpd("lmtp"),
  smtpServer("smtp"),
  smtpServer("lmtp"),
  exim,
  postfix,
  opensmtpd,
  dovecot,
];

export function daemon(
  running: Daemon,
  kept: (local: string) => Buffer[],
): Listening & { toString(): string } {
  return { stop: () => running.stop(), kept, toString: () => running.toString() };
}

/** The content of each file in a folder, by name; none if there is no such folder. */
export function filesIn(path: string): Buffer[] {
  let names: string[];
  try {
    names = readdirSync(path).sort();
  } catch {
    return [];
  }
  return names.map((name) => readFileSync(`${path}/${name}`));
}
