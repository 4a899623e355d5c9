import {
  ClientSession,
  type FailureCode,
  nextStep,
  type Outcome,
  outcomeReply,
  type ReceivedReply,
  type StepPolicy,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";

function said(code: number, enhanced: string | null = null): ReceivedReply {
  return { code, enhanced, lines: ["text"], octets: [[]] };
}

function failed(code: FailureCode): Outcome {
  return { status: "notTried", reason: { code, detail: "" } };
}

/** What a real session makes of what a server says to one recipient, the connection being lost behind it. */
function attempt(...replies: readonly string[]): Outcome {
  const session = new ClientSession({ name: "relay.example", tls: "never", chunking: "avoid" });
  session.transaction({ from: "a@a.example", to: ["b@d.example"] });
  let outcome: Outcome | null = null;
  const turn = (): void => {
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "body") {
        session.write(new TextEncoder().encode("x\r\n"));
        session.finish();
      }
      if (event.type === "done") outcome = event.outcomes[0];
    }
  };
  turn();
  for (const reply of replies) {
    session.receive(new TextEncoder().encode(`${reply}\r\n`));
    turn();
  }
  if (outcome === null) session.receiveEnd();
  turn();
  if (outcome === null) throw new Error("no outcome");
  return outcome;
}

const up = ["220 mx", "250 mx"];

describe("H-MX-16 what a host does decides whether the next one is tried", () => {
  test.each([
    ["the connection is lost before the greeting", attempt(), "next", "retry"],
    ["a greeting of 4yz", attempt("421 busy"), "next", "retry"],
    ["a greeting of 4yz, not 421", attempt("450 busy"), "next", "retry"],
    ["a greeting of 5yz", attempt("554 no"), "next", "return"],
    ["EHLO and HELO refused", attempt("220 mx", "500 what", "500 what"), "next", "return"],
    ["EHLO deferred", attempt("220 mx", "450 later"), "next", "retry"],
    ["lost before MAIL was answered", attempt(...up), "next", "retry"],
    ["421 to RCPT", attempt(...up, "250 ok", "421 closing"), "next", "retry"],
    ["lost before the end of the data", attempt(...up, "250 ok", "250 ok"), "next", "retry"],
    ["MAIL refused", attempt(...up, "550 no"), "return", "return"],
    ["RCPT refused", attempt(...up, "250 ok", "550 no"), "return", "return"],
    ["DATA refused", attempt(...up, "250 ok", "250 ok", "554 no"), "return", "return"],
    ["the message refused", attempt(...up, "250 ok", "250 ok", "354 go", "554 no"), "return", "return"],
    ["lost behind the end of the data", attempt(...up, "250 ok", "250 ok", "354 go"), "retry", "retry"],
    ["accepted", attempt(...up, "250 ok", "250 ok", "354 go", "250 ok"), "done", "done"],
    ["a login is wanted", attempt(...up, "530 5.7.0 who are you?"), "retry", "retry"],
    ["no connection", failed("unreachable"), "next", "retry"],
    ["no TLS", failed("tls-failed"), "next", "retry"],
    ["no login", failed("auth-refused"), "next", "retry"],
    ["an extension is missing", failed("8bitmime-missing"), "next", "return"],
    ["the message is too big", failed("size-exceeded"), "return", "return"],
    ["the content cannot be sent", failed("content-bare-lf"), "return", "return"],
    ["no more at a time", failed("limit-exceeded"), "again", "again"],
    ["this side has given up", failed("abandoned"), "retry", "retry"],
  ] as const)("%s", (_, outcome, withMore, last) => {
    expect(nextStep([outcome], 1)).toBe(withMore);
    expect(nextStep([outcome], 0)).toBe(last);
  });

  test("4yz for the recipient: the next target, or later, by configuration", () => {
    for (const outcome of [
      attempt(...up, "450 later"),
      attempt(...up, "250 ok", "450 later"),
      attempt(...up, "250 ok", "250 ok", "450 later"),
    ]) {
      const step = (left: number, policy?: StepPolicy) => nextStep([outcome], left, policy);
      expect(step(1)).toBe("retry");
      expect(step(1, { deferred: "next" })).toBe("next");
      expect(step(0, { deferred: "next" })).toBe("retry");
    }
  });

  test("a host that refuses the connection is the last word only if every other has refused it, too", () => {
    const refused = attempt("554 no");
    expect(nextStep([refused, refused], 0)).toBe("return");
    expect(nextStep([failed("unreachable"), refused], 0)).toBe("retry");
    expect(nextStep([refused, failed("unreachable")], 0)).toBe("retry");
    expect(nextStep([refused, refused], 0, { refusedByAll: "retry" })).toBe("retry");
    expect(nextStep([refused, failed("smtputf8-missing")], 0)).toBe("return");
  });

  test("C-TXN-11 what was refused is not tried again, C-TXN-12 but where the host wants a login of this client", () => {
    for (const left of [0, 1]) {
      expect(nextStep([attempt(...up, "550 5.7.1 no")], left)).toBe("return");
      expect(nextStep([attempt(...up, "530 5.7.0 log in")], left)).toBe("retry");
    }
  });

  test("X-GEN-04 an extension that is missing here may be offered by the next host", () => {
    expect(nextStep([failed("smtputf8-missing")], 1)).toBe("next");
    expect(nextStep([failed("unreachable"), failed("smtputf8-missing")], 0)).toBe("retry");
  });

  test("before the first attempt there is a target to try, or nothing to do now", () => {
    expect(nextStep([], 1)).toBe("next");
    expect(nextStep([], 0)).toBe("retry");
  });
});

