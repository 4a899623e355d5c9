import type { ServerEvent } from "@sansmtp/core";
import { type Fields, type Item, showOctets } from "./dialogue.ts";

/** An event as dialogues tell of it; null: they do not. */
export function itemOf(event: ServerEvent): Item | null {
  switch (event.type) {
    case "send":
      return { kind: "reply", octets: latin1(event.data) };
    case "upgrade":
      return {
        kind: "action",
        what: event.data.length === 0 ? "upgrade" : `upgrade ${showOctets(latin1(event.data))}`,
      };
    case "close":
      return { kind: "action", what: `close ${event.reason}` };
    case "turn":
      return { kind: "action", what: `turn ${event.domains.join(",")}`.trimEnd() };
    case "body":
      return { kind: "body", octets: latin1(event.data) };
    case "reset":
      return { kind: "reset", cause: event.cause };
    case "violation":
      // Whether a client sent ahead depends on how its octets arrived.
      if (event.rule === "X-PIPE-15") return null;
      return { kind: "violation", rule: event.rule, fields: { detail: event.detail, at: String(event.at) } };
    default:
      return { kind: "question", type: event.type, fields: fieldsOf(event) };
  }
}

/** The fields of a question as dialogues name them. */
function fieldsOf(question: Extract<ServerEvent, { id: number }>): Fields {
  const fields: Record<string, string> = {};
  const add = (name: string, value: unknown): void => {
    if (value instanceof Uint8Array) fields[name] = showOctets(latin1(value));
    else if (Array.isArray(value)) fields[name] = value.map(String).join(",");
    else
      fields[name] = showOctets(Buffer.from(String(value), "utf8").toString("latin1")).replaceAll(
        "\\\\",
        "\\",
      );
  };
  const { type: _, id: __, ...rest } = question;
  for (const [name, value] of Object.entries(rest)) {
    switch (name) {
      case "reply":
        add(name, [value.code, value.enhanced, ...value.lines].filter((part) => part !== null).join(" "));
        break;
      case "from":
      case "to":
        add(name, path(value));
        if (value !== null) {
          add("address", value.address);
          add("route", value.route);
        }
        break;
      case "parameters":
        addParameters(value);
        break;
      case "envelope":
        add("from", path(value.from));
        add(
          "to",
          value.recipients.map((recipient: { to: unknown }) => path(recipient.to)),
        );
        addParameters(value.parameters);
        add("forwarded", JSON.stringify(value.forwarded));
        break;
      case "content":
        for (const [about, given] of Object.entries(value)) add(about, given);
        break;
      case "mailbox":
      case "domain":
      case "proxy":
      case "xclient":
        add(name, value === null ? null : JSON.stringify(value));
        break;
      default:
        add(name, value);
    }
  }
  return fields;

  function addParameters(parameters: object): void {
    for (const [parameter, given] of Object.entries(parameters)) {
      if (parameter === "orcpt" && given !== null) {
        add("orcpt", given.raw);
        add("orcptAddress", given.address);
      } else if (isObject(given)) add(parameter, JSON.stringify(given));
      else add(parameter, given);
    }
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function path(value: unknown): string {
  return value === null ? "<>" : (value as { raw: string }).raw;
}

/** Octets as text, one character each. */
export function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
}
