import { filesIn, logging, type Peer } from "./peer.ts";
import { Daemon } from "./root.ts";

/**
 * An Exim.
 *
 * @param settings lines of the main section, next to those that all have or in their place; `FOLDER` is its folder
 * @param authenticators the section of that name
 * @param lists access lists, next to those that all have
 */
export function exim(settings = "", authenticators = "", lists = ""): Peer {
  const replaced = new Set(settings.match(/^\w+(?= *=)/gm));
  const common = commonSettings.split("\n").filter((line) => !replaced.has(line.split(" ")[0]!));
  return {
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
        `FOLDER = ${inside}
daemon_smtp_ports = ${port}
${common.join("\n")}
${settings}
begin acl
rcpt:
  accept domains = example.com
         local_parts = b : c : late : δοκιμή
  deny message = 5.1.1 No such user here
each:
  deny local_parts = late
       message = 5.7.1 Not this message
  accept
${lists}
begin routers
local:
  driver = accept
  local_parts = b : c : late : δοκιμή
  transport = keep
begin transports
keep:
  driver = appendfile
  directory = FOLDER/kept/$local_part_data
  maildir_format
begin authenticators
${authenticators}
`,
      );
      const given = ["-C", configuration, "-bdf", "-q1h", "-oX", `127.0.0.1.${port}`];
      const running = await Daemon.start("/usr/sbin/exim4", given, port);
      return logging(running, folder.outside("spool", "mainlog"), (local) =>
        filesIn(folder.outside("kept", local, "new")),
      );
    },
  };
}

const commonSettings = `primary_hostname = mx.example.com
spool_directory = FOLDER/spool
log_file_path = FOLDER/spool/%slog
pid_file_path = FOLDER/spool/pid
local_interfaces = 127.0.0.1
tls_certificate = FOLDER/certificate.pem
tls_privatekey = FOLDER/key.pem
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
received_header_text = Received: from $sender_helo_name ($sender_host_address:$sender_host_port) $authenticated_id id $message_exim_id`;
