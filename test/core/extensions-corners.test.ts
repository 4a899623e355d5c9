import {
  ClientSession,
  deliveryStatus,
  findRoute,
  nextStep,
  noRcptParameters,
  type Outcome,
  registry,
  reply,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { knownParameters, standardParameters } from "../../packages/core/src/extensions/registry.ts";
import { parseRcpt } from "../../packages/core/src/syntax/command.ts";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { Player } from "../client-dialogues/play.ts";
import { Client, ehlo } from "../dialogues/client.ts";
import { context, octets } from "./arguments.ts";

function orcpt(value: string): string | null {
  const line = octets(`TO:<b@example.com> ORCPT=${value}`);
  const read = parseRcpt(line, 0, line.length, context({ utf8: "allowed" }));
  return isFault(read) ? null : (read.parameters.orcpt?.address ?? null);
}

describe("ORCPT", () => {
  test("X-DSN-15 with SMTPUTF8 has characters of four octets, as they are and escaped", () => {
    expect(orcpt("utf-8;😀a@example.com")).toBe("😀a@example.com");
    expect(orcpt("utf-8;\\x{1F600}a@example.com")).toBe("😀a@example.com");
  });

  test("X-DSN-15 a backslash begins \\x{ or is refused, as is one that stands in xtext", () => {
    for (const wrong of [
      "utf-8;\\y{FC}@example.com",
      "utf-8;\\X{FC}@example.com",
      "utf-8;\\x(FC}@example.com",
      "utf-8;\\{FC}@example.com",
    ])
      expect(orcpt(wrong)).toBeNull();
    expect(orcpt("utf-8;\\x{FC}@example.com")).toBe("ü@example.com");
  });

  test("X-DSN-15 S-ADDR-05 where SMTPUTF8 is in force xtext may decode to UTF-8, and not to parts of it", () => {
    expect(orcpt("rfc822;+C3+BC@example.com")).toBe("ü@example.com");
    expect(orcpt("rfc822;+C3@example.com")).toBeNull();
    expect(orcpt("rfc822;+7F@example.com")).toBeNull();
  });
});

describe("what is not offered", () => {
  test("X-GEN-01 an extension with options that is off is announced to nobody", () => {
    const client = new Client({
      service: "submission",
      mechanisms: ["SCRAM-SHA-256"],
      extensions: { burl: false, futurerelease: false, deliverby: false },
    });
    expect(client.say(ehlo)).not.toMatch(/BURL|FUTURERELEASE|DELIVERBY/);
  });

  test("X-DBY-01 DELIVERBY without a least time is announced bare, with one it is told", () => {
    expect(new Client({ extensions: { deliverby: true } }).say(ehlo)).toMatch(/[ -]DELIVERBY\r\n/);
    expect(new Client({ extensions: { deliverby: {} } }).say(ehlo)).toMatch(/[ -]DELIVERBY\r\n/);
    expect(new Client({ extensions: { deliverby: { minimum: 9 } } }).say(ehlo)).toMatch(
      /[ -]DELIVERBY 9\r\n/,
    );
  });

  test("X-DBY-04 X-DBY-01 a least time that is none counts as none, what follows a comma is for others", () => {
    const refused = (words: string, seconds: number) => {
      const player = new Player({ name: "client.example.net", tls: "never" });
      player.drain();
      player.hears("220 mx\n");
      player.hears(`250-mx\n250 DELIVERBY${words}\n`);
      const by = { seconds, mode: "return", trace: false };
      const said = player.does(
        `transaction ${JSON.stringify({ from: "a@example.net", to: ["b@example.com"], by })}`,
      );
      return said === "";
    };
    expect(refused("", 1)).toBe(false);
    expect(refused(" soon", 1)).toBe(false);
    expect(refused(" 60", 59)).toBe(true);
    expect(refused(" 60", 60)).toBe(false);
    expect(refused(" 60,x=1", 59)).toBe(true);
    expect(refused(" 60x", 59)).toBe(false);
    expect(refused(" 1234567890", 59)).toBe(false);
  });
});

describe("a row of the registry", () => {
  test("X-GEN-01 says nothing where its extension is off", () => {
    const off = Object.fromEntries(registry.map(({ name }) => [name, false]));
    for (const name of ["burl", "futurerelease", "xclient", "xforward"]) {
      const row = registry.find((each) => each.name === name);
      expect([name, row?.announce?.({ extensions: off, address: "192.0.2.1" } as never)]).toEqual([
        name,
        null,
      ]);
    }
  });

  test("X-GEN-01 an extension of the application's own with verbs alone adds no parameter", () => {
    expect(knownParameters([{ keyword: "XSTAT", verbs: [{ verb: "XSTAT" }] }])).toEqual(standardParameters);
  });
});

describe("a parameter of the application's own", () => {
  test("X-GEN-02 C-SES-11 without a rule any value that can be said is, and no other", () => {
    const custom = [{ keyword: "XCOLOR", mail: [{ keyword: "COLOR" }] }];
    const session = () => new ClientSession({ name: "client.example.net", custom });
    const send = (color: string) =>
      session().transaction({ from: "a@example.net", to: ["b@example.com"], other: { COLOR: color } });
    for (const color of ["red", "!~", "a<b"]) expect(send(color)).toBe(1);
    for (const color of ["", "a b", "a=b", "é", "a\r\nRSET", "a\0"])
      expect(() => send(color)).toThrow(UsageError);
  });

  test("X-MTRK-01 an ENVID that is not xtext, or not UTF-8, is no address to be asked about", () => {
    const session = new ClientSession({ name: "client.example.net" });
    const send = (raw: string) =>
      session.transaction({
        from: "a@example.net",
        to: ["b@example.com"],
        track: { certifier: "AAAA", timeout: null },
        envid: { raw },
      } as never);
    expect(() => send("+FFx@example.com")).toThrow(UsageError);
    expect(() => send("x+4@example.com")).toThrow(UsageError);
    expect(send("x@example.com")).toBe(1);
  });
});

describe("a relay", () => {
  test("H-DSN-03 an ENVID of blanks alone is told of as something, since a field of blanks would end its group", () => {
    const report = {
      recipient: { to: { address: "b@d.example" }, parameters: noRcptParameters },
      action: "failed",
      reply: reply(550, "5.1.1", "No such mailbox"),
      remote: null,
    } as const;
    expect(deliveryStatus("relay.example", "+20+20", [report])).toContain("Original-Envelope-Id: ?\r\n");
  });

  test("H-MX-16 where every host failed for now, one refusal among them is not the end", () => {
    const received = (code: number) => ({ code, enhanced: null, lines: ["x"], octets: [[]] });
    const not = (code: number): Outcome => ({ status: "notTried", reason: received(code) });
    const deferred: Outcome = { status: "deferred", reply: received(450) };
    expect(nextStep([not(554), not(554)], 0)).toBe("return");
    expect(nextStep([not(421), not(554)], 0)).toBe("retry");
    expect(nextStep([deferred, not(554)], 0)).toBe("retry");
  });

  test("H-MX-03 the domain may be given as it was parsed", () => {
    const options = { own: [], random: () => 0.5 };
    const domain = { kind: "name", text: "d.example" } as const;
    expect(findRoute(domain, [], options)).toEqual(findRoute("d.example", [], options));
    const literal = { kind: "ipv4", text: "[192.0.2.1]", octets: [192, 0, 2, 1] } as never;
    expect(findRoute(literal, [], options)).toEqual(findRoute("[192.0.2.1]", [], options));
  });

  test("H-MX-01 H-MX-02 aliases in a circle are a trouble of the DNS, for exchanges and for addresses", () => {
    const options = { own: [], random: () => 0.5 };
    const alias = (type: "mx" | "addresses", name: string, target: string) =>
      ({ type, name, status: "alias", to: target }) as never;
    const mx = [alias("mx", "a.example", "b.example"), alias("mx", "b.example", "a.example")];
    expect(findRoute("a.example", mx, options)).toMatchObject({ reason: "dns-failure" });
    const none = { type: "mx", name: "c.example", status: "found", records: [] } as never;
    const round = [
      none,
      alias("addresses", "c.example", "d.example"),
      alias("addresses", "d.example", "c.example"),
    ];
    expect(findRoute("c.example", round, options)).toMatchObject({ reason: "dns-failure" });
  });
});
