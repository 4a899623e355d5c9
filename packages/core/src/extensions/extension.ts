import type {
  DeliverBy,
  MailParameters,
  RcptParameters,
  ReadParameter,
  RecipientValidSince,
  Refusal,
  Track,
} from "../syntax/parameters.ts";
import type { BurlOptions } from "./burl.ts";
import type { DeliverByOptions } from "./deliver-by.ts";
import type { FutureReleaseOptions } from "./future-release.ts";
import type { PriorityOptions } from "./priority.ts";
import type { SolicitOptions } from "./solicit.ts";
import type { TrustOptions } from "./trust.ts";

/**
 * Which extensions are offered, by their name in the registry; some take options. What would oblige the application
 * to more than taking mail is off until it says so.
 */
export interface Extensions {
  /** RFC 2920. Default true. */
  readonly pipelining: boolean;
  /** RFC 1870; the number offered is `limits.message`. Default true. */
  readonly size: boolean;
  /** RFC 6152. Default true. */
  readonly "8bitmime": boolean;
  /** RFC 6531: addresses and headers in UTF-8. Needs 8bitmime. Default false. */
  readonly smtputf8: boolean;
  /** RFC 2034. Default true. */
  readonly enhancedStatusCodes: boolean;
  /** RFC 3030, BDAT. Default true. */
  readonly chunking: boolean;
  /** RFC 3030: content with any octets, which cannot be passed on by DATA. Needs chunking. Default false. */
  readonly binarymime: boolean;
  /** RFC 3461: the application sends delivery notifications as asked. Default false. */
  readonly dsn: boolean;
  /** RFC 2852: the application returns a message, or warns, when its time has passed. Default false. */
  readonly deliverby: boolean | DeliverByOptions;
  /** RFC 4865: the application holds messages back. On submission only. Default false. */
  readonly futurerelease: false | FutureReleaseOptions;
  /** RFC 6710: the application sends on more urgent messages first. Default false. */
  readonly mtPriority: boolean | PriorityOptions;
  /** RFC 8689: the application sends on inside TLS only; listed inside TLS. Default false. */
  readonly requiretls: boolean;
  /** RFC 7293: the application knows since when its mailboxes have had their owners. Default false. */
  readonly rrvs: boolean;
  /** RFC 3865. Default false. */
  readonly noSoliciting: boolean | SolicitOptions;
  /** RFC 3885: the application answers tracking requests. Needs dsn. Default false. */
  readonly mtrk: boolean;
  /** A verdict for each recipient after the content (draft-hall-prdr). Default false. */
  readonly prdr: boolean;
  /** RFC 9422: MAILMAX, RCPTMAX and RCPTDOMAINMAX tell of `limits`. Default false. */
  readonly limits: boolean;
  /** RFC 4468: the application fetches content. On submission only; needs 8bitmime. Default false. */
  readonly burl: false | BurlOptions;
  /** RFC 1985. Not on submission. Default false. */
  readonly etrn: boolean;
  /** RFC 2645, the service for on-demand relay; it is on where `service` is `on-demand`. Default false. */
  readonly atrn: boolean;
  /** A proxy in front tells who the client is. Default false. */
  readonly xclient: false | TrustOptions;
  /** A relay in front tells where a message came from, for logs. Default false. */
  readonly xforward: false | TrustOptions;
  /** VRFY is listed; it is answered in any case. Default false. */
  readonly vrfy: boolean;
  /** EXPN is answered. Default false. */
  readonly expn: boolean;
  /** HELP is answered. Default true. */
  readonly help: boolean;
}

/** An extension by its name in the registry. STARTTLS and AUTH are configured by `tls` and `mechanisms`. */
export type ExtensionName = keyof Extensions | "starttls" | "auth";

/**
 * What a server is for. `relay`: mail from anywhere, on port 25. `submission`: mail from its own users (RFC 6409).
 * `on-demand`: it hands out the mail that it keeps for its clients (RFC 2645).
 */
export type Service = "relay" | "submission" | "on-demand";

