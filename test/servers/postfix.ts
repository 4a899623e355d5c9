import { filesIn, logging, type Peer } from "./peer.ts";
import { Daemon } from "./root.ts";

/**
 * A Postfix.
 *
 * @param settings parameters of main.cf, next to those that all have or in their place; `$config_directory` is its folder
 * @param services lines of master.cf, next to those that all have
 */
export function postfix(settings: Readonly<Record<string, string>> = {}, services = ""): Peer {
  return {
    name: "Postfix",
    program: "usr/sbin/postfix",
    protocol: "smtp",
    tls: true,
    utf8: true,
    chunking: true,
    refusal: 550,
    async start(folder, port) {
      await folder.folder("kept");
      await folder.postfixQueue();
      const listener = `127.0.0.1:${port} inet n - n - - smtpd\n`;
      await folder.write("master.cf", listener + commonServices + services);
      const all = Object.entries({ ...commonSettings, ...settings });
      await folder.write("main.cf", all.map(([name, value]) => `${name} = ${value}\n`).join(""));
      for (const name of ["master.cf", "main.cf"]) await folder.age(name);
      const running = await Daemon.start("/usr/lib/postfix/sbin/master", ["-d", "-c", folder.inside], port);
      return logging(running, folder.outside("log"), (local) =>
        filesIn(folder.outside("kept", local, "new")),
      );
    },
  };
}

const commonSettings: Readonly<Record<string, string>> = {
  compatibility_level: "3.6",
  myhostname: "mx.example.com",
  mydestination: "",
  inet_interfaces: "127.0.0.1",
  inet_protocols: "ipv4",
  queue_directory: "$config_directory/queue",
  data_directory: "$config_directory/data",
  maillog_file: "$config_directory/log",
  maillog_file_prefixes: "/tmp",
  alias_maps: "",
  alias_database: "",
  virtual_mailbox_domains: "example.com",
  virtual_mailbox_base: "$config_directory/kept",
  virtual_mailbox_maps:
    "inline:{ { b@example.com = b/ }, { c@example.com = c/ }, { δοκιμή@example.com = δοκιμή/ } }",
  virtual_uid_maps: "static:1001",
  virtual_gid_maps: "static:1001",
  virtual_mailbox_limit: "0",
  message_size_limit: "30000000",
  smtpd_tls_security_level: "may",
  smtpd_tls_cert_file: "$config_directory/certificate.pem",
  smtpd_tls_key_file: "$config_directory/key.pem",
  smtpd_relay_restrictions: "reject_unauth_destination",
  smtputf8_enable: "yes",
};

/** What Postfix needs to run at all: its services, all of them outside a chroot of its own. */
const commonServices = `cleanup unix n - n - 0 cleanup
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
smtp unix - - n - - smtp
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;
