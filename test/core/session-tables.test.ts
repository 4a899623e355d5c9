import { reply, type ServerConfig } from "@sansmtp/core";
import { describe, expect, test, vi } from "vitest";
import { accept, Client, codesOf, type Decision } from "../dialogues/client.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/**
 * The state tables of the catalogue (server states, special states, modifiers, LMTP), as data, and each cell
 * tried: reach the state, send the command, look at the reply, then look at the state behind it: by the getters,
 * and by what the commands of the probe get from there, which has to be what the table says of that state.
 */

type State = "start" | "greeted" | "mail" | "rcpt" | "bdat" | "bdat-failed";
type After = State | "data" | "auth" | "tls" | "closing";

/** Modifiers, orthogonal to the states. */
interface Modifiers {
  readonly helo?: boolean;
  readonly tlsActive?: boolean;
  readonly tlsRequired?: boolean;
  readonly authRequired?: boolean;
  readonly authenticated?: boolean;
  readonly lmtp?: boolean;
}

const states: readonly State[] = ["start", "greeted", "mail", "rcpt", "bdat", "bdat-failed"];

/** Cell: code of the reply, then the state after it; `=` is no change. */
const mainTable = rows(`
                     | start       | greeted     | mail        | rcpt        | bdat             | bdat-failed
  EHLO ok            | 250 greeted | 250 greeted | 250 greeted | 250 greeted | 250 greeted      | 250 greeted
  EHLO bad           | 501 =       | 501 =       | 501 =       | 501 =       | 501 =            | 501 =
  EHLO refused       | 550 =       | 550 =       | 550 =       | 550 =       | 550 =            | 550 =
  HELO ok            | 250 greeted | 250 greeted | 250 greeted | 250 greeted | 250 greeted      | 250 greeted
  HELO bad           | 501 =       | 501 =       | 501 =       | 501 =       | 501 =            | 501 =
  LHLO               | 500 =       | 500 =       | 500 =       | 500 =       | 500 =            | 500 =
  MAIL ok            | 503 =       | 250 mail    | 503 =       | 503 =       | 503 =            | 503 =
  MAIL refused       | 503 =       | 550 =       | 503 =       | 503 =       | 503 =            | 503 =
  MAIL deferred      | 503 =       | 451 =       | 503 =       | 503 =       | 503 =            | 503 =
  MAIL bad           | 503 =       | 501 =       | 503 =       | 503 =       | 503 =            | 503 =
  RCPT ok            | 503 =       | 503 =       | 250 rcpt    | 250 =       | 503 =            | 503 =
  RCPT forwarded     | 503 =       | 503 =       | 251 rcpt    | 251 =       | 503 =            | 503 =
  RCPT refused       | 503 =       | 503 =       | 550 =       | 550 =       | 503 =            | 503 =
  RCPT deferred      | 503 =       | 503 =       | 450 =       | 450 =       | 503 =            | 503 =
  RCPT bad           | 503 =       | 503 =       | 501 =       | 501 =       | 503 =            | 503 =
  DATA               | 503 =       | 503 =       | 503 =       | 354 data    | 503 =            | 503 =
  DATA refused       | 503 =       | 503 =       | 503 =       | 550 =       | 503 =            | 503 =
  BDAT n             | 503 =       | 503 =       | 503 =       | 250 bdat    | 250 =            | 503 =
  BDAT n too big     | 503 =       | 503 =       | 503 =       | 552 bdat-failed | 552 bdat-failed | 503 =
  BDAT n LAST        | 503 =       | 503 =       | 503 =       | 250 greeted | 250 greeted      | 503 greeted
  BDAT LAST refused  | 503 =       | 503 =       | 503 =       | 554 greeted | 554 greeted      | 503 greeted
  BDAT LAST too big  | 503 =       | 503 =       | 503 =       | 552 greeted | 552 greeted      | 503 greeted
  BDAT malformed     | 421 closing | 421 closing | 421 closing | 421 closing | 421 closing      | 421 closing
  RSET               | 250 =       | 250 =       | 250 greeted | 250 greeted | 250 greeted      | 250 greeted
  NOOP               | 250 =       | 250 =       | 250 =       | 250 =       | 250 =            | 250 =
  VRFY               | 252 =       | 252 =       | 252 =       | 252 =       | 252 =            | 252 =
  VRFY refused       | 550 =       | 550 =       | 550 =       | 550 =       | 550 =            | 550 =
  EXPN               | 252 =       | 252 =       | 252 =       | 252 =       | 252 =            | 252 =
  HELP               | 214 =       | 214 =       | 214 =       | 214 =       | 214 =            | 214 =
  STARTTLS           | 503 =       | 220 tls     | 503 =       | 503 =       | 503 =            | 503 =
  STARTTLS refused   | 503 =       | 454 =       | 503 =       | 503 =       | 503 =            | 503 =
  AUTH               | 503 =       | 334 auth    | 503 =       | 503 =       | 503 =            | 503 =
  AUTH ok            | 503 =       | 235 =       | 503 =       | 503 =       | 503 =            | 503 =
  AUTH refused       | 503 =       | 535 =       | 503 =       | 503 =       | 503 =            | 503 =
  ETRN               | 503 =       | 250 =       | 503 =       | 503 =       | 503 =            | 503 =
  SEND               | 502 =       | 502 =       | 502 =       | 502 =       | 502 =            | 502 =
  SOML               | 502 =       | 502 =       | 502 =       | 502 =       | 502 =            | 502 =
  SAML               | 502 =       | 502 =       | 502 =       | 502 =       | 502 =            | 502 =
  TURN               | 502 =       | 502 =       | 502 =       | 502 =       | 502 =            | 502 =
  QUIT               | 221 closing | 221 closing | 221 closing | 221 closing | 221 closing      | 221 closing
  unknown            | 500 =       | 500 =       | 500 =       | 500 =       | 500 =            | 500 =
  too long           | 500 =       | 500 =       | 500 =       | 500 =       | 500 =            | 500 =
  control octet      | 500 =       | 500 =       | 500 =       | 500 =       | 500 =            | 500 =
  empty line         | 500 =       | 500 =       | 500 =       | 500 =       | 500 =            | 500 =
  RSET x             | 501 =       | 501 =       | 501 =       | 501 =       | 501 =            | 501 =
  QUIT x             | 501 =       | 501 =       | 501 =       | 501 =       | 501 =            | 501 =
  DATA x             | 503 =       | 503 =       | 503 =       | 501 =       | 503 =            | 503 =
  STARTTLS x         | 503 =       | 501 =       | 503 =       | 503 =       | 503 =            | 503 =
  idle time-out      | 421 closing | 421 closing | 421 closing | 421 closing | 421 closing      | 421 closing
  connection lost    | -   closing | -   closing | -   closing | -   closing | -   closing      | -   closing
`);

