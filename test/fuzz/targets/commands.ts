import { strict } from "@sansmtp/core";
import { standardParameters } from "../../../packages/core/src/extensions/registry.ts";
import {
  nothingForwarded,
  parseClientAttributes,
  parseForwardedAttributes,
} from "../../../packages/core/src/syntax/attributes.ts";
import {
  type ArgumentContext,
  endsInLast,
  highOctet,
  parseAuth,
  parseChunk,
  parseDomains,
  parseEtrn,
  parseHello,
  parseMail,
  parseRcpt,
  parseString,
  parseUrl,
  readVerb,
  trimBlanks,
} from "../../../packages/core/src/syntax/command.ts";
import { isFault } from "../../../packages/core/src/syntax/fault.ts";
import type { Path } from "../../../packages/core/src/syntax/path.ts";
import { forbiddenOctet } from "../../../packages/core/src/wire/line.ts";
import { hold, same } from "../finding.ts";
import { Choices, latin1, octets } from "../input.ts";
import * as reference from "../reference.ts";
import type { Target } from "../target.ts";
import { serverWords } from "./server-words.ts";

function contextOf(one: number): ArgumentContext {
  const lenient = (one & 1) !== 0;
  return {
    utf8: (["absent", "offered", "allowed", "allowed"] as const)[(one >> 1) & 3] as ArgumentContext["utf8"],
    lenient: lenient
      ? {
          dots: true,
          bareAddress: true,
          trailingDot: true,
          underscore: true,
          mixedQuoting: true,
          spaceAfterColon: (one & 8) === 0,
          helloName: true,
        }
      : strict,
    limits: { localPart: 64, domain: 255, path: 256 },
    inForce: (one & 16) === 0 ? () => true : (name) => name.length % 2 === 0,
    known: standardParameters,
    plain: (one & 96) === 96,
    maxParameters: 32,
  };
}

/** Command lines without CRLF: every argument read as every kind, as it may come from anybody. */
export const commands: Target = {
  name: "commands",
  seeds: () =>
    serverWords
      .flatMap((word) => word.split("\r\n"))
      .filter((line) => line.length > 2)
      .map((line) => Uint8Array.from([0, ...octets(line)])),
  words: [
    ...serverWords.filter((word) => !word.includes("\r\n")),
    " BODY=7BIT",
    " SIZE=1",
    " RET=HDRS",
    ";",
    "rfc822;",
    "IMAP://",
  ].map(octets),
  head: 1,
  grown: 4000,
  longest: 400,
  check(input) {
    const choices = new Choices(input);
    const context = contextOf(choices.octet());
    const line = choices.rest();
    const before = latin1(line);
    parse(line, context, true);
    same(latin1(line), before, "G8 the line was written to");
  },
  plain(input) {
    const choices = new Choices(input);
    const context = contextOf(choices.octet());
    parse(choices.rest(), context, false);
  },
};

