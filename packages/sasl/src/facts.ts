/** What has to be known of a mechanism to list it, and to begin an exchange. */
export interface MechanismFacts {
  /** Who speaks first. `either`: the server does, but an initial response is understood (LOGIN). */
  readonly first: "client" | "server" | "either";
  /** It shows the credentials to an eavesdropper: for TLS only. */
  readonly cleartext: boolean;
  /** What the session must have, or it is neither listed nor taken. */
  readonly needs: null | "certificate" | "channel-binding";
}

/** The names of the mechanisms that are here. */
export type MechanismName =
  | "EXTERNAL"
  | "SCRAM-SHA-256-PLUS"
  | "SCRAM-SHA-256"
  | "SCRAM-SHA-1-PLUS"
  | "SCRAM-SHA-1"
  | "OAUTHBEARER"
  | "XOAUTH2"
  | "CRAM-MD5"
  | "PLAIN"
  | "LOGIN"
  | "ANONYMOUS";

/** The mechanisms that are here, strongest first. */
export const mechanismFacts: Readonly<Record<MechanismName, MechanismFacts>> = {
  EXTERNAL: { first: "client", cleartext: false, needs: "certificate" },
  "SCRAM-SHA-256-PLUS": { first: "client", cleartext: false, needs: "channel-binding" },
  "SCRAM-SHA-256": { first: "client", cleartext: false, needs: null },
  "SCRAM-SHA-1-PLUS": { first: "client", cleartext: false, needs: "channel-binding" },
  "SCRAM-SHA-1": { first: "client", cleartext: false, needs: null },
  OAUTHBEARER: { first: "client", cleartext: true, needs: null },
  XOAUTH2: { first: "client", cleartext: true, needs: null },
  "CRAM-MD5": { first: "server", cleartext: false, needs: null },
  PLAIN: { first: "client", cleartext: true, needs: null },
  LOGIN: { first: "either", cleartext: true, needs: null },
  ANONYMOUS: { first: "client", cleartext: false, needs: null },
};

/** Whether it is one of those here. */
export function isMechanism(name: string): name is MechanismName {
  return Object.hasOwn(mechanismFacts, name);
}

/** The types of channel binding that a client uses, best first (RFC 9266, RFC 5929). */
export const bindingTypes: readonly string[] = ["tls-exporter", "tls-unique", "tls-server-end-point"];