/** The octets of each command, and what the application answers to it if that is not what `accept` does. */
const commands: Record<string, { readonly octets?: string; readonly decision?: Decision }> = {
  "EHLO ok": { octets: "EHLO other.example.net\r\n" },
  "EHLO bad": { octets: "EHLO\r\n" },
  "EHLO refused": { octets: "EHLO other.example.net\r\n", decision: reply(550, "No") },
  "HELO ok": { octets: "HELO other.example.net\r\n" },
  "HELO bad": { octets: "HELO a_b\r\n" },
  LHLO: { octets: "LHLO other.example.net\r\n" },
  "MAIL ok": { octets: "MAIL FROM:<c@example.net>\r\n" },
  "MAIL refused": { octets: "MAIL FROM:<c@example.net>\r\n", decision: reply(550, "5.7.1", "No") },
  "MAIL deferred": { octets: "MAIL FROM:<c@example.net>\r\n", decision: reply(451, "4.3.0", "No") },
  "MAIL bad": { octets: "MAIL FROM:<c@>\r\n" },
  "RCPT ok": { octets: "RCPT TO:<d@example.com>\r\n" },
  "RCPT forwarded": {
    octets: "RCPT TO:<d@example.com>\r\n",
    decision: reply(251, "2.1.5", "To <e@example.com>"),
  },
  "RCPT refused": { octets: "RCPT TO:<d@example.com>\r\n", decision: reply(550, "5.1.1", "No") },
  "RCPT deferred": { octets: "RCPT TO:<d@example.com>\r\n", decision: reply(450, "4.2.0", "No") },
  "RCPT bad": { octets: "RCPT TO:<>\r\n" },
  DATA: { octets: "DATA\r\n" },
  "DATA refused": { octets: "DATA\r\n", decision: reply(550, "5.7.1", "No") },
  "BDAT n": { octets: "BDAT 6\r\nRSET\r\n" },
  "BDAT n too big": { octets: `BDAT 65537\r\n${"x".repeat(65_537)}` },
  "BDAT n LAST": { octets: "BDAT 6 LAST\r\nQUIT\r\n" },
  "BDAT LAST refused": { octets: "BDAT 6 LAST\r\nQUIT\r\n", decision: reply(554, "5.7.1", "No") },
  "BDAT LAST too big": { octets: `BDAT 65537 LAST\r\n${"x".repeat(65_537)}` },
  "BDAT malformed": { octets: "BDAT x\r\n" },
  RSET: { octets: "RSET\r\n" },
  NOOP: { octets: "NOOP\r\n" },
  VRFY: { octets: "VRFY x\r\n" },
  "VRFY refused": { octets: "VRFY x\r\n", decision: reply(550, "5.1.1", "No") },
  EXPN: { octets: "EXPN x\r\n" },
  HELP: { octets: "HELP\r\n" },
  STARTTLS: { octets: "STARTTLS\r\n" },
  "STARTTLS refused": { octets: "STARTTLS\r\n", decision: reply(454, "4.7.0", "No") },
  AUTH: { octets: "AUTH SCRAM-SHA-256\r\n" },
  "AUTH ok": { octets: "AUTH SCRAM-SHA-256 biws\r\n" },
  "AUTH refused": { octets: "AUTH SCRAM-SHA-256 biws\r\n", decision: reply(535, "5.7.8", "No") },
  ETRN: { octets: "ETRN example.net\r\n", decision: reply(250, "2.0.0", "OK") },
  SEND: { octets: "SEND FROM:<a@example.net>\r\n" },
  SOML: { octets: "SOML FROM:<a@example.net>\r\n" },
  SAML: { octets: "SAML FROM:<a@example.net>\r\n" },
  TURN: { octets: "TURN\r\n" },
  QUIT: { octets: "QUIT\r\n" },
  unknown: { octets: "FOO bar\r\n" },
  "too long": { octets: `NOOP ${"x".repeat(5000)}\r\n` },
  "control octet": { octets: "RSET\0\r\n" },
  "empty line": { octets: "\r\n" },
  "RSET x": { octets: "RSET x\r\n" },
  "QUIT x": { octets: "QUIT x\r\n" },
  "DATA x": { octets: "DATA x\r\n" },
  "STARTTLS x": { octets: "STARTTLS x\r\n" },
};

