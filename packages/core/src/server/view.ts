import { bug } from "../errors.ts";
import { customName } from "../extensions/custom.ts";
import type { ExtensionName, Extensions } from "../extensions/extension.ts";
import { isTrusted } from "../extensions/trust.ts";
import type { KnownParameters, MailParameters } from "../syntax/parameters.ts";
import type { Lenient } from "../syntax/path.ts";
import { isOffered, offered, usableMechanisms } from "./capabilities.ts";
import type { ServerLimits } from "./config.ts";
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
    return isTrusted(this.extensions[offer], { address: this.address });
  }

  get settings(): ServerSettings {
    return this.#machine.settings;
  }

  // What an announcement depends on.

  get extensions(): Extensions {
    return this.#machine.settings.extensions;
  }

  get tlsPossible(): boolean {
    return this.offers("starttls");
  }

  mechanisms(): readonly string[] {
    return usableMechanisms(this.#machine.settings, this.#machine.state.tls);
  }

  get address(): string | null {
    return clientAddress(this.#machine.state);
  }

  // What an argument is read with.

  get utf8(): "absent" | "offered" | "allowed" {
    if (this.parameters.smtputf8) return "allowed";
    return this.extensions.smtputf8 && this.extended ? "offered" : "absent";
  }

  get lenient(): Lenient {
    return this.#machine.settings.lenient;
  }

  get limits(): ServerLimits {
    return this.#machine.settings.limits;
  }

  get known(): KnownParameters {
    return this.#machine.settings.parameters;
  }

  get plain(): boolean {
    return !this.extended;
  }

  get maxParameters(): number {
    return this.#machine.settings.limits.parameters;
  }

  inForce(name: string): boolean {
    if (!this.extended) return false;
    return name === customName || isOffered(name as ExtensionName, this, this.#machine.settings);
  }

  get recipients(): number {
    return this.#machine.state.mail.recipients.length;
  }

  get domains(): number {
    return this.#machine.state.domains?.count ?? 0;
  }

  isNamed(domain: string): boolean {
    const { named } = this.#machine.state.domains ?? bug("domains counted, and none");
    return Object.hasOwn(named, domainKey(domain));
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

  get parameters(): MailParameters {
    return this.#machine.state.mail.parameters;
  }

  get id(): number {
    return this.#machine.state.nextId;
  }
}

/** No domain is the name of something that every object has. */
export function domainKey(domain: string): string {
  return `@${domain}`;
}
