import type { MailParameters, RcptParameters } from "../syntax/parameters.ts";

/** An envelope that was taken, as a server session gives it: what is to be known of it until it has been passed on. */
export interface HeldEnvelope {
  /** The sender; null for `<>`. */
  readonly from: { readonly address: string } | null;
  /**
   * The parameters of MAIL, but for what the application has decided since: a priority that it has lowered, an AUTH
   * that it does not believe, which becomes `<>` or null.
   */
  readonly parameters: MailParameters;
  readonly recipients: readonly HeldRecipient[];
}

/** A recipient, with the parameters of its RCPT. */
export interface HeldRecipient {
  readonly to: { readonly address: string };
  readonly parameters: RcptParameters;
}