/** The requirements that a row of the table restates, beside S-SEQ-01. */
const requirements: readonly [RegExp, string][] = [
  [/^EHLO (bad|refused)|^HELO bad/, "S-EHLO-09"],
  [/^(EHLO|HELO) ok/, "S-EHLO-08"],
  [/^LHLO/, "S-EHLO-17"],
  [/^MAIL/, "S-MAIL-03 S-MAIL-04"],
  [/^RCPT/, "S-RCPT-02 S-RCPT-06 S-RCPT-15"],
  [/^DATA/, "S-DATA-05 S-DATA-06 S-DATA-18"],
  [/^BDAT malformed/, "S-BDAT-12"],
  [/^BDAT/, "S-BDAT-05 S-BDAT-07 S-BDAT-10"],
  [/^RSET x/, "S-RSET-02"],
  [/^RSET$/, "S-RSET-01"],
  [/^NOOP/, "S-NOOP-01"],
  [/^(VRFY|EXPN)/, "S-VRFY-01"],
  [/^STARTTLS/, "T-TLS-02"],
  [/^AUTH/, "A-AUTH-02"],
  [/^ETRN/, "X-ETRN-02"],
  [/^(SEND|SOML|SAML|TURN)/, "S-OLD-01"],
  [/^QUIT/, "S-QUIT-01"],
  [/^unknown/, "S-LINE-13"],
  [/^too long/, "S-LINE-11"],
  [/^control/, "S-LINE-10"],
  [/^idle/, "L-TIME-12"],
  [/^connection/, "S-SES-12"],
];

const config: Partial<ServerConfig> = {
  extensions: { binarymime: true, smtputf8: true, dsn: true, vrfy: true, expn: true, etrn: true },
  tls: "offered",
  mechanisms: ["SCRAM-SHA-256"],
  limits: { message: 65_536 },
};

