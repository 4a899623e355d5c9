import type { MailParameters, RcptParameters } from "../syntax/parameters.ts";

/** Parameters of MAIL as far as they matter behind the session in which they were received. */
export interface SentMail extends Pick<MailParameters, "body" | "smtputf8" | "ret" | "envid" | "auth"> {
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
export interface SentRcpt extends Pick<RcptParameters, "notify" | "orcpt"> {
  readonly rrvs?: { readonly since: string; readonly action: "continue" | "reject" } | null;
}
