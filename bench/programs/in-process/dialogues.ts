/** What a client says in process: pieces of octets, and after each how many replies it waits for. */
export interface Piece {
  readonly octets: Buffer;
  readonly replies: number;
}

/** What is repeated. */
export interface Dialogue {
  readonly pieces: readonly Piece[];
  /** It begins with a session, and ends it. */
  readonly session: boolean;
  /** What one pass is counted as. */
  readonly units: number;
}

const envelope = [
  "MAIL FROM:<sender@example.net> SIZE=4000",
  "RCPT TO:<one@example.com>",
  "RCPT TO:<two@example.com>",
];
export const hello = "EHLO client.example.net";

export const dialogues: Readonly<Record<string, Dialogue>> = {
  "4 KiB message, pipelined": message(4096, true),
  "4 KiB message, a command at a time": message(4096, false),
  "64 KiB message, pipelined": message(65_536, true),
  "4 KiB message, a session each": {
    ...message(4096, true),
    pieces: [lines(hello), ...message(4096, true).pieces, lines("QUIT")],
    session: true,
  },
  "MAIL RCPT RCPT RSET, pipelined": repeated([...envelope, "RSET"], 25),
  "MAIL RCPT RCPT RSET, a command at a time": {
    pieces: [...envelope, "RSET"].map((line) => lines(line)),
    session: false,
    units: 4,
  },
  "NOOP, pipelined": repeated(["NOOP"], 100),
  "RSET, pipelined": repeated(["RSET"], 100),
  "EHLO, pipelined": repeated([hello], 100),
  "MAIL and RSET, pipelined": pairs("MAIL FROM:<sender@example.net>"),
  "MAIL with four parameters and RSET, pipelined": pairs(
    "MAIL FROM:<sender@example.net> SIZE=4000 BODY=8BITMIME RET=HDRS ENVID=QQ314159",
  ),
  ...Object.fromEntries(
    [1, 10, 100, 1000, 10_000].map((count) => [`${count} RCPT in a transaction`, toMany(count)]),
  ),
};

function pairs(line: string): Dialogue {
  return { ...repeated([line, "RSET"], 50), units: 50 };
}

function message(size: number, pipelined: boolean): Dialogue {
  const line = `${"x".repeat(76)}\r\n`;
  const content = `Subject: bench\r\n\r\n${line.repeat(Math.ceil(size / line.length))}.\r\n`;
  const commands = [...envelope, "DATA"];
  const begin = pipelined ? [lines(...commands)] : commands.map((each) => lines(each));
  return { pieces: [...begin, { octets: Buffer.from(content), replies: 1 }], session: false, units: 1 };
}

function repeated(commands: readonly string[], times: number): Dialogue {
  const all = Array.from({ length: times }, () => commands).flat();
  return { pieces: [lines(...all)], session: false, units: all.length };
}

function toMany(count: number): Dialogue {
  const pieces: Piece[] = [];
  for (let left = count; left > 0; left -= 1000)
    pieces.push(
      lines(...Array.from({ length: Math.min(left, 1000) }, () => "RCPT TO:<recipient@example.com>")),
    );
  return { pieces: [lines("MAIL FROM:<>"), ...pieces, lines("RSET")], session: false, units: count };
}

export function lines(...commands: readonly string[]): Piece {
  return { octets: Buffer.from(commands.map((line) => `${line}\r\n`).join("")), replies: commands.length };
}