/** Ways to set modifiers, and the states that can be reached under them. */
const surroundings: readonly {
  readonly name: string;
  readonly modifiers: Modifiers;
  readonly states: readonly State[];
}[] = [
  { name: "no modifier", modifiers: {}, states },
  { name: "helo", modifiers: { helo: true }, states: ["greeted", "mail", "rcpt"] },
  { name: "tlsActive", modifiers: { tlsActive: true }, states },
  { name: "tlsActive helo", modifiers: { tlsActive: true, helo: true }, states: ["greeted", "mail", "rcpt"] },
  { name: "authenticated", modifiers: { authenticated: true }, states: states.slice(1) },
  {
    name: "tlsActive authenticated",
    modifiers: { tlsActive: true, authenticated: true },
    states: states.slice(1),
  },
  { name: "tlsRequired", modifiers: { tlsRequired: true }, states: ["start", "greeted"] },
  { name: "tlsRequired helo", modifiers: { tlsRequired: true, helo: true }, states: ["greeted"] },
  { name: "tlsRequired tlsActive", modifiers: { tlsRequired: true, tlsActive: true }, states },
  { name: "authRequired", modifiers: { authRequired: true }, states: ["start", "greeted"] },
  { name: "authRequired helo", modifiers: { authRequired: true, helo: true }, states: ["greeted"] },
  {
    name: "authRequired authenticated",
    modifiers: { authRequired: true, authenticated: true },
    states: states.slice(1),
  },
  {
    name: "tlsRequired authRequired",
    modifiers: { tlsRequired: true, authRequired: true },
    states: ["start", "greeted"],
  },
  {
    name: "tlsRequired authRequired tlsActive",
    modifiers: { tlsRequired: true, authRequired: true, tlsActive: true },
    states: ["start", "greeted"],
  },
  { name: "lmtp", modifiers: { lmtp: true }, states },
  {
    name: "lmtp tlsActive authenticated",
    modifiers: { lmtp: true, tlsActive: true, authenticated: true },
    states: states.slice(1),
  },
];

for (const { name, modifiers, states } of surroundings) {
  describe(name, () => {
    for (const command of Object.keys(mainTable)) {
      const ids = requirements.find(([row]) => row.test(command))?.[1] ?? "";
      test(`S-SEQ-01 ${ids} state table, ${name}: ${command}`, () => {
        for (const state of states) tryCell(command, state, modifiers);
      });
    }
  });
}

test("S-PARM-05 S-EHLO-05 state table: parameters after HELO are 555", () => {
  for (const state of ["greeted", "mail"] as const) {
    const client = reach(state, { helo: true });
    const line =
      state === "greeted" ? "MAIL FROM:<a@example.net> SIZE=1" : "RCPT TO:<a@example.com> NOTIFY=NEVER";
    expect(client.codes(line)).toBe("555");
    expectState(client, state, { helo: true }, "a parameter after HELO");
  }
});

test("S-BIN-02 S-DATA-18 state table: DATA with BODY=BINARYMIME", () => {
  const client = reach("greeted", {});
  expect(
    client.codes("MAIL FROM:<a@example.net> BODY=BINARYMIME", "DATA", "RCPT TO:<b@example.com>", "DATA"),
  ).toBe("250 503 250 503");
  expectState(client, "rcpt", {}, "DATA after BINARYMIME", { DATA: "503" });
});

test("S-LINE-14 R-CODE-03 state table: what is not offered is 502 in every state", () => {
  for (const state of states) {
    const off = {
      extensions: { help: false, etrn: false, expn: false },
      tls: "none",
      mechanisms: [],
      limits: { message: 65_536 },
    } as const;
    for (const line of ["HELP", "ETRN example.net", "EXPN x", "STARTTLS", "AUTH PLAIN", "STARTTLS x"]) {
      const client = reach(state, {}, off);
      expect([state, line, client.codes(line)]).toEqual([state, line, "502"]);
      expect(client.session.transaction).toBe(reach(state, {}, off).session.transaction);
    }
  }
});

