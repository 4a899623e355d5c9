import {
  customRule,
  type ExtensionName,
  objection,
  type Phase,
  type Rule,
  registry,
  rules,
  type Situation,
  type Transaction,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Client, ehlo } from "../dialogues/client.ts";

/** Columns: phases, transactions, marks (see `marks`), offer, how the argument is read, what follows, syntax. */
const table = `
  EHLO     | unidentified ready | any               | tls auth wait idle      | always   | hello      | ready none        | EHLO hostname
  HELO     | unidentified ready | any               | tls auth wait idle      | always   | hello      | ready none        | HELO hostname
  LHLO     | unidentified ready | any               | tls auth wait idle      | always   | hello      | ready none        | LHLO hostname
  MAIL     | ready              | none              |                         | always   | path       | sender            | MAIL FROM:<address> [parameters]
  RCPT     | ready              | sender recipients |                         | always   | path       | recipients        | RCPT TO:<address> [parameters]
  DATA     | ready              | recipients        | wait                    | always   | none       | data dots         | DATA
  BDAT     | ready              | recipients chunks | extended                | chunking | chunk      | chunks octets     | BDAT size [LAST]
  RSET     | unidentified ready | any               | tls auth idle           | always   | none       | none              | RSET
  NOOP     | unidentified ready | any               | tls auth wait idle      | always   | ignored    |                   | NOOP
  QUIT     | unidentified ready | any               | tls auth wait           | always   | none       | closing none      | QUIT
  BURL     | ready              | recipients chunks | extended                | burl     | url        | chunks            | BURL url [LAST]
  VRFY     | unidentified ready | any               | wait idle               | always   | string     |                   | VRFY address
  EXPN     | unidentified ready | any               | wait idle               | expn     | string     |                   | EXPN list
  HELP     | unidentified ready | any               | wait idle               | help     | help       |                   | HELP [command]
  ETRN     | ready              | none              | extended wait idle      | etrn     | node       |                   | ETRN [@|#]node
  ATRN     | ready              | none              | extended wait idle      | atrn     | domains    | closing           | ATRN [domain *(,domain)]
  XCLIENT  | unidentified ready | none              | tls auth idle           | xclient  | attributes | unidentified      | XCLIENT attribute=value...
  XFORWARD | unidentified ready | none              | tls auth idle           | xforward | attributes |                   | XFORWARD attribute=value...
  STARTTLS | ready              | none              | extended tls auth wait  | starttls | none       | upgrading         | STARTTLS
  AUTH     | ready              | none              | extended auth wait idle | auth     | auth       | sasl              | AUTH mechanism [initial-response]
  SEND     | unidentified ready | any               | wait                    | never    | ignored    |                   | SEND
  SOML     | unidentified ready | any               | wait                    | never    | ignored    |                   | SOML
  SAML     | unidentified ready | any               | wait                    | never    | ignored    |                   | SAML
  TURN     | unidentified ready | any               | wait                    | never    | ignored    |                   | TURN`;

const marks = {
  extended: "extended",
  beforeTls: "tls",
  beforeAuth: "auth",
  endsGroup: "wait",
  idle: "idle",
} as const;
const any = "none sender recipients chunks failed";

/** A rule in the form of the table. */
function rowOf(rule: Rule): string {
  const transactions = rule.transactions.join(" ");
  const { phase, transaction, reader } = rule.then;
  return [
    rule.phases.join(" "),
    transactions === any ? "any" : transactions,
    (Object.keys(marks) as (keyof typeof marks)[])
      .filter((mark) => rule[mark])
      .map((mark) => marks[mark])
      .join(" "),
    rule.offer,
    rule.argument,
    [phase, transaction, reader].filter((each) => each !== undefined).join(" "),
    rule.syntax,
  ].join(" | ");
}

