import { encodeUtf8 } from "@sansmtp/core";
import type { Side } from "./faults.ts";
import { latin1 } from "./octets.ts";
import type { Called, Recording } from "./recording.ts";
import { placeholder, SecretFinder } from "./secrets.ts";

/**
 * A recording without what AUTH carries, and without what the URLs of BURL open. In its place is something of the same
 * length and form, on the wire and in the events, calls and answers, so that the recording replays as it did. To redact
 * twice changes nothing.
 */
export function redact(recording: Recording): Recording {
  const { side, calls } = recording;
  const finder = new SecretFinder();
  const runs: Record<Side, { octets: Uint8Array; places: number[] }[][]> = { client: [], server: [] };
  const open: Record<Side, { octets: Uint8Array; places: number[] }[]> = { client: [], server: [] };
  const questions = new Set<unknown>();
  const redacted = calls.map((called) => {
    if (called.call === "receive") {
      const [octets, ...rest] = called.with as [Uint8Array, ...unknown[]];
      const heard = called.throws === undefined ? pass(other(side), octets) : zeros(octets);
      return { ...called, with: [heard, ...rest] };
    }
    return side === "server" ? ofServer(called) : ofClient(called);
  });
  for (const from of ["client", "server"] as const) {
    close(from);
    runs[from].forEach(replace);
  }
  return { ...recording, calls: redacted };

  /** Octets that pass in a direction: a copy, in which the secrets are replaced when all of them are known. */
  function pass(from: Side, octets: Uint8Array): Uint8Array {
    const copy = octets.slice();
    const mask = finder.mask(from, octets);
    let places: number[] = [];
    mask.forEach((secret, at) => {
      if (secret) places.push(at);
      else {
        if (places.length > 0) open[from].push({ octets: copy, places });
        places = [];
        close(from);
      }
    });
    if (places.length > 0) open[from].push({ octets: copy, places });
    return copy;
  }

  /** A secret ends. */
  function close(from: Side): void {
    if (open[from].length > 0) runs[from].push(open[from]);
    open[from] = [];
  }

  function ofServer(called: Called): Called {
    const event = called.gives as {
      type?: string;
      id?: unknown;
      data?: Uint8Array;
      response?: Uint8Array | null;
      url?: string;
    };
    if (called.call === "poll" && event?.type === "send") {
      return { ...called, gives: { ...event, data: pass("server", event.data as Uint8Array) } };
    }
    if (called.call === "poll" && event?.type === "auth") {
      questions.add(event.id);
      return { ...called, gives: { ...event, response: event.response ? zeros(event.response) : null } };
    }
    if (called.call === "poll" && event?.type === "burl")
      return { ...called, gives: { ...event, url: sealed(event.url as string) } };
    if (called.call === "answer" && questions.has(called.with[0])) {
      const [id, answer, ...rest] = called.with as [unknown, { code: number; lines: string[] } | undefined];
      if (answer?.code !== 334) return called;
      return { ...called, with: [id, { ...answer, lines: answer.lines.map(hidden) }, ...rest] };
    }
    return called;
  }

  function ofClient(called: Called): Called {
    const event = called.gives as { type?: string; data?: Uint8Array; octets?: Uint8Array };
    if (called.call === "poll" && event?.type === "send") {
      return { ...called, gives: { ...event, data: pass("client", event.data as Uint8Array) } };
    }
    if (called.call === "poll" && event?.type === "challenge") {
      return { ...called, gives: { ...event, octets: zeros(event.octets as Uint8Array) } };
    }
    if (called.call === "burl") {
      const [url, ...rest] = called.with as [string, ...unknown[]];
      return { ...called, with: [sealed(url), ...rest] };
    }
    if (called.call === "respond" || called.call === "auth") {
      return {
        ...called,
        with: called.with.map((each) => (each instanceof Uint8Array ? zeros(each) : each)),
      };
    }
    return called;
  }
}

/** Puts a placeholder in the places of one secret. */
function replace(
  pieces: readonly { readonly octets: Uint8Array; readonly places: readonly number[] }[],
): void {
  const secret = Uint8Array.from(
    pieces.flatMap(({ octets, places }) => places.map((place) => octets[place] as number)),
  );
  const instead = placeholder(secret);
  let next = 0;
  for (const { octets, places } of pieces) {
    for (const place of places) octets[place] = instead[next++] as number;
  }
}

function zeros(octets: Uint8Array): Uint8Array {
  return new Uint8Array(octets.length);
}

/** A URL as it is in the command, when what is secret has been replaced there. */
function sealed(url: string): string {
  const begin = "BURL ";
  const octets = encodeUtf8(`${begin}${url}`);
  const mask = new SecretFinder().mask("client", octets);
  const places = [...octets.keys()].filter((place) => mask[place]);
  replace([{ octets, places }]);
  return latin1(octets).slice(begin.length);
}

function hidden(line: string): string {
  const octets = placeholder(Uint8Array.from(line, (letter) => letter.charCodeAt(0)));
  return String.fromCharCode(...octets);
}

function other(side: Side): Side {
  return side === "client" ? "server" : "client";
}
