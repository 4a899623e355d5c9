import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Daemon, type Folder } from "./root.ts";

/** A program of somebody else's that stands in front of our server. */
export interface Front {
  readonly name: string;
  /** What of it must be in the root. */
  readonly program: string;
  /** Starts it, for a server on another port of 127.0.0.1. */
  start(folder: Folder, port: number, server: number): Promise<Running>;
}

/** One that runs. */
export type Running = Pick<Daemon, "stop" | "toString">;

/** How HAProxy is set up. */
export interface HaproxySetup {
  /** What it says to the server before each connection, and what more there is to the server: `send-proxy`... */
  readonly server: string;
  /** What there is to its own port. */
  readonly bind?: string;
  /** What is done to each connection. */
  readonly rules?: readonly string[];
  /** What there is to the back end. */
  readonly options?: readonly string[];
}

/** HAProxy, which knows no SMTP and passes octets on, inside or outside TLS. `FOLDER` is its folder. */
export function haproxy({ server: how, bind = "", rules = [], options = [] }: HaproxySetup): Front {
  return {
    name: "HAProxy",
    program: "usr/sbin/haproxy",
    async start(folder, port, server) {
      const lines = [
        "global",
        "maxconn 100",
        "defaults",
        "mode tcp",
        "timeout connect 5s",
        "timeout client 20s",
        "timeout server 20s",
        "frontend in",
        `bind 127.0.0.1:${port} ${bind}`,
        ...rules,
        "default_backend out",
        "backend out",
        ...options,
        `server mx 127.0.0.1:${server} ${how}`,
        "",
      ];
      const configuration = await folder.write(
        "haproxy.cfg",
        lines.join("\n").replaceAll("FOLDER", folder.inside),
      );
      return Daemon.start("/usr/sbin/haproxy", ["-db", "-f", configuration], port);
    },
  };
}

/**
 * The mail proxy of nginx, which speaks SMTP with the client up to the first recipient, and then with the server.
 *
 * @param listen what there is to its port: `proxy_protocol`, if it is to read a header
 * @param settings lines for its server: `proxy_protocol on;`...
 */
export function nginx(listen: string, ...settings: readonly string[]): Front {
  return {
    name: "nginx",
    program: "usr/lib/nginx/modules/ngx_mail_module.so",
    async start(folder, port, server) {
      // Where a client goes, it asks over HTTP.
      const authority = createServer((_, response) => {
        response.writeHead(200, {
          "Auth-Status": "OK",
          "Auth-Server": "127.0.0.1",
          "Auth-Port": String(server),
        });
        response.end();
      });
      authority.listen(0, "127.0.0.1").unref();
      await once(authority, "listening");
      const { port: asked } = authority.address() as AddressInfo;
      const configuration = await folder.write(
        "nginx.conf",
        `load_module modules/ngx_mail_module.so;
daemon off;
master_process off;
pid ${folder.inside}/nginx.pid;
error_log stderr info;
events {
}
mail {
  server_name mx.example.com;
  auth_http 127.0.0.1:${asked}/;
  server {
    listen 127.0.0.1:${port} ${listen};
    protocol smtp;
    ${settings.join("\n    ")}
  }
}
`,
      );
      const daemon = await Daemon.start("/usr/sbin/nginx", ["-c", configuration], port);
      return {
        async stop() {
          await daemon.stop();
          authority.close();
        },
        toString: () => String(daemon),
      };
    },
  };
}
