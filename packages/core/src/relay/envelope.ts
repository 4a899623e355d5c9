import type { MailParameters, RcptParameters } from "../syntax/parameters.ts";

/** An envelope that was taken, as a server session gives it: what is to be known of it until it has been passed on. */
export interface HeldEnvelope {
  /** The sender; null for `<>`. */
  readonly from: { readonly address: string } | null;
  /**
   * The parameters of MAIL, but for what the application has decided since: a priority that it has lowered, an AUTH
   * that it does not believe, which becomes `<>` or null.
   */
  readonly parameters: HeldMail;
  readonly recipients: readonly HeldRecipient[];
}

/** A recipient, with the parameters of its RCPT. */
export interface HeldRecipient {
  readonly to: { readonly address: string };
  readonly parameters: HeldRcpt;
}

/** Parameters of MAIL as far as they matter behind the session in which they were received. */
export interface HeldMail extends Pick<MailParameters, "body" | "smtputf8" | "ret" | "envid" | "auth"> {
  readonly by?: {
    readonly seconds: number;
    readonly mode: "return" | "notify";
    readonly trace: boolean;
  } | null;
  readonly priority?: number | null;
  readonly requireTls?: boolean;
  readonly solicit?: readonly string[] | null;
  readonly track?: { readonly certifier: string; readonly timeout: number | null } | null;
}

/** Parameters of RCPT, likewise. */
export interface HeldRcpt extends Pick<RcptParameters, "notify" | "orcpt"> {
  readonly rrvs?: { readonly since: string; readonly action: "continue" | "reject" } | null;
}
