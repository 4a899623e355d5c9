// Extensions whose parameter is a word without value.

import type { MailParameters } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { alone } from "./values.ts";

/** REQUIRETLS (RFC 8689): the message travels inside TLS, to servers that are who they say, or not at all. */
export const requireTls: Extension = {
  name: "requiretls",
  keyword: "REQUIRETLS",
  source: "RFC 8689",
  purpose: "a message travels inside TLS or not at all",
  announce: ({ tlsActive }) => (tlsActive ? "" : null),
  mail: {
    REQUIRETLS: {
      read: alone<Partial<MailParameters>>({ requireTls: true }),
      write: ({ requireTls }) => (requireTls === true ? "" : null),
    },
  },
};

/** PRDR (draft-hall-prdr): a verdict for each recipient, after the content. */
export const prdr: Extension = {
  name: "prdr",
  keyword: "PRDR",
  source: "draft-hall-prdr",
  purpose: "a verdict for each recipient after the content",
  mail: { PRDR: { read: alone<Partial<MailParameters>>({ prdr: true }), write: null } },
};
