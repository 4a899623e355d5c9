import { UsageError } from "../errors.ts";
import type { Service } from "../extensions/extension.ts";
import { CheckedReply, type Reply, reply, replyClass } from "../reply.ts";
import { parseAddress } from "../syntax/path.ts";
import type { Question } from "./events.ts";

/**
 * The reply with which a question is answered: the one given, or the default.
 *
 * @throws {UsageError} when it cannot answer it: the session is unchanged then
 */
export function chosenAnswer(question: Question, given: Reply | undefined, service: Service): Reply {
  const chosen = given ?? question.reply;
  const answer = CheckedReply.of(chosen);
  // A default that is what it was fits.
  if (answer === question.reply) return answer;
  const { code, lines } = answer;
  if (!fits(question, answer)) throw new UsageError(`answer: ${code} cannot answer ${question.type}`);
  if (code === 521 && question.type === "connect" && service === "submission")
    throw new UsageError("answer: 521 is no greeting of a submission server (RFC 6409 §7)");
  if (question.type === "hello" && replyClass(answer) === 2) {
    if (lines.length > 1)
      throw new UsageError("answer: the lines behind the first of an EHLO reply are extensions, not text");
    // With the name, of 255 octets at most, it has to fit in one line: folded, it would be an extension.
    if (lines[0].length > 250) throw new UsageError("answer: the text of an EHLO reply is too long");
  }
  if (code === 334 && !/^[A-Za-z0-9+/]*={0,2}$/.test(lines.join("\n"))) {
    throw new UsageError("answer: the text of a 334 is a challenge in base64: see challenge()");
  }
  // RFC 4954 §4: no client has to take more, with `334 ` and CRLF.
  if (code === 334 && lines[0].length > 12_288 - 6) throw new UsageError("answer: the challenge is too long");
  if (
    question.type === "command" &&
    code === 250 &&
    listsMailboxes(question.verb) &&
    !lines.every(namesMailbox)
  ) {
    throw new UsageError(
      `answer: each line of a 250 to ${question.verb} is an address, or a name and <address>`,
    );
  }
  if (!isAscii(answer) && !mayBeUtf8(question, answer)) {
    throw new UsageError(`answer: the text of this ${code} must be ASCII (RFC 6531 §3.7.4)`);
  }
  return answer;
}

function listsMailboxes(verb: string): boolean {
  return verb === "VRFY" || verb === "EXPN";
}

/** What can stand in RCPT, without a source route: alone, or in angle brackets behind a name (RFC 5321 §3.5.1). */
function namesMailbox(line: string): boolean {
  const open = line.lastIndexOf("<");
  const address = open >= 0 && line.endsWith(">") ? line.slice(open + 1, -1) : line;
  return parseAddress(address, { utf8: true }) !== null;
}

/** The 2yz or 3yz with which each question is accepted; 4yz and 5yz refuse everywhere (RFC 5321 §4.3.2). */
function fits(question: Question, answer: Reply): boolean {
  switch (replyClass(answer)) {
    case 4:
    case 5:
      return true;
    case 3:
      return question.type === "data" ? answer.code === 354 : question.type === "auth" && answer.code === 334;
    case 2:
      if (question.type === "data") return false;
      if (question.type === "auth") return answer.code === 235;
      if (question.type === "connect" || question.type === "starttls") return answer.code === 220;
      if (question.type === "atrn") return answer.code === 250;
      return answer.code >= 210 && answer.code !== 220 && answer.code !== 221 && answer.code !== 235;
  }
}

/** Addresses in 251 and 551, and what VRFY and EXPN find, may be in UTF-8 (RFC 6531 §3.7.4). */
function mayBeUtf8(question: Question, answer: Reply): boolean {
  if (question.type === "rcpt") return answer.code === 251 || answer.code === 551;
  return question.type === "command" && listsMailboxes(question.verb);
}

/**
 * The reply for a client that has not asked for UTF-8 where the application gave it: the same decision without
 * the address (RFC 6531 §3.7.4.1, §3.7.4.2).
 */
export function inAscii(question: Question, answer: Reply): Reply {
  if (isAscii(answer)) return answer;
  const positive = replyClass(answer) === 2;
  if (question.type === "rcpt") {
    return positive ? reply(250, "2.1.5", "Recipient ok") : reply(550, "5.1.6", "Mailbox has moved");
  }
  return positive
    ? reply(252, "2.6.8", "UTF-8 is needed to show that")
    : reply(550, "5.6.8", "UTF-8 is needed to show that");
}

function isAscii(answer: Reply): boolean {
  return CheckedReply.of(answer).ascii;
}
