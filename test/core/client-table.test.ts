import { type ClientConfig, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

/*
 * The states of a client (RFC 5321 §4.3.2) and what a reply of each class does in each. A cell tells what is said,
 * then what became of the recipients, then the failure or the close:
 *
 *     said | statuses | failure
 */

const name = "client.example.net";
const envelope = '{"from": "a@example.net", "to": ["b@example.com", "c@example.com"]}';
const hello = "250-mx\n250-PIPELINING\n250-STARTTLS\n250 AUTH PLAIN EXTERNAL\n";

type Begin = () => Player;

function begun(config: Partial<ClientConfig>, ...steps: string[]): Player {
  const player = new Player({ name, tls: "never", ...config });
  for (const step of steps) {
    if (step.startsWith("> ")) player.does(step.slice(2));
    else player.hears(step);
  }
  return player;
}

const one = "250-mx\n250 AUTH EXTERNAL\n";
const states: Record<string, Begin> = {
  greet: () => begun({}, `> transaction ${envelope}`),
  ehlo: () => begun({}, `> transaction ${envelope}`, "220 mx\n"),
  helo: () => begun({}, `> transaction ${envelope}`, "220 mx\n", "500 no\n"),
  lhlo: () => begun({ protocol: "lmtp" }, `> transaction ${envelope}`, "220 mx\n"),
  "starttls, offered": () => begun({ tls: "offered" }, `> transaction ${envelope}`, "220 mx\n", hello),
  "starttls, required": () => begun({ tls: "required" }, `> transaction ${envelope}`, "220 mx\n", hello),
  auth: () => begun({}, "> auth EXTERNAL x", `> transaction ${envelope}`, "220 mx\n", one),
  ready: () => begun({}, "220 mx\n", "250 mx\n"),
  mail: () => begun({}, "220 mx\n", "250 mx\n", `> transaction ${envelope}`),
  "the first rcpt": () => begun({}, "220 mx\n", "250 mx\n", `> transaction ${envelope}`, "250 ok\n"),
  "the last rcpt, one accepted": () =>
    begun({}, "220 mx\n", "250 mx\n", `> transaction ${envelope}`, "250 ok\n", "250 ok\n"),
  "the last rcpt, none accepted": () =>
    begun({}, "220 mx\n", "250 mx\n", `> transaction ${envelope}`, "250 ok\n", "550 no\n"),
  data: () =>
    begun({}, "220 mx\n", "250 mx\n", `> transaction ${envelope}`, "250 ok\n", "250 ok\n", "250 ok\n"),
  "data, nobody accepted": () =>
    begun({}, "220 mx\n", hello, `> transaction ${envelope}`, "250 ok\n550 no\n550 no\n"),
  empty: () => begun({}, "220 mx\n", hello, `> transaction ${envelope}`, "250 ok\n550 no\n550 no\n354 go\n"),
  sending: () =>
    begun(
      {},
      "220 mx\n",
      hello,
      `> transaction ${envelope}`,
      "250 ok\n250 ok\n250 ok\n354 go\n",
      "> write a",
    ),
  done: () =>
    begun(
      {},
      "220 mx\n",
      hello,
      `> transaction ${envelope}`,
      "250 ok\n250 ok\n250 ok\n354 go\n",
      "> write a",
      "> finish",
    ),
  bdat: () =>
    begun(
      { limits: { chunk: 1 } },
      "220 mx\n",
      "250-mx\n250 CHUNKING\n",
      `> transaction ${envelope}`,
      "250 ok\n",
      "250 ok\n",
      "250 ok\n",
      "> write a",
    ),
  "bdat last": () =>
    begun(
      {},
      "220 mx\n",
      "250-mx\n250 CHUNKING\n",
      `> transaction ${envelope}`,
      "250 ok\n",
      "250 ok\n",
      "250 ok\n",
      "> finish",
    ),
  reset: () =>
    begun(
      {},
      "220 mx\n",
      hello,
      `> transaction ${envelope}`,
      "250 ok\n550 no\n550 no\n503 no\n",
      `> transaction ${envelope}`,
    ),
  quit: () => begun({}, "220 mx\n", "250 mx\n", "> quit"),
};

/** What came of it, in one line. */
function outcome(player: Player, act: () => void): string {
  const sent = player.sent.length;
  const done = player.of("done").length;
  act();
  player.drain();
  const said = player.sent
    .slice(sent)
    .split("\r\n")
    .map((line) => line.split(" ")[0])
    .filter((word) => word !== "")
    .join("+");
  const statuses = player.of("done").length > done ? player.statuses : "";
  const end = player.failed ?? (player.closed ? "closed" : player.session.phase === "upgrading" ? "tls" : "");
  return [said, statuses, end].join("|");
}

const inputs = ["2yz", "3yz", "4yz", "5yz", "421", "lost", "late", "garbage"] as const;

function act(player: Player, input: (typeof inputs)[number]): void {
  const replies = {
    "2yz": "288 x\n",
    "3yz": "388 x\n",
    "4yz": "488 x\n",
    "5yz": "588 x\n",
    "421": "421 x\n",
  };
  if (input === "lost") player.call("lost");
  else if (input === "late") player.call(`advance ${(player.session.deadline ?? 0) - player.now}`);
  else if (input === "garbage") player.hear("what?\r\n");
  else player.hear(replies[input].replace("\n", "\r\n"));
}

const none = "notTried notTried";
const gone = {
  "421": `|${none}|closed-by-server`,
  lost: `|${none}|ended`,
  late: `|${none}|timeout`,
  garbage: `|${none}|reply-syntax`,
};
const error = `|${none}|reply-unexpected`;
const quits = (failure: string) => `QUIT|${none}|${failure}`;

/** One row for each state. */
const table: Record<string, Record<(typeof inputs)[number], string>> = {
  greet: {
    "2yz": "EHLO||",
    "3yz": error,
    "4yz": quits("greeting-refused"),
    "5yz": quits("greeting-refused"),
    ...gone,
    lost: `|${none}|no-greeting`,
    late: `|${none}|no-greeting`,
    garbage: `|${none}|not-smtp`,
  },
  ehlo: { "2yz": "MAIL||", "3yz": error, "4yz": quits("hello-refused"), "5yz": "HELO||", ...gone },
  helo: {
    "2yz": "MAIL||",
    "3yz": error,
    "4yz": quits("hello-refused"),
    "5yz": quits("hello-refused"),
    ...gone,
  },
  lhlo: {
    "2yz": "MAIL||",
    "3yz": error,
    "4yz": quits("hello-refused"),
    "5yz": quits("hello-refused"),
    ...gone,
  },
  "starttls, offered": {
    "2yz": "||tls",
    "3yz": error,
    "4yz": "MAIL+RCPT+RCPT+DATA||",
    "5yz": "MAIL+RCPT+RCPT+DATA||",
    ...gone,
  },
  "starttls, required": {
    "2yz": "||tls",
    "3yz": error,
    "4yz": quits("tls-refused"),
    "5yz": quits("tls-refused"),
    ...gone,
  },
  auth: { "2yz": "MAIL||", "3yz": error, "4yz": "MAIL||", "5yz": "MAIL||", ...gone },
  ready: {
    "2yz": "||reply-unsolicited",
    "3yz": "||reply-unsolicited",
    "4yz": "||reply-unsolicited",
    "5yz": "||reply-unsolicited",
    "421": "||closed-by-server",
    lost: "||ended",
    late: "||",
    garbage: "||reply-syntax",
  },
  mail: {
    "2yz": "RCPT||",
    "3yz": error,
    "4yz": "|deferred deferred|",
    "5yz": "|refused refused|",
    ...gone,
  },
  "the first rcpt": { "2yz": "RCPT||", "3yz": error, "4yz": "RCPT||", "5yz": "RCPT||", ...gone },
  "the last rcpt, one accepted": {
    "2yz": "DATA||",
    "3yz": error,
    "4yz": "DATA||",
    "5yz": "DATA||",
    ...gone,
  },
  "the last rcpt, none accepted": {
    "2yz": "DATA||",
    "3yz": "|refused notTried|reply-unexpected",
    "4yz": "RSET|refused deferred|",
    "5yz": "RSET|refused refused|",
    "421": "|refused notTried|closed-by-server",
    lost: "|refused notTried|ended",
    late: "|refused notTried|timeout",
    garbage: "|refused notTried|reply-syntax",
  },
  data: {
    "2yz": error,
    "3yz": "||",
    "4yz": "RSET|deferred deferred|",
    "5yz": "RSET|refused refused|",
    ...gone,
  },
  "data, nobody accepted": {
    "2yz": "|refused refused|reply-unexpected",
    "3yz": ".||",
    "4yz": "RSET|refused refused|",
    "5yz": "RSET|refused refused|",
    "421": "|refused refused|closed-by-server",
    lost: "|refused refused|ended",
    late: "|refused refused|timeout",
    garbage: "|refused refused|reply-syntax",
  },
  empty: {
    "2yz": "|refused refused|",
    "3yz": "|refused refused|reply-unexpected",
    "4yz": "|refused refused|",
    "5yz": "|refused refused|",
    "421": "|refused refused|closed-by-server",
    lost: "|refused refused|ended",
    late: "|refused refused|timeout",
    garbage: "|refused refused|reply-syntax",
  },
  sending: {
    "2yz": `|${none}|reply-unsolicited`,
    "3yz": `|${none}|reply-unsolicited`,
    "4yz": `|${none}|reply-unsolicited`,
    "5yz": `|${none}|reply-unsolicited`,
    "421": `|${none}|closed-by-server`,
    lost: `|${none}|ended`,
    // The caller may take its time to write.
    late: "||",
    garbage: `|${none}|reply-syntax`,
  },
  done: {
    "2yz": "|accepted accepted|",
    "3yz": "|unknown unknown|reply-unexpected",
    "4yz": "|deferred deferred|",
    "5yz": "|refused refused|",
    "421": "|unknown unknown|closed-by-server",
    lost: "|unknown unknown|ended",
    late: "|unknown unknown|timeout",
    garbage: "|unknown unknown|reply-syntax",
  },
  bdat: {
    "2yz": "||",
    "3yz": error,
    "4yz": "RSET|deferred deferred|",
    "5yz": "RSET|refused refused|",
    ...gone,
  },
  "bdat last": {
    "2yz": "|accepted accepted|",
    "3yz": "|unknown unknown|reply-unexpected",
    "4yz": "|deferred deferred|",
    "5yz": "|refused refused|",
    "421": "|unknown unknown|closed-by-server",
    lost: "|unknown unknown|ended",
    late: "|unknown unknown|timeout",
    garbage: "|unknown unknown|reply-syntax",
  },
  // Another transaction waits behind RSET, which leaves with it.
  reset: {
    "2yz": "||",
    "3yz": error,
    "4yz": error,
    "5yz": error,
    ...gone,
  },
  quit: {
    "2yz": "||closed",
    "3yz": "||closed",
    "4yz": "||closed",
    "5yz": "||closed",
    "421": "||closed",
    lost: "||closed",
    late: "||closed",
    garbage: "||reply-syntax",
  },
};

/** Replies are of codes that nobody knows: 288, 388... */
const inputIds: Readonly<Record<(typeof inputs)[number], string>> = {
  "2yz": "R-FMT-09",
  "3yz": "R-FMT-09",
  "4yz": "R-FMT-09",
  "5yz": "R-FMT-09",
  "421": "R-FMT-17 C-SES-06",
  lost: "C-SES-07",
  late: "C-SES-07 L-TIME-18",
  garbage: "R-FMT-10",
};

describe("every state and every class of reply", () => {
  for (const [state, begin] of Object.entries(states)) {
    for (const input of inputs) {
      test(`${inputIds[input]} ${state}: ${input} ⇒ ${table[state]?.[input]}`, () => {
        const player = begin();
        expect(player.failed).toBeNull();
        expect(outcome(player, () => act(player, input))).toBe(table[state]?.[input]);
        if (player.closed) {
          // S-QUIT-02: it is over, and stays so.
          expect(player.session.waiting).toBe("closed");
          expect(player.session.deadline).toBeNull();
          if (input !== "lost") player.hear("250 ok\r\n");
          player.does("lost");
          player.does("advance 10000000");
          expect(() => player.session.noop()).toThrow(UsageError);
        }
      });
    }

    test(`C-SES-08 G2 ${state}: two replies in one piece are what they are in two`, () => {
      for (const first of ["288 x\r\n", "388 x\r\n", "488 x\r\n", "588 x\r\n"]) {
        for (const second of ["288 x\r\n", "588 x\r\n", "421 x\r\n", "?\r\n"]) {
          const [together, apart] = [begin(), begin()];
          together.hear(first + second);
          together.drain();
          apart.hear(first);
          apart.drain();
          const upgrading = apart.session.phase === "upgrading";
          if (!upgrading) {
            apart.hear(second);
            apart.drain();
          }
          if (upgrading) expect(together.failed).toBe("tls-injection");
          else {
            expect(together.sent).toBe(apart.sent);
            expect(together.polled.filter(({ type }) => type !== "send")).toEqual(
              apart.polled.filter(({ type }) => type !== "send"),
            );
          }
        }
      }
    });

    test(`C-TXN-08 G9 ${state}: close ends it at once, and says no dot`, () => {
      const player = begin();
      const sent = player.sent;
      player.does("close");
      expect(player.closed).toBe(true);
      expect(player.sent).toBe(sent);
      const statuses = player.of("done").flatMap(({ outcomes }) => outcomes.map(({ status }) => status));
      if (state === "done" || state === "bdat last") expect(statuses).toEqual(["unknown", "unknown"]);
      else expect(statuses).not.toContain("unknown");
    });

    test(`C-TXN-08 C-TXN-09 ${state}: what is given up is never delivered`, () => {
      const player = begin();
      const sent = player.sent.length;
      const given = player.session.abandon(state === "auth" || state === "reset" ? 2 : 1);
      player.drain();
      expect(player.sent.slice(sent)).not.toMatch(/^\.\r\n|\r\n\.\r\n|LAST/);
      if (["done", "bdat last", "empty", "ready", "quit"].includes(state)) expect(given).toBe(false);
      else {
        expect(given).toBe(true);
        if (state !== "data") {
          for (let times = 0; times < 5 && player.session.waiting === "input"; times++)
            player.hears("550 no\n");
        } else player.hears("354 go\n");
        expect(player.statuses).not.toMatch(/accepted|unknown/);
        expect(player.sent.slice(sent)).not.toMatch(/^\.\r\n|\r\n\.\r\n|LAST/);
      }
    });
  }
});