test("C-TXN-12 530 to MAIL wants a login or TLS: it is no verdict on the message, which waits, and is told as it came", () => {
  const outcome = attempt(...up, "530 5.7.0 Authentication required");
  expect(nextStep([outcome], 1)).toBe("retry");
  expect(nextStep([outcome], 0)).toBe("retry");
  expect(outcomeReply(outcome)).toMatchObject({ code: 530, enhanced: "5.7.0" });
  expect(nextStep([attempt(...up, "550 5.7.1 no")], 1)).toBe("return");
});

test("X-SIZE-07 a message above the SIZE of the host fails for good, as 5.3.4", () => {
  expect(outcomeReply(failed("size-exceeded"))).toMatchObject({ code: 552, enhanced: "5.3.4" });
  expect(nextStep([failed("size-exceeded")], 1)).toBe("return");
});

test("C-SES-02 after a 521 the other hosts are tried; from the only one it is the end, whatever the policy", () => {
  const never = attempt("521 no mail here");
  expect(nextStep([never], 1)).toBe("next");
  expect(nextStep([never], 0)).toBe("return");
  expect(nextStep([never], 0, { refusedByAll: "retry" })).toBe("return");
  expect(nextStep([never, failed("timeout")], 0)).toBe("retry");
});

test("what becomes of a recipient is a reply, the server's where there is one", () => {
  expect(outcomeReply(attempt(...up, "550 5.1.1 no"))).toMatchObject({ code: 550, enhanced: "5.1.1" });
  expect(outcomeReply(attempt("554 5.3.2 no"))).toMatchObject({ code: 554, enhanced: "5.3.2" });
  expect(outcomeReply(failed("unreachable"))).toMatchObject({ code: 451, enhanced: "4.4.1" });
  expect(outcomeReply(failed("smtputf8-missing"))).toMatchObject({ code: 553, enhanced: "5.6.7" });
  const lost: Outcome = { status: "unknown", phase: "verdict", reply: null, reason: "lost" };
  expect(outcomeReply(lost)).toMatchObject({ code: 451, enhanced: "4.4.2" });
  expect(outcomeReply({ ...lost, reply: said(421, "4.3.2") })).toMatchObject({ code: 421 });
});
