import { authentication } from "./dovecot.ts";
import { exim } from "./exim.ts";
import { type Peer, together } from "./peer.ts";
import { postfix } from "./postfix.ts";

/** A server at which user@example.com authenticates with `pencil`, and others as it says; who it was is in the Received field. */
export interface AuthenticatingPeer extends Peer {
  /** What it offers after STARTTLS. */
  readonly mechanisms: readonly string[];
}

/** Postfix, which asks Dovecot. */
export const postfixWithDovecot: AuthenticatingPeer = {
  ...postfix(),
  name: "Postfix with Dovecot",
  mechanisms: [
    ...["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"],
    ...["OAUTHBEARER", "XOAUTH2", "ANONYMOUS"],
  ],
  async start(folder, port) {
    const { daemon, port: asked } = await authentication(folder);
    const server = postfix({
      smtpd_sasl_auth_enable: "yes",
      smtpd_sasl_type: "dovecot",
      smtpd_sasl_path: `inet:127.0.0.1:${asked}`,
      smtpd_sasl_security_options: "",
      smtpd_sasl_authenticated_header: "yes",
      smtpd_tls_auth_only: "yes",
      smtpd_error_sleep_time: "0",
    });
    return together(await server.start(folder, port), daemon);
  },
};

/**
 * Exim: SCRAM by the SASL of Cyrus, EXTERNAL for whoever shows a certificate signed by an authority, and three
 * mechanisms of its own.
 */
export function eximWithCyrus(authority: string): AuthenticatingPeer {
  const server = exim(
    `tls_try_verify_hosts = *
tls_verify_certificates = FOLDER/authority.pem
`,
    [
      cyrus("SCRAM-SHA-1"),
      cyrus("SCRAM-SHA-256"),
      `cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = \${if eq{$auth1}{user@example.com}{pencil}fail}
  server_set_id = $auth1
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and{{eq{$auth2}{user@example.com}}{eq{$auth3}{pencil}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = User Name : Password
  server_condition = \${if and{{eq{$auth1}{user@example.com}}{eq{$auth2}{pencil}}}}
  server_set_id = $auth1
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = \${certextract {subject,CN}{$tls_in_peercert}}
  server_condition = \${if or{{eq{$auth1}{}}{eq{$auth1}{$auth2}}}}
  server_set_id = $auth2
`,
    ].join(""),
  );
  return {
    ...server,
    name: "Exim with Cyrus SASL",
    // What makes its users.
    program: "usr/sbin/saslpasswd2",
    mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN", "EXTERNAL"],
    async start(folder, port) {
      await folder.write("authority.pem", authority);
      return server.start(folder, port);
    },
  };
}

function cyrus(mechanism: string): string {
  return `${mechanism.replaceAll("-", "_")}:
  driver = cyrus_sasl
  public_name = ${mechanism}
  server_hostname = example.com
  server_realm = example.com
  server_set_id = $auth1
`;
}