describe("special states", () => {
  test("S-SES-04 S-SES-09 refused: QUIT ends, everything else is 503", () => {
    for (const code of [554, 550]) {
      const refused = () =>
        new Client(config, ({ type }) => (type === "connect" ? reply(code, "mx.example.com No") : undefined));
      for (const { octets } of Object.values(commands)) {
        if (octets === undefined || octets === "QUIT\r\n" || octets === "BDAT x\r\n") continue;
        const client = refused();
        const said = codesOf(client.say(octets));
        expect([octets.slice(0, 30), said]).toEqual([octets.slice(0, 30), said === "500" ? "500" : "503"]);
        expect(client.session.phase).toBe("refused");
        expect(client.codes("QUIT")).toBe("221");
        expect(client.closed).toBe("quit");
      }
    }
  });

  test("S-DATA-07 S-LINE-16 data: the verdict leads to greeted, whatever it is", () => {
    for (const [verdict, code] of [
      [reply(250, "2.0.0", "OK"), "250"],
      [reply(451, "4.3.0", "No"), "451"],
      [reply(554, "5.6.0", "No"), "554"],
      [undefined, "451"],
    ] as const) {
      const client = reach("rcpt", {});
      client.decide = (question) => (question.type === "message" ? verdict : undefined);
      expect(client.codes("DATA", "x", ".")).toBe(`354 ${code}`);
      client.decide = accept;
      expectState(client, "greeted", {}, "the end of the data");
    }
  });

  test("S-SES-12 L-TIME-12 data and chunk: time-out and loss drop the message", () => {
    for (const octets of ["DATA\r\nx\r\n", "BDAT 10\r\nabc"]) {
      const timed = reach("rcpt", {});
      timed.say(octets);
      expect(codesOf(timed.wait(300_000))).toBe("421");
      expect([timed.closed, timed.of("message").length, timed.of("reset").at(-1)?.cause]).toEqual([
        "timeout",
        0,
        "timeout",
      ]);
      const lost = reach("rcpt", {});
      lost.say(octets);
      lost.session.lost();
      lost.drain();
      expect([lost.closed, lost.of("message").length, lost.of("reset").at(-1)?.cause]).toEqual([
        "lost",
        0,
        "lost",
      ]);
    }
  });

  test("A-AUTH-06 A-AUTH-07 A-AUTH-08 A-AUTH-11 A-AUTH-12 auth: every way out leads to greeted", () => {
    const answered = (decision: Decision): [string, Decision] => ["AAAA\r\n", decision];
    for (const [[response, decision], code] of [
      [answered(reply(235, "2.7.0", "OK")), "235"],
      [answered(reply(535, "5.7.8", "No")), "535"],
      [answered(reply(454, "4.7.0", "No")), "454"],
      [answered(reply(432, "4.7.12", "No")), "432"],
      [answered(reply(534, "5.7.9", "No")), "534"],
      [["*\r\n", undefined], "501"],
      [["!!!\r\n", undefined], "501"],
      [[`${"A".repeat(12_288)}\r\n`, undefined], "500"],
    ] as const) {
      const client = reach("greeted", {});
      expect(client.codes("AUTH SCRAM-SHA-256")).toBe("334");
      expect(client.session.reader).toBe("sasl");
      client.decide = () => decision;
      expect(codesOf(client.say(response))).toBe(code);
      client.decide = accept;
      expectState(client, "greeted", { authenticated: code === "235" }, `AUTH ${code}`);
    }
  });

  test("A-AUTH-11 auth: a challenge more stays in the exchange", () => {
    const client = reach("greeted", {});
    client.codes("AUTH SCRAM-SHA-256");
    client.decide = () => reply(334, "AAAA");
    for (let step = 0; step < 5; step++) expect(client.say("AAAA\r\n")).toBe("334 AAAA\r\n");
    expect(client.session.reader).toBe("sasl");
  });

  test("L-TIME-12 auth: time-out closes", () => {
    const client = reach("greeted", {});
    client.codes("AUTH SCRAM-SHA-256");
    expect(codesOf(client.wait(300_000))).toBe("421");
    expect(client.closed).toBe("timeout");
  });

  test("T-TLS-07 insecure: QUIT ends, everything else is 554", () => {
    const insecure = (): Client => {
      const client = reach("greeted", {});
      client.codes("STARTTLS");
      client.tlsUp({ sufficient: false });
      return client;
    };
    for (const { octets } of Object.values(commands)) {
      if (octets === undefined || octets === "QUIT\r\n" || octets === "BDAT x\r\n") continue;
      const client = insecure();
      const said = codesOf(client.say(octets));
      expect([octets.slice(0, 30), said]).toEqual([octets.slice(0, 30), said === "500" ? "500" : "554"]);
      expect(client.codes("QUIT")).toBe("221");
      expect(client.closed).toBe("quit");
    }
  });

  test("S-SES-14 S-QUIT-01 closing: anything is ignored", () => {
    const client = reach("rcpt", {});
    expect(client.codes("QUIT")).toBe("221");
    client.session.receive(Buffer.from("NOOP\r\n"));
    client.session.advance(1e9);
    client.session.receiveEnd();
    client.session.lost();
    client.session.shutdown("now");
    expect(client.session.poll()).toBeNull();
    expect(client.session.waiting).toBe("closed");
  });
});

