import { createHmac } from "node:crypto";
import { daemon, filesIn, type Peer } from "./peer.ts";
import { Daemon, type Folder, freePort } from "./root.ts";

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

/**
 * Starts the authentication of Dovecot for other servers: user@example.com has the password `pencil`, or a
 * {@link token}; anybody may be anonymous.
 */
export async function authentication(
  folder: Folder,
): Promise<{ readonly daemon: Daemon; readonly port: number }> {
  const { inside } = folder;
  const port = await freePort();
  await folder.folder("base");
  await folder.folder("keys/default/HS256");
  await folder.write("keys/default/HS256/default", Buffer.from(secret).toString("base64"));
  await folder.write("users", "user@example.com:{PLAIN}pencil\n");
  const tokens = await folder.write(
    "oauth2.conf",
    `introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${inside}/keys/
username_attribute = sub
`,
  );
  const configuration = await folder.write(
    "dovecot.conf",
    `base_dir = ${inside}/base
state_dir = ${inside}/base
protocols =
log_path = /dev/stderr
auth_verbose = yes
auth_debug = yes
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 oauthbearer xoauth2 anonymous
auth_anonymous_username = nobody
auth_failure_delay = 0
# Whoever fails again and again is made to wait longer and longer, but for this.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
first_valid_uid = 1
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = ${inside}/users
}
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = ${tokens}
}
service auth {
  inet_listener {
    address = 127.0.0.1
    port = ${port}
  }
}
`,
  );
  const daemon = await Daemon.start("/usr/sbin/dovecot", ["-F", "-c", configuration], port);
  return { daemon, port };
}

/** A bearer token for a user, as a JSON Web Token signed with HS256 (RFC 7519), good for ten minutes. */
export function token(user: string, key: string = secret): string {
  const encoded = (what: unknown): string => Buffer.from(JSON.stringify(what)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ sub: user, nbf: now - 60, exp: now + 600 })}`;
  return `${signed}.${createHmac("sha256", key).update(signed).digest("base64url")}`;
}

/** With this tokens are signed, and checked. */
const secret = "what nobody else knows";
