import {
  expandAlias,
  expandList,
  type HeldEnvelope,
  type MailParameters,
  type NextHop,
  noMailParameters,
  noRcptParameters,
  passOn,
  type RcptParameters,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { hop } from "./hop.ts";

const orcpt = { type: "rfc822", address: "Bob@D.example", raw: "rfc822;Bob@D.example" };

/** One recipient, and what is to be known of it. */
function pass(
  next: NextHop,
  mail: Partial<MailParameters>,
  rcpt: Partial<RcptParameters> = {},
  { seconds = 0, from = "a@a.example" as string | null } = {},
) {
  const passage = passOn(
    {
      from: from === null ? null : { address: from },
      parameters: { ...noMailParameters, ...mail },
      recipients: [{ to: { address: "b@d.example" }, parameters: { ...noRcptParameters, ...rcpt } }],
    },
    seconds,
    next,
  );
  const { obstacle, relayed, delayed } = passage.recipients[0];
  const code = obstacle === null ? null : `${obstacle.reply.code} ${obstacle.reply.enhanced}`;
  return { envelope: passage.envelope, code, elsewhere: obstacle?.elsewhere ?? null, relayed, delayed };
}

const bare = hop([]);

test("without parameters nothing but the addresses goes on", () => {
  expect(pass(bare, {})).toEqual({
    envelope: { from: "a@a.example", to: [{ to: "b@d.example" }] },
    code: null,
    elsewhere: null,
    relayed: null,
    delayed: null,
  });
});

describe("DSN", () => {
  const asked = { ret: "HDRS", envid: "QQ+20314159" } as const;

  test("X-DSN-08 X-DSN-07 to a host with DSN all of it goes on, and nothing is added", () => {
    const next = hop(["DSN"]);
    const { envelope, relayed } = pass(next, asked, { notify: ["SUCCESS", "DELAY"], orcpt });
    expect(envelope).toMatchObject({ ret: "HDRS", envid: { raw: "QQ+20314159" } });
    expect(envelope?.to).toEqual([{ to: "b@d.example", notify: ["SUCCESS", "DELAY"], orcpt }]);
    expect(relayed).toBeNull();
    expect(pass(next, {}).envelope).toEqual({ from: "a@a.example", to: [{ to: "b@d.example" }] });
  });

  test("X-DSN-09 X-DSN-07 to a host without DSN none of it goes on", () => {
    const { envelope, code } = pass(bare, asked, { notify: ["FAILURE"], orcpt });
    expect(envelope).toEqual({ from: "a@a.example", to: [{ to: "b@d.example" }] });
    expect(code).toBeNull();
  });

  test("X-DSN-09 X-DSN-10 who has asked for success is told that it was relayed there, and nobody else", () => {
    expect(pass(bare, {}, { notify: ["SUCCESS"] }).relayed).toBe("2.0.0");
    for (const notify of [null, ["FAILURE"], ["DELAY"], ["NEVER"]] as const)
      expect(pass(bare, {}, { notify }).relayed).toBeNull();
    expect(pass(bare, {}, { notify: ["SUCCESS"] }, { from: null }).relayed).toBeNull();
  });
});

describe("DELIVERBY", () => {
  const by = (seconds: number, mode: "return" | "notify", trace = false) => ({
    by: { seconds, mode, trace },
  });
  const offered = hop(["DELIVERBY"]);

  test("X-DBY-05 the time held is taken from what goes on", () => {
    expect(pass(offered, by(120, "return"), {}, { seconds: 30.5 }).envelope).toMatchObject(by(89, "return"));
    expect(pass(offered, by(120, "notify", true), {}, { seconds: 500 }).envelope).toMatchObject(
      by(-380, "notify", true),
    );
    expect(pass(offered, by(-999_999_999, "notify"), {}, { seconds: 500 }).envelope).toMatchObject(
      by(-999_999_999, "notify"),
    );
  });

  test("X-DBY-05 a clock that was set back gives no time", () => {
    expect(pass(offered, by(120, "return"), {}, { seconds: -60 }).envelope).toMatchObject(by(120, "return"));
  });

  test("X-DBY-04 what is to come back in time does not go where nobody would see to it", () => {
    for (const next of [bare, hop(["DELIVERBY 91"]), hop(["DELIVERBY 91,x"])]) {
      const { envelope, code, elsewhere } = pass(next, by(120, "return"), {}, { seconds: 30 });
      expect({ envelope, code, elsewhere }).toEqual({ envelope: null, code: "550 5.4.7", elsewhere: true });
    }
    for (const next of [hop(["DELIVERBY 90"]), hop(["DELIVERBY 90,91"]), hop(["DELIVERBY x"]), offered])
      expect(pass(next, by(120, "return"), {}, { seconds: 30 }).envelope).toMatchObject(by(90, "return"));
  });

  test("X-DBY-04 what has run out of time comes back, and no other host is asked", () => {
    const { envelope, code, elsewhere } = pass(offered, by(120, "return"), {}, { seconds: 120 });
    expect({ envelope, code, elsewhere }).toEqual({ envelope: null, code: "550 5.4.7", elsewhere: false });
  });

  test("X-DBY-04 mode N goes on in any case, and the sender is told once when the time has passed", () => {
    const late = pass(bare, by(120, "notify"), {}, { seconds: 120 });
    expect(late).toMatchObject({ code: null, delayed: "4.4.7" });
    expect(late.envelope).not.toHaveProperty("by");
    expect(pass(offered, by(120, "notify"), {}, { seconds: 120 })).toMatchObject({
      delayed: "4.4.7",
      envelope: by(0, "notify"),
    });
    expect(pass(bare, by(120, "notify"), {}, { seconds: 119 }).delayed).toBeNull();
    // The time had passed at a host before, and that has told.
    expect(pass(offered, by(0, "notify"), {}, { seconds: 1 }).delayed).toBeNull();
    expect(pass(bare, by(120, "notify"), { notify: ["NEVER"] }, { seconds: 120 }).delayed).toBeNull();
    expect(pass(bare, by(120, "notify"), {}, { seconds: 120, from: null }).delayed).toBeNull();
  });

  test("X-DBY-05 with T each relay is told of, whatever the next host offers", () => {
    for (const next of [bare, offered, hop(["DSN"])]) {
      expect(pass(next, by(120, "notify", true)).relayed).toBe("2.0.0");
      expect(pass(next, by(120, "notify", true), { notify: ["NEVER"] }).relayed).toBeNull();
      expect(pass(next, by(120, "notify", false)).relayed).toBeNull();
    }
  });
});

test("X-PRI-05 the priority goes to a host that knows of it, and to no other", () => {
  expect(pass(hop(["MT-PRIORITY MIXER"]), { priority: -3 }).envelope).toMatchObject({ priority: -3 });
  expect(pass(hop(["MT-PRIORITY"]), { priority: 0 }).envelope).toMatchObject({ priority: 0 });
  expect(pass(bare, { priority: 3 }).envelope).not.toHaveProperty("priority");
  expect(pass(hop(["MT-PRIORITY"]), {}).envelope).not.toHaveProperty("priority");
});

describe("REQUIRETLS", () => {
  const mail = { requireTls: true };
  const facts = { tls: true, verified: true };

  test("X-RTLS-02 goes to a host inside TLS that is verified and lists it", () => {
    expect(pass(hop(["REQUIRETLS"], facts), mail).envelope).toMatchObject({ requireTls: true });
    expect(pass(hop(["REQUIRETLS"], facts), {}).envelope).not.toHaveProperty("requireTls");
  });

  test.each([
    [[], facts, "550 5.7.30"],
    [["REQUIRETLS"], { tls: false, verified: false }, "550 5.7.10"],
    [["REQUIRETLS"], { tls: false, verified: true }, "550 5.7.10"],
    [["REQUIRETLS"], { tls: true, verified: false }, "550 5.7.10"],
  ])(
    "X-RTLS-03 X-RTLS-02 to a host with %j and %j it does not, and another host may do: %s",
    (lines, given, code) => {
      const result = pass(hop(lines, given), mail);
      expect(result).toMatchObject({ envelope: null, code, elsewhere: true });
    },
  );

  test("X-RTLS-04 a notification goes on all the same", () => {
    const result = pass(bare, mail, {}, { from: null });
    expect(result).toMatchObject({ code: null, envelope: { from: null } });
    expect(result.envelope).not.toHaveProperty("requireTls");
    expect(pass(hop(["REQUIRETLS"], facts), mail, {}, { from: null }).envelope).toMatchObject({
      requireTls: true,
    });
  });
});

test("X-RRVS-03 the action is kept; without RRVS C goes on without it, R does not go", () => {
  const since = "2014-04-03T23:01:00Z";
  for (const action of ["continue", "reject"] as const)
    expect(pass(hop(["RRVS"]), {}, { rrvs: { since, action } }).envelope?.to).toEqual([
      { to: "b@d.example", rrvs: { since, action } },
    ]);
  const free = pass(bare, {}, { rrvs: { since, action: "continue" } });
  expect(free.envelope?.to).toEqual([{ to: "b@d.example" }]);
  const bound = pass(bare, {}, { rrvs: { since, action: "reject" } });
  expect(bound).toMatchObject({ envelope: null, code: "550 5.7.19", elsewhere: true });
});

test("X-RRVS-03 X-DSN-09 each recipient for itself: who can go goes, by its place in the envelope", () => {
  const since = "2014-04-03T23:01:00Z";
  const to = (address: string, parameters: Partial<RcptParameters>) => ({
    to: { address },
    parameters: { ...noRcptParameters, ...parameters },
  });
  const envelope: HeldEnvelope = {
    from: { address: "a@a.example" },
    parameters: noMailParameters,
    recipients: [
      to("1@d.example", { rrvs: { since, action: "reject" } }),
      to("2@d.example", {}),
      to("3@d.example", { notify: ["SUCCESS"] }),
    ],
  };
  const result = passOn(envelope, 0, bare);
  expect(result.envelope?.to).toEqual([{ to: "2@d.example" }, { to: "3@d.example" }]);
  expect(result.recipients.map(({ index, relayed }) => ({ index, relayed }))).toEqual([
    { index: null, relayed: null },
    { index: 0, relayed: null },
    { index: 1, relayed: "2.0.0" },
  ]);
});

test("X-MTRK-02 the time-out gets shorter; without time, MTRK or ENVID the parameter does not go on", () => {
  const next = hop(["MTRK", "DSN"]);
  const track = (timeout: number | null) => ({ track: { certifier: "x", timeout }, envid: "a@b.example" });
  expect(pass(next, track(100), {}, { seconds: 30 }).envelope).toMatchObject({
    track: { certifier: "x", timeout: 70 },
  });
  expect(pass(next, track(null), {}, { seconds: 30 }).envelope).toMatchObject({ track: { timeout: null } });
  expect(pass(next, track(100), {}, { seconds: 99.5 }).envelope).not.toHaveProperty("track");
  expect(pass(next, track(100), {}, { seconds: 100 }).envelope).not.toHaveProperty("track");
  expect(pass(hop(["DSN"]), track(100)).envelope).not.toHaveProperty("track");
  expect(pass(hop(["MTRK"]), track(100)).envelope).not.toHaveProperty("track");
});

test("X-MTRK-02 who is told of the relay learns that its message is tracked no further", () => {
  const track = { track: { certifier: "x", timeout: null }, envid: "a@b.example" };
  expect(pass(bare, track, { notify: ["SUCCESS"] }).relayed).toBe("2.1.9");
  expect(pass(hop(["MTRK"]), track, { notify: ["SUCCESS"] }).relayed).toBe("2.0.0");
});

test("X-NOSOL-02 the keywords go to a host that knows of them", () => {
  expect(pass(hop(["NO-SOLICITING"]), { solicit: ["a.b"] }).envelope).toMatchObject({ solicit: ["a.b"] });
  expect(pass(bare, { solicit: ["a.b"] }).envelope).not.toHaveProperty("solicit");
});

test("A-PARM-03 to a host that knows us the sender is vouched for, or <> says that it is not", () => {
  const known = hop(["AUTH PLAIN"], { authenticated: true });
  expect(pass(known, { auth: "a@a.example" }).envelope).toMatchObject({ auth: "a@a.example" });
  expect(pass(known, { auth: "<>" }).envelope).toMatchObject({ auth: "<>" });
  expect(pass(known, {}).envelope).toMatchObject({ auth: "<>" });
  expect(pass(hop(["AUTH PLAIN"]), { auth: "a@a.example" }).envelope).not.toHaveProperty("auth");
  expect(pass(hop([], { authenticated: true }), { auth: "<>" }).envelope).not.toHaveProperty("auth");
});

test("the kind of the content goes on", () => {
  const kind = { body: "8BITMIME", smtputf8: true } as const;
  expect(pass(bare, kind).envelope).toMatchObject(kind);
});

describe("H-DSN-06 X-DSN-14 one recipient becomes others", () => {
  const parameters: MailParameters = {
    ...noMailParameters,
    body: "8BITMIME",
    ret: "FULL",
    envid: "QQ1",
    auth: "x@a.example",
    by: { seconds: 1, mode: "return", trace: true },
    requireTls: true,
    track: { certifier: "x", timeout: null },
  };
  const envelope: HeldEnvelope = { from: { address: "a@a.example" }, parameters, recipients: [] };
  const all: RcptParameters = { ...noRcptParameters, notify: ["SUCCESS", "FAILURE"], orcpt };
  const alias = (own: RcptParameters) => ({ to: { address: "list@d.example" }, parameters: own });
  const members = ["1@e.example", "2@e.example"];

  test("a list has another sender, and nothing of what its author asked for", () => {
    const { envelope: sent, action } = expandList(envelope, "owner@list.example", members);
    expect(sent.from).toEqual({ address: "owner@list.example" });
    expect(sent.parameters).toEqual({ ...noMailParameters, body: "8BITMIME", requireTls: true });
    expect(sent.recipients).toEqual(
      members.map((address) => ({ to: { address }, parameters: noRcptParameters })),
    );
    expect(action).toBe("delivered");
    expect(expandList(envelope, null, members).envelope.from).toBeNull();
  });

  test("an alias of one address keeps the sender and every parameter", () => {
    expect(expandAlias(envelope, alias(all), ["1@e.example"])).toEqual({
      envelope: { ...envelope, recipients: [{ to: { address: "1@e.example" }, parameters: all }] },
      action: null,
    });
  });

  test("an alias of several keeps the sender; who has asked for success is told of the alias, not of each", () => {
    const { envelope: sent, action } = expandAlias(envelope, alias(all), members);
    const silent = { ...all, notify: ["FAILURE"] };
    expect(sent).toEqual({
      ...envelope,
      recipients: members.map((address) => ({ to: { address }, parameters: silent })),
    });
    expect(action).toBe("expanded");
    const only = expandAlias(envelope, alias({ ...all, notify: ["SUCCESS"] }), members);
    expect(only.envelope.recipients[0].parameters.notify).toEqual(["NEVER"]);
    for (const notify of [null, ["NEVER"], ["FAILURE"]] as const) {
      const other = expandAlias(envelope, alias({ ...all, notify }), members);
      expect(other.envelope.recipients[1].parameters.notify).toEqual(notify);
      expect(other.action).toBeNull();
    }
  });
});
