import { exchange, reply, ServerSession, UsageError } from "@sansmtp/core";
import { expect, test } from "vitest";

function asked(verb: "VRFY" | "EXPN", ...found: string[]): string {
  const session = new ServerSession({ name: "mx.example.com", extensions: { expn: true } });
  exchange(session);
  const decide = (question: { type: string }) =>
    question.type === "command" ? reply(250, "2.1.5", found) : undefined;
  return new TextDecoder().decode(exchange(session, `${verb} jones\r\n`, decide).reply);
}

test("S-VRFY-03 a 250 to VRFY names a mailbox, alone or behind a name", () => {
  expect(asked("VRFY", "Fred Jones <jones@example.com>")).toBe(
    "250 2.1.5 Fred Jones <jones@example.com>\r\n",
  );
  expect(asked("VRFY", "jones@example.com")).toBe("250 2.1.5 jones@example.com\r\n");
  expect(asked("VRFY", '"fred jones"@[192.0.2.1]')).toBe('250 2.1.5 "fred jones"@[192.0.2.1]\r\n');
});

test("S-EXPN-02 a 250 to EXPN names a mailbox on each line", () => {
  expect(asked("EXPN", "A <a@example.com>", "b@example.com")).toBe(
    "250-2.1.5 A <a@example.com>\r\n250 2.1.5 b@example.com\r\n",
  );
});

test.each([
  ["yes"],
  ["<jones>"],
  ["Fred Jones <@hub.example:jones@example.com>"],
  ["@hub.example:jones@example.com"],
  ["Fred Jones jones@example.com"],
  ["a@example.com", "and others"],
])("S-VRFY-03 S-EXPN-02 a 250 cannot say %j", (...found) => {
  expect(() => asked("VRFY", ...found)).toThrow(UsageError);
  expect(() => asked("EXPN", ...found)).toThrow(UsageError);
});