function parse(line: Uint8Array, context: ArgumentContext, watched: boolean): void {
  const { verb, argument: at } = readVerb(line);
  const end = trimBlanks(line);
  if (watched) {
    hold(at <= line.length, "the argument begins behind the line");
    const words = latin1(line).replace(/[ \t]+$/, "");
    same(
      verb,
      (words.split(" ")[0] as string).slice(0, 64).replace(/[a-z]/g, (each) => each.toUpperCase()),
      "another verb",
    );
    same(
      String(forbiddenOctet(line)),
      String(words.search(/[\0-\x08\x0a-\x1f\x7f]/)),
      "a control octet is not seen",
    );
    same(String(highOctet(line)), String(latin1(line).search(/[\x80-\xff]/)), "a high octet is not seen");
  }
  const mail = parseMail(line, at, end, context);
  const rcpt = parseRcpt(line, at, end, context);
  const hello = parseHello(line, at, end, context, "EHLO");
  const chunk = parseChunk(line, at, end);
  const auth = parseAuth(line, at, end);
  const all = [
    mail,
    rcpt,
    hello,
    chunk,
    auth,
    parseString(line, at, end, context, "VRFY"),
    parseEtrn(line, at, end),
    parseUrl(line, at, end),
    parseDomains(line, at, end),
    parseClientAttributes(line, at, end),
    parseForwardedAttributes(line, at, end),
  ];
  endsInLast(line, at, end);
  if (!watched) return;
  for (const each of all) {
    if (!("rule" in each)) continue;
    hold(each.at >= 0 && each.at <= line.length, "a fault is outside of the line", () =>
      JSON.stringify(each),
    );
    hold(/^[A-Z]+-[A-Z0-9]+-[0-9]+$/.test(each.rule), "a fault without a rule", () => each.rule);
    hold(each.reply.code >= 400, "a fault that is no refusal");
    hold(!/[\0-\x1f\x7f]/.test(each.reply.lines.join("")), "G12 a control octet in a reply");
  }
  const text = latin1(line.subarray(at, end));
  if (!isFault(mail)) {
    if (mail.path !== null) path(mail.path, context, "reverse");
    hold(/^FROM:/i.test(text), "MAIL without FROM:", () => text);
    const { parameters } = mail;
    for (const value of [parameters.envid, parameters.auth])
      hold(
        value === null || typeof value !== "string" || !/[\r\n\0]/.test(value),
        "G12 CR, LF or NUL in a parameter",
      );
    hold(parameters.size === null || parameters.size >= 0, "SIZE is no number", () => text);
  }
  if (!isFault(rcpt)) {
    path(rcpt.path, context, "forward");
    hold(/^TO:/i.test(text), "RCPT without TO:", () => text);
    const { orcpt } = rcpt.parameters;
    hold(orcpt === null || !/[\r\n\0]/.test(orcpt.raw), "G12 CR, LF or NUL in ORCPT");
  }
  if (!isFault(chunk)) {
    const found = /^([0-9]+)(?: +(LAST))?$/i.exec(text);
    hold(found !== null && Number(found[1]) === chunk.size, "BDAT with another size", () => text);
    hold(chunk.last === (found[2] !== undefined), "BDAT LAST", () => text);
  } else {
    hold(!/^[0-9]{1,15}( +LAST)?$/i.test(text), "a size that was not read", () => text);
  }
  if (!isFault(auth) && auth.initial !== null) {
    const said = text.split(/ +/)[1] as string;
    const expected = said === "=" ? [] : reference.base64(said);
    same(JSON.stringify([...auth.initial]), JSON.stringify(expected), "another initial response");
  }
  if (!isFault(hello))
    hold(!/[\0-\x20\x7f]/.test(hello.name), "G12 a control octet in a name", () => hello.name);
  hold(nothingForwarded.name === null, "what is shared was changed");
}

/** A path that was read is read again from its address, and is the same. */
function path(found: Path, context: ArgumentContext, side: "reverse" | "forward"): void {
  hold(!/[\0-\x1f\x7f]/.test(found.raw), "G12 a control octet in a path", () => found.raw);
  const line = new TextEncoder().encode(`${side === "reverse" ? "FROM" : "TO"}:<${found.address}>`);
  if (found.domain === null) return;
  const again =
    side === "reverse"
      ? parseMail(line, 0, line.length, printed(context))
      : parseRcpt(line, 0, line.length, printed(context));
  hold(
    !isFault(again) && again.path !== null,
    "an address that was read cannot be read again",
    () => found.address,
  );
  same(again.path.address, found.address, "an address comes back as another");
  same(again.path.local, found.local, "a local-part comes back as another");
  same(JSON.stringify(again.path.domain), JSON.stringify(found.domain), "a domain comes back as another");
}

/** How an address is read that was printed: quotes may make it longer than what was sent. */
function printed(context: ArgumentContext): ArgumentContext {
  return {
    ...context,
    utf8: "allowed",
    lenient: { ...context.lenient, spaceAfterColon: false },
    limits: { localPart: 2000, domain: 2000, path: 4000 },
  };
}