describe("the table that is exported", () => {
  const rows = table
    .trim()
    .split("\n")
    .map((line) => line.split(" | ").map((cell) => cell.trim()));

  test("S-SEQ-01 S-SEQ-02 X-PIPE-11 has every command where it is legal, and what follows it", () => {
    const exported = Object.entries(rules).map(([verb, rule]) => `${verb} | ${rowOf(rule)}`);
    expect(exported).toEqual(rows.map((cells) => cells.join(" | ")));
  });

  test("S-HELP-01 HELP tells the syntax of what is offered, word for word", () => {
    const client = new Client({
      extensions: { expn: true, etrn: true, vrfy: true },
      tls: "offered",
      mechanisms: ["SCRAM-SHA-256"],
      limits: { idleCommands: 1000, errors: 1000 },
    });
    client.say(ehlo);
    const said = "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP ETRN STARTTLS AUTH";
    const offered = said.split(" ");
    expect(client.say("HELP\r\n")).toBe(`214-2.0.0 Commands:\r\n214 2.0.0 ${said}\r\n`);
    for (const [verb = "", ...cells] of rows) {
      const known = offered.includes(verb);
      expect(client.say(`HELP ${verb}\r\n`)).toBe(
        known ? `214 2.0.0 Syntax: ${cells.at(-1)}\r\n` : "504 5.5.4 No help for that\r\n",
      );
    }
  });

  test("X-GEN-01 a verb of the application's own is legal where it says, and else where it does no harm", () => {
    expect(rowOf(customRule({ verb: "XA" }))).toBe(
      "unidentified ready | any | wait idle | always | text |  | XA",
    );
    expect(rowOf(customRule({ verb: "XA", syntax: "XA [b]", transaction: "anywhere" }))).toBe(
      "unidentified ready | any | wait idle | always | text |  | XA [b]",
    );
    expect(rowOf(customRule({ verb: "XA", transaction: "outside", beforeHello: false }))).toBe(
      "ready | none | wait idle | always | text |  | XA",
    );
    expect(rowOf(customRule({ verb: "XA", transaction: "within", pipelined: true }))).toBe(
      "unidentified ready | sender recipients chunks failed | idle | always | text |  | XA",
    );
    expect(rowOf(customRule({ verb: "XA", beforeTls: true, pipelined: false }))).toBe(
      "unidentified ready | any | tls wait idle | always | text |  | XA",
    );
    expect(rowOf(customRule({ verb: "XA", beforeAuth: true, beforeHello: true }))).toBe(
      "unidentified ready | any | auth wait idle | always | text |  | XA",
    );
  });
});

describe("what the table is asked about", () => {
  const legal: Situation = {
    phase: "ready",
    transaction: "none",
    extended: true,
    tlsActive: false,
    tlsRequired: false,
    authenticated: false,
    authRequired: false,
    offers: () => true,
    trusts: () => true,
  };
  const against = (rule: Rule, given: Partial<Situation>) => objection(rule, { ...legal, ...given });

  test("T-TLS-08 A-AUTH-15 S-LINE-14 S-SEQ-01 is judged in one order: TLS, AUTH, what is offered, trust, then order", () => {
    const wrong = {
      tlsRequired: true,
      authRequired: true,
      offers: () => false,
      trusts: () => false,
      phase: "unidentified",
    } as const;
    expect(against(rules.ETRN, wrong)).toBe("tls-required");
    expect(against(rules.ETRN, { ...wrong, tlsActive: true })).toBe("auth-required");
    expect(against(rules.ETRN, { ...wrong, tlsActive: true, authenticated: true })).toBe("not-offered");
    expect(against(rules.ETRN, { ...wrong, tlsRequired: false, authRequired: false })).toBe("not-offered");
    const offered = { ...wrong, tlsActive: true, authenticated: true, offers: () => true };
    expect(against(rules.ETRN, offered)).toBe("not-trusted");
    expect(against(rules.ETRN, { ...offered, trusts: () => true })).toBe("sequence");
    expect(against(rules.ETRN, { ...offered, trusts: () => true, phase: "ready" })).toBeNull();
    expect(against(rules.EHLO, wrong)).toBe("not-offered");
  });

  test("T-TLS-02 A-AUTH-02 TLS begins once, and AUTH succeeds once", () => {
    expect(against(rules.STARTTLS, {})).toBeNull();
    expect(against(rules.STARTTLS, { authenticated: true })).toBeNull();
    expect(against(rules.STARTTLS, { tlsActive: true })).toBe("sequence");
    expect(against(rules.AUTH, {})).toBeNull();
    expect(against(rules.AUTH, { tlsActive: true })).toBeNull();
    expect(against(rules.AUTH, { authenticated: true })).toBe("sequence");
    expect(against(rules.ETRN, { authenticated: true, tlsActive: true })).toBeNull();
  });

  test("S-SEQ-01 S-EHLO-05 phase, transaction and the extended protocol are looked at, each for itself", () => {
    const phases: readonly Phase[] = ["proxy", "greeting", "unidentified", "ready", "refused", "insecure"];
    const transactions: readonly Transaction[] = ["none", "sender", "recipients", "chunks", "failed"];
    for (const rule of Object.values(rules)) {
      for (const phase of phases) {
        for (const transaction of transactions) {
          for (const extended of [true, false]) {
            const fits =
              rule.phases.includes(phase) &&
              rule.transactions.includes(transaction) &&
              (extended || !rule.extended);
            const found = against(rule, { phase, transaction, extended });
            expect([rule.syntax, phase, transaction, extended, found]).toEqual([
              rule.syntax,
              phase,
              transaction,
              extended,
              fits ? null : "sequence",
            ]);
          }
        }
      }
    }
  });

  test("S-LINE-14 X-XCL-01 X-XFW-01 it is asked what is offered, and whose word is taken, by the rule's own name", () => {
    for (const rule of Object.values(rules)) {
      const asked: string[] = [];
      const ask = (what: string) => (offer: string) => {
        asked.push(`${what} ${offer}`);
        return true;
      };
      against(rule, { offers: ask("offers"), trusts: ask("trusts") });
      expect(asked).toEqual([`offers ${rule.offer}`, `trusts ${rule.offer}`]);
    }
  });
});