function tryCell(command: string, state: State, modifiers: Modifiers): void {
  const [code, after] = expected(command, state, modifiers);
  const client = reach(state, modifiers);
  const what = `${command} in ${state} (${JSON.stringify(modifiers)})`;
  const said = perform(client, command);
  expect(`${what}: ${said}`).toBe(`${what}: ${code}`);
  const authenticated = code === "235" || modifiers.authenticated;
  const reset =
    after === "start"
      ? {}
      : {
          helo:
            command === "HELO ok" && code === "250"
              ? true
              : command === "EHLO ok" && code === "250"
                ? false
                : modifiers.helo,
        };
  const refused = state === "mail" && /^RCPT (refused|deferred)/.test(command) && !modifiers.lmtp;
  const but = refused ? { ...allRefused, ...(modifiers.helo ? { "BDAT n": "503" } : {}) } : {};
  expectState(client, after, { ...modifiers, authenticated, ...reset }, what, but);
}

function perform(client: Client, command: string): string {
  const { octets, decision } = commands[command] ?? {};
  if (command === "idle time-out") return codesOf(client.wait(300_000));
  if (command === "connection lost") {
    const before = client.sent.length;
    client.session.lost();
    client.drain();
    return client.sent.length === before ? "-" : "something";
  }
  const usual = client.decide;
  if (decision !== undefined) client.decide = () => decision;
  const code = codesOf(client.say(octets as string));
  client.decide = usual;
  return code === "" ? "-" : code;
}

/** The cell of the main table as the modifiers change it, in the order of checks. */
function expected(command: string, state: State, modifiers: Modifiers): [string, After] {
  const cell = mainTable[command]?.[states.indexOf(state)] as string;
  const [code, next] = cell.split(/ +/) as [string, string];
  const after = (next === "=" ? state : next) as After;
  const verb = command.split(" ")[0] as string;
  const { helo, tlsActive, tlsRequired, authRequired, authenticated, lmtp } = modifiers;
  // Length, forbidden octets, verb known.
  if (code === "500" && verb !== "LHLO") return [code, after];
  if (/^(idle|connection)/.test(command) || command === "BDAT malformed") return [code, after];
  if (lmtp) {
    if (verb === "EHLO" || verb === "HELO") return ["500", state];
    if (verb === "LHLO") return ["250", "greeted"];
  } else if (verb === "LHLO") return [code, after];
  if (
    tlsRequired &&
    !tlsActive &&
    !["NOOP", "EHLO", "HELO", "LHLO", "RSET", "STARTTLS", "QUIT"].includes(verb)
  ) {
    return ["530", state];
  }
  const beforeAuth = ["EHLO", "HELO", "LHLO", "STARTTLS", "AUTH", "NOOP", "RSET", "QUIT"];
  if (authRequired && !authenticated && !beforeAuth.includes(verb)) return ["530", state];
  // The order of commands.
  if (verb === "STARTTLS" && tlsActive) return ["503", state];
  if (verb === "AUTH" && authenticated) return ["503", state];
  if (helo && ["BDAT", "AUTH", "STARTTLS", "ETRN"].includes(verb)) return ["503", state];
  if (lmtp && verb === "BDAT" && /LAST/.test(command)) {
    if (state === "mail") return ["-", "greeted"];
    // Two recipients are accepted wherever there is one.
    if (["rcpt", "bdat", "bdat-failed"].includes(state)) return [`${code} ${code}`, "greeted"];
  }
  return [code, after];
}

