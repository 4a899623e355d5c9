import { UsageError } from "@sansmtp/core";
import {
  type ClientContext,
  chooseMechanism,
  deriveScramKeys,
  mechanismFacts,
  type ServerContext,
  type ServerStep,
  type Stored,
  saslprep,
  serverExchange,
} from "@sansmtp/sasl";
import { mark } from "../counts.ts";
import { hold, same } from "../finding.ts";
import { Choices, latin1, octets } from "../input.ts";
import type { Target } from "../target.ts";

const mechanisms = Object.keys(mechanismFacts);

function random(): (count: number) => Uint8Array {
  let turn = 0;
  return (count) => Uint8Array.from({ length: count }, (_, at) => (at * 7 + turn++) & 255);
}

const keys = [
  deriveScramKeys("pencil", { salt: octets("salt") }),
  deriveScramKeys("pencil", { salt: octets("salt"), hash: "SHA-1" }),
];
const bindings = { "tls-exporter": octets("exported"), "tls-unique": octets("unique") };

const words = [
  "n,,",
  "y,,",
  "p=tls-exporter,,",
  "n,a=tim,",
  "n=tim",
  ",r=",
  "n,,n=tim,r=abc",
  "c=biws",
  "c=cD10bHMtZXhwb3J0ZXIsLGV4cG9ydGVk",
  ",p=",
  ",p=AAAA",
  "m=x",
  "=2C",
  "=3D",
  "\0tim\0pencil",
  "\0",
  "\x01",
  "n,,\x01auth=Bearer token\x01\x01",
  "user=tim\x01auth=Bearer token\x01\x01",
  "host=mx.example.com\x01port=25\x01",
  "tim",
  "pencil",
  "r=abc",
  ",s=c2FsdA==,i=4096",
  "v=",
  "e=other-error",
  "tim@example.com",
  "\u00c2\u00aa",
  "\u00c2\u00ad",
  "\u00e2\u0085\u00a8",
  "\u00d8\u00a71",
].map(octets);

/** What clients say, one response behind the other; the server's nonce is what `random` makes it. */
const dialogues: readonly (readonly string[])[] = [
  ["n,,n=tim,r=abcd", "c=biws,r=abcdAAcOFRwjKjE4P0ZNVFtiaXB3,p=AAAA"],
  ["n,a=tom,n=tim,r=abcd", "c=biws,r=abcd,p=AAAA"],
  ["p=tls-exporter,,n=tim,r=abcd", "c=cD10bHMtZXhwb3J0ZXIsLGV4cG9ydGVk,r=abcd,p=AAAA"],
  ["\0tim\0pencil"],
  ["tom\0tim\0pencil"],
  ["tim", "pencil"],
  ["n,,\x01auth=Bearer token\x01\x01", "\x01"],
  ["n,a=tim,\x01host=mx.example.com\x01port=25\x01auth=Bearer token\x01\x01", "\x01"],
  ["user=tim\x01auth=Bearer token\x01\x01", ""],
  ["tim 0123456789abcdef0123456789abcdef"],
  ["", "tim 0123456789abcdef0123456789abcdef"],
  ["tim@example.com"],
];

/** The server's side of authentication: whatever a client sends, in whatever order, never lets it in without proof. */
export const sasl: Target = {
  name: "sasl",
  seeds: () =>
    mechanisms.flatMap((_, at) =>
      [0, 1, 5, 16, 48, 64].flatMap((kind) =>
        dialogues.map((responses) =>
          Uint8Array.from([
            at,
            kind,
            ...responses.flatMap((response) => [0, response.length, ...octets(response)]),
          ]),
        ),
      ),
    ),
  words,
  grown: 4096,
  longest: 300,
  check(input) {
    const first = converse(input);
    same(converse(input), first, "G7 the same octets, another exchange");
  },
  plain(input) {
    const choices = new Choices(input);
    const exchange = serverExchange(
      mechanisms[choices.octet() % mechanisms.length] as string,
      contextOf(choices.octet()),
    );
    const step = exchange.receive(choices.rest());
    if (step.type === "identity") exchange.verify(null);
  },
};

function contextOf(kind: number): ServerContext {
  return {
    random: random(),
    secret: new Uint8Array(32).fill(7),
    host: "mx.example.com",
    now: 1000,
    bindings: (kind & 1) === 0 ? {} : bindings,
    plus: (kind & 2) !== 0,
    certificate: (kind & 4) === 0 ? null : "CN=tim",
    ...((kind & 8) !== 0 && { oauth: { host: "mx.example.com", port: 25, scope: "mail" } }),
  };
}