/** Name, keyword, source, verbs, parameters of MAIL and of RCPT, what it needs, where it may be. */
const rowsOfRegistry = `
  pipelining          | PIPELINING          | RFC 2920                |          |                   |              |          |
  size                | SIZE                | RFC 1870                |          | SIZE              |              |          |
  8bitmime            | 8BITMIME            | RFC 6152                |          | BODY              |              |          |
  smtputf8            | SMTPUTF8            | RFC 6531                |          | SMTPUTF8          |              | 8bitmime |
  enhancedStatusCodes | ENHANCEDSTATUSCODES | RFC 2034                |          |                   |              |          |
  chunking            | CHUNKING            | RFC 3030                | BDAT     |                   |              |          |
  binarymime          | BINARYMIME          | RFC 3030                |          | BODY              |              | chunking |
  dsn                 | DSN                 | RFC 3461, RFC 6533      |          | RET ENVID         | NOTIFY ORCPT |          |
  starttls            | STARTTLS            | RFC 3207                | STARTTLS |                   |              |          |
  auth                | AUTH                | RFC 4954                | AUTH     | AUTH              |              |          |
  requiretls          | REQUIRETLS          | RFC 8689                |          | REQUIRETLS        |              |          |
  prdr                | PRDR                | draft-hall-prdr         |          | PRDR              |              |          |
  limits              | LIMITS              | RFC 9422                |          |                   |              |          |
  deliverby           | DELIVERBY           | RFC 2852                |          | BY                |              |          |
  futurerelease       | FUTURERELEASE       | RFC 4865                |          | HOLDFOR HOLDUNTIL |              |          | submission
  mtPriority          | MT-PRIORITY         | RFC 6710                |          | MT-PRIORITY       |              |          |
  rrvs                | RRVS                | RFC 7293                |          |                   | RRVS         |          |
  noSoliciting        | NO-SOLICITING       | RFC 3865                |          | SOLICIT           |              |          |
  mtrk                | MTRK                | RFC 3885                |          | MTRK              |              | dsn      |
  burl                | BURL                | RFC 4468                | BURL     |                   |              | 8bitmime | submission
  etrn                | ETRN                | RFC 1985                | ETRN     |                   |              |          | relay on-demand
  atrn                | ATRN                | RFC 2645                | ATRN     |                   |              | auth     | on-demand
  xclient             | XCLIENT             | Postfix, XCLIENT_README | XCLIENT  |                   |              |          |
  xforward            | XFORWARD            | Postfix, XFORWARD_README | XFORWARD |                  |              |          |
  vrfy                | VRFY                | RFC 5321                |          |                   |              |          |
  expn                | EXPN                | RFC 5321                | EXPN     |                   |              |          |
  help                | HELP                | RFC 5321                | HELP     |                   |              |          |`;

test("X-GEN-01 the registry that is exported has of each extension all that it adds", () => {
  const exported = registry.map(({ name, keyword, source, verbs, mail, rcpt, needs, services }) =>
    [
      name,
      keyword,
      source,
      verbs?.join(" ") ?? "",
      Object.keys(mail ?? {}).join(" "),
      Object.keys(rcpt ?? {}).join(" "),
      needs?.join(" ") ?? "",
      services?.join(" ") ?? "",
    ].join("|"),
  );
  const expected = rowsOfRegistry
    .trim()
    .split("\n")
    .map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .join("|"),
    );
  expect(exported).toEqual(expected);
});

test("S-EHLO-07 S-LINE-17 each verb of the table that is offered by an extension is one of its row", () => {
  for (const [verb, { offer }] of Object.entries(rules)) {
    const row = registry.find(({ name }) => name === (offer as ExtensionName));
    if (row !== undefined) expect([verb, row.verbs]).toEqual([verb, [verb]]);
    else expect(["always", "never"]).toContain(offer);
  }
  expect(registry.flatMap(({ verbs = [] }) => verbs).every((verb) => verb in rules)).toBe(true);
});
