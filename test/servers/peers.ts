import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { dovecot } from "./dovecot.ts";
import { exim } from "./exim.ts";
import { daemon, filesIn, type Peer } from "./peer.ts";
import { postfix } from "./postfix.ts";
import { Daemon } from "./root.ts";

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

export const peers: readonly Peer[] = [
  aiosmtpd("smtp"),
  aiosmtpd("lmtp"),
  smtpServer("smtp"),
  smtpServer("lmtp"),
  exim(),
  postfix(),
  opensmtpd,
  dovecot,
];