/** A row of the registry: all that an extension adds to the protocol (RFC 5321 §2.2.2). */
export interface Extension {
  readonly name: ExtensionName;
  /** The word that begins its EHLO line. */
  readonly keyword: string;
  /** Where it is specified. */
  readonly source: string;
  /** What it is for, in a few words. */
  readonly purpose: string;
  /** It cannot be offered without these. */
  readonly needs?: readonly ExtensionName[];
  /** Where it may be offered; left out: anywhere. */
  readonly services?: readonly Service[];
  /** The parameters that it adds to MAIL and RCPT, by keyword. */
  readonly mail?: Readonly<Record<string, Parameter<MailParameters, OutgoingParameters>>>;
  readonly rcpt?: Readonly<Record<string, Parameter<RcptParameters, AddresseeParameters>>>;
  /** The verbs that it adds; their rules stand in the table of the server's state. */
  readonly verbs?: readonly string[];
  /** What stands behind the keyword now; null: it is not offered now. Left out: nothing, always. */
  readonly announce?: (surroundings: Surroundings) => string | null;
  /** What is wrong with the parameters of MAIL taken together; null: nothing. */
  readonly check?: (mail: MailParameters, sender: boolean, surroundings: Surroundings) => Refusal | null;
  /** Why a server that announces these words cannot be given this; null: it can. */
  readonly unfit?: (outgoing: OutgoingParameters, words: readonly string[]) => string | null;
}

/** A parameter as the server reads it and the client writes it. */
export interface Parameter<Read, Written> {
  /** `=` may stand in its value: the padding of base64. */
  readonly equals?: boolean;
  readonly read: ReadParameter<Read>;
  /** How the server refuses it when it is malformed or repeated; left out: as every other, `501 5.5.4`. */
  readonly malformed?: Refusal;
  /**
   * The value that the client sends, empty for a keyword alone; null: the parameter is not sent. It throws UsageError
   * for what cannot be said. Null in place of the function: the client decides by itself, by the message.
   */
  readonly write: ((given: Written) => string | null) | null;
}

/** What an announcement depends on. */
export interface Surroundings {
  /** What is configured; true where an extension has no options. */
  readonly extensions: Extensions;
  readonly tlsPossible: boolean;
  readonly tlsActive: boolean;
  /** The client has authenticated. */
  readonly authenticated: boolean;
  /** AUTH mechanisms that this client could use now. */
  mechanisms(): readonly string[];
  readonly limits: {
    readonly message: number;
    readonly recipients: number;
    readonly recipientDomains: number;
    readonly transactions: number;
  };
  /** The client's address; null when it is not known. */
  readonly address: string | null;
}

/** Parameters of MAIL that a client can be told to send. Each needs the server to offer its extension. */
export interface OutgoingParameters {
  /** RFC 3461 §4.3. */
  readonly ret?: "FULL" | "HDRS";
  /** RFC 3461 §4.4, unencoded; printable ASCII. Or `raw`, as it was received, to be passed on octet for octet. */
  readonly envid?: string | { readonly raw: string };
  /** The AUTH parameter (RFC 4954 §5): an address, or `<>`. */
  readonly auth?: string;
  /** RFC 2852. */
  readonly by?: DeliverBy;
  /** RFC 4865: seconds, 1 to 999,999,999. */
  readonly holdFor?: number;
  /** RFC 4865: an RFC 3339 date-time in UTC. */
  readonly holdUntil?: string;
  /** RFC 6710: -9 to 9. */
  readonly priority?: number;
  /** RFC 8689: the message is to travel inside TLS only. */
  readonly requireTls?: boolean;
  /** RFC 3865: the keywords of the Solicitation field. */
  readonly solicit?: readonly string[];
  /** RFC 3885; needs an `envid` of the form `local@host`. */
  readonly track?: Track;
  /** Parameters of extensions that the configuration registers, by keyword; true: without value. */
  readonly other?: Readonly<Record<string, string | true>>;
}

/** Parameters of RCPT that a client can be told to send. */
export interface AddresseeParameters {
  /** RFC 3461 §4.1. */
  readonly notify?: readonly ("NEVER" | "SUCCESS" | "FAILURE" | "DELAY")[];
  /**
   * RFC 3461 §4.2: type and address, unencoded. With `raw`, the whole value as it was received, it is passed on octet
   * for octet; unless that has UTF-8, which not every server takes, or says something else.
   */
  readonly orcpt?: { readonly type: string; readonly address: string; readonly raw?: string };
  /** RFC 7293. */
  readonly rrvs?: RecipientValidSince;
  /** Parameters of extensions that the configuration registers, by keyword; true: without value. */
  readonly other?: Readonly<Record<string, string | true>>;
}
