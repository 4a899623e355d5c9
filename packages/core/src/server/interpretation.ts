import type { Surroundings } from "../extensions/extension.ts";
import type { Reply } from "../reply.ts";
import type { ClientAttributes, ForwardedAttributes } from "../syntax/attributes.ts";
import type { ArgumentContext } from "../syntax/command.ts";
import type { Fault } from "../syntax/fault.ts";
import type { MailParameters } from "../syntax/parameters.ts";
import type { AuthMechanism, ServerLimits } from "./config.ts";
import type { Envelope, Question, TlsInfo } from "./events.ts";
import type { ServerSettings } from "./settings.ts";
import type { Situation } from "./state.ts";

/** What a command line comes to. */
export type Interpretation =
  /** The core refuses it: the fault is reported, its reply sent; a 421 closes. `last`: a BURL with which a message ends. */
  | { readonly kind: "refuse"; readonly fault: Fault; readonly verb: string; readonly last?: boolean }
  /** The application decides; `question` wants an id. */
  | { readonly kind: "ask"; readonly verb: string; readonly question: Question }
  /** The core accepts it by itself. */
  | { readonly kind: "accept"; readonly verb: string; readonly reply: Reply }
  /** A BDAT chunk follows, to be taken or, with a fault, to be thrown away. */
  | { readonly kind: "chunk"; readonly size: number; readonly last: boolean; readonly fault: Fault | null }
  /** An AUTH exchange begins. */
  | { readonly kind: "auth"; readonly mechanism: AuthMechanism; readonly initial: Uint8Array | null }
  /** A trusted proxy tells who the client is: the session begins anew, with a greeting. */
  | { readonly kind: "xclient"; readonly verb: "XCLIENT"; readonly attributes: ClientAttributes }
  /** A trusted relay tells where the next message came from. */
  | {
      readonly kind: "xforward";
      readonly verb: "XFORWARD";
      readonly attributes: Partial<ForwardedAttributes>;
    };

type Refused = Extract<Interpretation, { readonly kind: "refuse" }>;

/** What the interpretation of a line depends on, beside the line. */
export interface Context extends Situation, Surroundings, ArgumentContext {
  readonly settings: ServerSettings;
  readonly limits: ServerLimits;
  /** How many recipients were accepted. */
  readonly recipients: number;
  /** How many domains of recipients were named in this session, where they are counted, and whether one was. */
  readonly domains: number;
  isNamed(domain: string): boolean;
  /** The envelope of the open transaction, as it stands. */
  envelope(): Envelope;
  /** RCPTs of the open transaction that were refused. */
  readonly refusedHere: number;
  /** What the handshake gave; null: there was none. */
  readonly tls: TlsInfo | null;
  readonly parameters: MailParameters;
  /** The id for a question. */
  readonly id: number;
}

/** A refusal by the core. */
export function refuse(verb: string, rule: string, detail: string, at: number, reply: Reply): Refused {
  return { kind: "refuse", fault: { rule, detail, at, reply }, verb };
}

/** A refusal for what was found in an argument. */
export function refused(verb: string, fault: Fault): Refused {
  return { kind: "refuse", fault, verb };
}
