import type { Surroundings } from "../extensions/extension.ts";
import { isTrusted } from "../extensions/trust.ts";
import type { MailParameters } from "../syntax/parameters.ts";
import { offered, usableMechanisms } from "./capabilities.ts";
import type { Envelope, TlsInfo } from "./events.ts";
import type { Context } from "./interpretation.ts";
import type { Machine } from "./machine.ts";
import { clientAddress } from "./record.ts";
import type { ServerSettings } from "./settings.ts";
import type { Offer, Phase, Transaction } from "./state.ts";

/**
 * What the interpretation of a command line depends on, as the machine has it now. It holds nothing: what nobody looks
 * at costs nothing, and a command line is judged too often for more.
 */
export class View implements Context {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get phase(): Phase {
    return this.#machine.state.phase;
  }

  get transaction(): Transaction {
    return this.#machine.state.mail.transaction;
  }

  get extended(): boolean {
    const { hello } = this.#machine.state;
    return hello !== null && hello.verb !== "HELO";
  }

  get tlsActive(): boolean {
    return this.#machine.state.tls !== null;
  }

  get tlsRequired(): boolean {
    return this.#machine.settings.tls === "required";
  }

  get authenticated(): boolean {
    return this.#machine.state.authenticated !== null;
  }

  get authRequired(): boolean {
    return this.#machine.settings.authRequired;
  }

  offers(offer: Offer): boolean {
    return offered(offer, this.#machine.settings);
  }

  trusts(offer: Offer): boolean {
    if (offer !== "xclient" && offer !== "xforward") return true;
    const { extensions } = this.#machine.settings;
    return isTrusted(extensions[offer], { address: clientAddress(this.#machine.state) });
  }

  get settings(): ServerSettings {
    return this.#machine.settings;
  }

  surroundings(): Surroundings {
    const { state, settings } = this.#machine;
    const { tls } = state;
    return {
      extensions: settings.extensions,
      tlsPossible: settings.tls === "offered" || settings.tls === "required",
      tlsActive: tls !== null,
      authenticated: state.authenticated !== null,
      mechanisms: () => usableMechanisms(settings, tls),
      limits: settings.limits,
      address: clientAddress(state),
    };
  }

  get recipients(): number {
    return this.#machine.state.mail.recipients.length;
  }

  get domains(): number {
    return this.#machine.state.domainCount;
  }

  isNamed(domain: string): boolean {
    return Object.hasOwn(this.#machine.state.domains, domainKey(domain));
  }

  envelope(): Envelope {
    return this.#machine.envelope();
  }

  get refusedHere(): number {
    return this.#machine.state.mail.refused;
  }

  get tls(): TlsInfo | null {
    return this.#machine.state.tls;
  }

  get parameters(): MailParameters | null {
    const { mail } = this.#machine.state;
    return mail.transaction === "none" ? null : mail.parameters;
  }

  get id(): number {
    return this.#machine.state.nextId;
  }
}

/** No domain is the name of something that every object has. */
export function domainKey(domain: string): string {
  return `@${domain}`;
}
