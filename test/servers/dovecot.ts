import { daemon, filesIn, type Peer } from "./peer.ts";
import { Daemon } from "./root.ts";

export const dovecot: Peer = {
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
