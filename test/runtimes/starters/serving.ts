import { createSecureContext } from "node:tls";
import { reply } from "@sansmtp/core";
import type { Handlers, Message, MessageAnswer, Server } from "@sansmtp/drive";
import { deriveScramKeys } from "@sansmtp/sasl";
import type { Serve, Served } from "../calls.ts";
import { type Sum, Summing } from "../content.ts";
import { faulty } from "./faulty.ts";
import { watch } from "./measuring.ts";
import type { Adapter } from "./obey.ts";

/** A server, and what became of it. */
export class Serving {
  readonly server: Server;
  readonly #takes: NonNullable<Serve["takes"]>;
  #messages: Sum[] = [];
  #errors: string[] = [];
  #closings: Served["closings"][number][] = [];
  #hellos: Served["hellos"][number][] = [];
  #senders: string[] = [];
  #mechanisms: (string | null)[] = [];
  #received = 0;
  #sent = 0;
  #taken: () => void = () => {};
  readonly #mayTake: Promise<void>;

  constructor({ createServer }: Adapter, given: Serve) {
    const { options = {}, takes = "all", certificates } = given;
    this.#takes = takes;
    this.#mayTake = new Promise((resolve) => {
      this.#taken = resolve;
    });
    const { tlsOptions = {} } = options as { readonly tlsOptions?: object };
    const sni =
      certificates === undefined ? {} : { tlsOptions: { ...tlsOptions, ...choosing(certificates) } };
    this.server = createServer({
      name: "mx.example.com",
      ...this.#handlers(given),
      ...(given.faults === true ? faulty((sum) => this.#messages.push(sum)) : {}),
      ...(given.knows === true ? authenticating : {}),
      ...options,
      ...sni,
    });
  }

  served(): Served {
    return {
      connections: this.server.connections.size,
      address: this.server.address,
      received: this.#received,
      sent: this.#sent,
      messages: this.#messages,
      errors: this.#errors,
      closings: this.#closings,
      hellos: this.#hellos,
      senders: this.#senders,
      mechanisms: this.#mechanisms,
    };
  }

  drain(): Served {
    const served = this.served();
    [this.#messages, this.#errors, this.#closings] = [[], [], []];
    [this.#hellos, this.#senders, this.#mechanisms] = [[], [], []];
    return served;
  }

  take(): null {
    this.#taken();
    return null;
  }

  async close(within: number | undefined): Promise<null> {
    await this.server.close(within === undefined ? {} : { within });
    return null;
  }

  #handlers({ thinks = 0 }: Serve): Handlers {
    const think = (): undefined | Promise<undefined> =>
      thinks === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, thinks, undefined));
    return {
      connect: (_, connection) => {
        watch(connection);
        return undefined;
      },
      starttls: think,
      hello: ({ name }, { remote, client }) => {
        this.#hellos.push({ name, remote: remote?.address ?? null, tls: client.tls });
        return undefined;
      },
      mail: ({ from }, { client }) => {
        this.#senders.push(from?.address ?? "");
        this.#mechanisms.push(client.authenticated);
        return think();
      },
      rcpt: ({ to }) => (to.local === "nobody" ? reply(550, "5.1.1", "No such mailbox") : undefined),
      message: (message) => this.#message(message),
      onError: (error) => void this.#errors.push(String(error)),
      onClose: ({ reason, error }) => {
        this.#closings.push({ reason, error: error === null ? null : String(error) });
      },
      observe: {
        receive: (octets) => {
          this.#received += octets.length;
        },
        send: (octets) => {
          this.#sent += octets.length;
        },
      },
    };
  }

  async #message({ body }: Message): Promise<MessageAnswer> {
    if (this.#takes === "none") return reply(550, "5.7.1", "Not that");
    if (this.#takes === "later") await this.#mayTake;
    const summing = new Summing();
    for await (const octets of body) summing.add(octets);
    this.#messages.push(summing.sum());
    return reply(250, "2.0.0", "Queued");
  }
}

const keys = deriveScramKeys("secret", { salt: new Uint8Array(16).fill(5) });

const authenticating: Pick<Handlers, "authenticate"> & { readonly authRequired: boolean } = {
  authRequired: true,
  authenticate: ({ identity, verify }) => verify(identity.user === "me" ? keys : null),
};

/** What chooses a certificate by name, as `tls.createServer` has it. */
function choosing(certificates: NonNullable<Serve["certificates"]>): object {
  return {
    SNICallback: (name: string, done: (error: Error | null, context?: unknown) => void) => {
      const found = certificates[name];
      done(null, found === undefined ? undefined : createSecureContext(found));
    },
  };
}