/** A client whose session is in a state. */
function reach(state: State, modifiers: Modifiers, given: Partial<ServerConfig> = config): Client {
  const { helo, tlsActive, tlsRequired, authRequired, authenticated, lmtp } = modifiers;
  const client = new Client(
    {
      ...given,
      ...(lmtp ? { protocol: "lmtp" } : {}),
      ...(tlsRequired ? { tls: "required" } : {}),
      ...(authRequired ? { authRequired: true } : {}),
    },
    accept,
  );
  const hello = `${lmtp ? "LHLO" : helo ? "HELO" : "EHLO"} client.example.net`;
  if (tlsActive) {
    client.codes(lmtp ? hello : "EHLO client.example.net", "STARTTLS");
    client.tlsUp();
  }
  if (authenticated)
    expect(client.codes(lmtp ? hello : "EHLO client.example.net", "AUTH SCRAM-SHA-256 biws")).toBe("250 235");
  if (state === "start") return client;
  expect(client.codes(hello)).toBe("250");
  if (state === "greeted") return client;
  expect(client.codes("MAIL FROM:<a@example.net>")).toBe("250");
  if (state === "mail") return client;
  expect(client.codes("RCPT TO:<b@example.com>")).toBe("250");
  if (lmtp) expect(client.codes("RCPT TO:<b@example.com>")).toBe("250");
  if (state === "rcpt") return client;
  if (state === "bdat") expect(codesOf(client.say("BDAT 2\r\nab"))).toBe("250");
  else expect(codesOf(client.say(`BDAT 65537\r\n${"x".repeat(65_537)}`))).toBe("552");
  return client;
}

const getters: Record<State, [phase: string, transaction: string]> = {
  start: ["unidentified", "none"],
  greeted: ["ready", "none"],
  mail: ["ready", "sender"],
  rcpt: ["ready", "recipients"],
  bdat: ["ready", "chunks"],
  "bdat-failed": ["ready", "failed"],
};

/** What the commands of the probe get where every recipient was refused. */
const allRefused: Record<string, string> = { DATA: "554", "BDAT n": "554" };

const probe = ["MAIL ok", "RCPT ok", "DATA", "BDAT n", "AUTH ok", "STARTTLS", "ETRN", "MAIL bad"];

/** Looks at a session from the outside: it has to be where the table says. */
function expectState(
  client: Client,
  state: After,
  modifiers: Modifiers,
  what: string,
  but: Record<string, string> = {},
): void {
  const { session } = client;
  switch (state) {
    case "closing":
      expect([what, session.waiting]).toEqual([what, "closed"]);
      expect([what, client.closed === null]).toEqual([what, false]);
      return;
    case "tls":
      expect([what, session.waiting, session.phase, session.wantsInput]).toEqual([
        what,
        "tls",
        "upgrading",
        false,
      ]);
      client.tlsUp();
      expectState(
        client,
        "start",
        { ...modifiers, tlsActive: true, helo: false, authenticated: false },
        `${what}, handshake`,
      );
      return;
    case "auth":
      expect([what, session.reader, session.transaction]).toEqual([what, "sasl", "none"]);
      expect(client.codes("*")).toBe("501");
      expectState(client, "greeted", modifiers, `${what}, cancelled`);
      return;
    case "data":
      expect([what, session.reader, session.transaction]).toEqual([what, "dots", "data"]);
      expect(client.codes("RSET", ".")).toBe(modifiers.lmtp ? "250 250" : "250");
      expectState(client, "greeted", modifiers, `${what}, end of data`);
      return;
    default:
  }
  expect([what, session.waiting, session.reader, session.phase, session.transaction]).toEqual([
    what,
    "input",
    "line",
    ...getters[state],
  ]);
  expect([what, session.client.tls !== null]).toEqual([what, modifiers.tlsActive === true]);
  expect([what, session.client.authenticated !== null]).toEqual([what, modifiers.authenticated === true]);
  if (state === "start" && session.client.hello !== null)
    expect(what).toBe(`${what}: somebody is identified`);
  if (state !== "start")
    expect([what, session.client.hello?.verb === "HELO"]).toEqual([what, modifiers.helo === true]);
  for (const command of probe) {
    const code = but[command] ?? expected(command, state, modifiers)[0];
    const said = perform(client.clone(), command);
    expect(`${what}, then ${command}: ${said}`).toBe(`${what}, then ${command}: ${code}`);
  }
}

function rows(text: string): Record<string, readonly string[]> {
  const lines = text.trim().split("\n").slice(1);
  return Object.fromEntries(
    lines.map((line) => {
      const [name, ...cells] = line.split("|").map((cell) => cell.trim());
      return [name as string, cells];
    }),
  );
}
