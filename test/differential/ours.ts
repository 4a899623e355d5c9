import {
  type Extensions,
  type Question,
  type Reply,
  reply,
  rules,
  type ServerConfig,
  ServerSession,
} from "@sansmtp/core";

/**
 * What our server makes of a sequence, cut where it replies.
 *
 * A unit is what the client has said between two replies: a command line, content with its end, a chunk with its
 * command, or several lines where nothing was said to some of them. It is what replies of another server are laid
 * beside; so it has to say all that a difference is explained by.
 */
export interface Unit {
  /** One character an octet. */
  readonly octets: string;
  /** What it is: a verb of the standards, `content`, or `other` for lines that no server should know. */
  readonly kind: string;
  /** Where our session stood when it began, in the words of the specification's tables. */
  readonly state: State;
  readonly codes: readonly number[];
  /** The requirements that it broke, as our session says. */
  readonly rules: readonly string[];
  /** Our server closes behind it. */
  readonly closes: boolean;
  /** What the client says when our server has closed: no server may care. */
  readonly rest: string;
}

export type State = "connect" | "start" | "greeted" | "mail" | "rcpt" | "data" | "bdat" | "bdat-failed";

/** An application that knows b, c and postmaster at example.com, and takes every message. */
export function decide(question: Question): Reply | undefined {
  switch (question.type) {
    case "rcpt": {
      const { local, domain } = question.to;
      const name = local.toLowerCase();
      if (domain === null) return undefined;
      const here = domain.kind === "name" && domain.text.toLowerCase() === "example.com";
      return here && ["b", "c", "postmaster"].includes(name)
        ? undefined
        : reply(550, "5.1.1", "No such user here");
    }
    case "message":
      return reply(250, "2.0.0", "Thrown away");
    default:
      return undefined;
  }
}

/** As `decide`. To PRDR it says a verdict for each recipient where there are several, as Exim does. */
function verdict(question: Question): Reply | undefined | Reply[] {
  const decided = decide(question);
  if (question.type !== "message" || !question.envelope.parameters.prdr || decided === undefined)
    return decided;
  const { recipients } = question.envelope;
  return recipients.length > 1 ? recipients.map(() => decided) : decided;
}

/** A configuration that announces what another server does, and bears what the others were told to bear. */
export function configured(keywords: readonly string[]): ServerConfig {
  const has = (keyword: string): boolean => keywords.includes(keyword);
  const extensions: Partial<Extensions> = {
    pipelining: has("PIPELINING"),
    size: has("SIZE"),
    "8bitmime": has("8BITMIME"),
    enhancedStatusCodes: has("ENHANCEDSTATUSCODES"),
    chunking: has("CHUNKING"),
    smtputf8: has("SMTPUTF8"),
    dsn: has("DSN"),
    prdr: has("PRDR"),
    etrn: has("ETRN"),
    vrfy: has("VRFY"),
    help: has("HELP"),
  };
  const most = Number.POSITIVE_INFINITY;
  return {
    name: "mx.example.com",
    extensions,
    limits: { message: 30_000_000, errors: most, idleCommands: most, refusedRecipients: most },
  };
}

/** Runs a sequence, and what it takes to end it: the message or chunk that is open, the line, and QUIT. */
export function run(config: ServerConfig, octets: string): Unit[] {
  const session = new ServerSession(config);
  const units: Unit[] = [];
  let said = "";
  let rest = "";
  let seen: string[] = [];
  let state: State = "connect";
  let kind = "connect";
  const drain = (): void => {
    let sent = "";
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") sent += Buffer.from(event.data).toString("latin1");
      if (event.type === "violation" && event.rule !== "X-PIPE-15") seen.push(event.rule);
      if ("id" in event) session.answer(event.id, verdict(event));
    }
    if (sent === "") return;
    const codes = (sent.match(/^\d{3}(?=[ \r])/gm) ?? []).map(Number);
    const closes = session.phase === "closed";
    units.push({
      octets: said,
      kind: kind === "line" ? kindOf(said) : kind,
      state,
      codes,
      rules: seen,
      closes,
      rest: "",
    });
    said = "";
    seen = [];
  };
  const say = (text: string): void => {
    for (const [at, character] of Array.from(text).entries()) {
      if (session.phase === "closed") {
        rest += text.slice(at);
        return;
      }
      if (said === "") {
        state = stateOf(session);
        kind = session.reader === "dots" ? "content" : "line";
      }
      said += character;
      session.receive(Uint8Array.of(character.charCodeAt(0)));
      drain();
    }
  };
  drain();
  say(octets);
  if (session.reader === "dots") say("\r\n.\r\n");
  // A chunk of gigabytes is not ended: the connection is.
  const inChunk = (): boolean => session.reader === "octets" || session.reader === "drain";
  for (let missing = 0; inChunk() && missing < 200; missing++) say("x");
  if (session.phase !== "closed" && session.reader === "line") {
    if (said !== "") say("\r\n");
    say("QUIT\r\n");
  }
  if (said !== "")
    units.push({
      octets: said,
      kind: said[0] === "B" ? "BDAT" : "other",
      state,
      codes: [],
      rules: seen,
      closes: false,
      rest,
    });
  else units.push({ ...units.pop()!, rest });
  return units;
}

function kindOf(line: string): string {
  const verb = /^[A-Za-z]+/.exec(line)?.[0].toUpperCase() ?? "";
  return Object.hasOwn(rules, verb) ? verb : "other";
}

function stateOf({ phase, transaction }: ServerSession): State {
  if (phase !== "ready") return "start";
  switch (transaction) {
    case "none":
      return "greeted";
    case "sender":
      return "mail";
    case "recipients":
      return "rcpt";
    case "chunks":
      return "bdat";
    case "failed":
      return "bdat-failed";
    default:
      return "data";
  }
}