function converse(input: Uint8Array): string {
  const choices = new Choices(input);
  const name = mechanisms[choices.octet() % mechanisms.length] as string;
  const kind = choices.octet();
  const exchange = serverExchange(name, contextOf(kind));
  const log: string[] = [];
  let shown = "";
  let step: ServerStep = { type: "challenge", octets: new Uint8Array() };
  for (let turn = 0; turn < 6 && step.type !== "success" && step.type !== "failure"; turn++) {
    if (step.type === "identity") {
      const stored = storedOf(kind, name, exchange.secret);
      mark(`${name} identity`);
      try {
        step = exchange.verify(stored.value, stored.mayAct);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        // What is stored does not fit the mechanism: the application's fault.
        return `${log.join()} ${error.message}`;
      }
    } else {
      const given = choices.flag() && choices.done ? null : choices.take(choices.octet());
      if (given !== null) shown += latin1(given);
      step = exchange.receive(given);
    }
    mark(`${name} ${step.type} ${step.type === "failure" ? step.rule : ""}`);
    log.push(JSON.stringify(step));
    if (step.type === "failure") hold(!step.detail.includes("pencil"), "G13 a secret in a failure");
    if (step.type === "challenge") hold(step.octets.length < 9000, "G6 a challenge that is too long");
    if (step.type === "success") {
      const said = prepared(shown);
      const proved = !needsPassword(name) || said.includes("pencil") || said.includes("token");
      hold(proved && (kind & 48) !== 32, "somebody is let in without proof", () => JSON.stringify(shown));
    }
  }
  // SCRAM and CRAM-MD5 are proved by a hash that no fuzzer finds; the rest of this is what is asked for.
  try {
    exchange.receive(new Uint8Array());
    hold(step.type === "challenge", "G9 a response that was not due");
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    hold(step.type !== "challenge", "G1 a response that was due");
  }
  return log.join();
}

/** What a password is compared by (RFC 4013): characters that are mapped to nothing may stand in it anywhere. */
function prepared(shown: string): string {
  const text = Buffer.from(shown, "latin1").toString("utf8").normalize("NFKC");
  return text.replace(/\p{Default_Ignorable_Code_Point}/gu, "");
}

function needsPassword(name: string): boolean {
  return name !== "EXTERNAL" && name !== "ANONYMOUS";
}

function storedOf(
  kind: number,
  name: string,
  secret: string | null,
): { value: Stored; mayAct: boolean | undefined } {
  const mayAct = (kind & 64) === 0 ? undefined : true;
  if ((kind & 48) === 32) return { value: null, mayAct };
  if (!needsPassword(name)) return { value: true, mayAct };
  if (name.includes("OAUTH")) return { value: (token) => token === "token", mayAct };
  if ((kind & 48) === 0 && name !== "CRAM-MD5") return { value: keys, mayAct };
  if ((kind & 48) === 16) return { value: name.startsWith("SCRAM") ? keys : { password: "pencil" }, mayAct };
  return {
    value:
      name.startsWith("SCRAM") || name === "CRAM-MD5" ? { password: "pencil" } : () => secret === "pencil",
    mayAct,
  };
}

/** The client's side: whatever a server sends, the client does not believe it without proof, nor show the password. */
export const saslClient: Target = {
  name: "sasl-client",
  seeds: () =>
    mechanisms.flatMap((_, at) => [
      Uint8Array.from([at, 0, 12, ...octets("r=abc,s=YQ==")]),
      Uint8Array.from([at, 1, 35, ...octets("r=ABCOFRYcIyoxOD9GTVRbYmlwd,s=YQ==,i=1")]),
    ]),
  words: [...words, ...["r=", ",i=1", ",i=2", ",s=YQ==", "r=AAgPFh0kKzI5QEdOVVxjanF4"].map(octets)],
  grown: 4096,
  longest: 300,
  check(input) {
    const choices = new Choices(input);
    const name = mechanisms[choices.octet() % mechanisms.length] as string;
    const kind = choices.octet();
    const context: ClientContext = {
      random: random(),
      secure: true,
      bindings: (kind & 1) === 0 ? {} : bindings,
      host: "mx.example.com",
      port: 25,
    };
    const credentials =
      name === "EXTERNAL"
        ? { external: "" }
        : name === "ANONYMOUS"
          ? { anonymous: "trace" }
          : name.includes("OAUTH")
            ? { user: "tim", token: "token" }
            : { user: "tim", pass: "pencil" };
    const { mechanism } = chooseMechanism([name], credentials, context, {
      minIterations: 1,
      maxIterations: 3,
    });
    if (mechanism === null) return;
    const scram = name.startsWith("SCRAM");
    let signature = "";
    for (let turn = 0; turn < 4; turn++) {
      const given = choices.take(choices.octet());
      // The nonce is known to who listens: an input can say it.
      const challenge = octets(
        latin1(given).replaceAll("$", latin1(mechanism.initial ?? octets("")).split("r=")[1] ?? "x"),
      );
      const response = mechanism.respond(challenge);
      mark(`${name} ${turn} ${response === null} ${mechanism.complete}`);
      signature += latin1(challenge);
      // A nonce that the server has made of it is the server's to show.
      if (scram && response !== null && !signature.includes("pencil"))
        hold(!latin1(response).includes("pencil"), "G13 SCRAM shows the password");
      if (scram && mechanism.complete)
        hold(/v=[A-Za-z0-9+/=]{28,}/.test(signature), "a server is believed without proof");
      if (response === null) break;
    }
    prepare(latin1(input));
  },
  plain(input) {
    prepare(latin1(input));
  },
};

/** A prepared name is a name that is prepared (RFC 4013): preparing it again changes nothing. */
function prepare(text: string): void {
  const given = Buffer.from(text, "latin1").toString("utf8");
  for (const kind of ["query", "stored"] as const) {
    const prepared = saslprep(given, kind);
    if (prepared === null) continue;
    const again = saslprep(prepared, kind);
    hold(again === null || again === prepared, "a prepared name is prepared differently", () =>
      JSON.stringify(given),
    );
  }
}
