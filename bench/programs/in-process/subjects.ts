import { reply, type ServerConfig, ServerSession, type ServerSettings, settle } from "@sansmtp/core";
import { simd } from "@sansmtp/core/simd";
import { Floor } from "../floor.ts";
import { type Dialogue, lines, type Piece } from "./dialogues.ts";
import { MemorySocket } from "./memory-socket.ts";

/** A server in process. */
export interface Subject {
  /** Plays a dialogue so often: over one session, or over several where it takes waiting out of the way. */
  play(dialogue: Dialogue, times: number): void | Promise<void>;
  /** Sessions in some state, held by what is returned. */
  hold(state: State, count: number): unknown[] | Promise<unknown[]>;
  /** Plays a dialogue over all that are held, all at once. */
  together(held: readonly unknown[], dialogue: Dialogue): void | Promise<void>;
}

/** How far an idle session has come. */
export type State = "greeted" | "after EHLO" | "after RCPT" | "in DATA";

const config: ServerConfig = {
  name: "mx.example.com",
  extensions: { dsn: true },
  limits: { idleCommands: 1e9, transactions: 1e9, recipients: 1e9 },
};
const settings = settle(config);
const queued = reply(250, "2.0.0", "Queued");
const hello = lines("EHLO client.example.net");

const states: Readonly<Record<State, readonly Piece[]>> = {
  greeted: [],
  "after EHLO": [hello],
  "after RCPT": [hello, lines("MAIL FROM:<sender@example.net>", "RCPT TO:<one@example.com>")],
  "in DATA": [hello, lines("MAIL FROM:<sender@example.net>", "RCPT TO:<one@example.com>", "DATA")],
};

/** Reads the content, takes all mail; what is sent goes nowhere. */
function drain(session: ServerSession): void {
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if ("id" in event) session.answer(event.id, event.type === "message" ? queued : undefined);
  }
}

function begun(settings: ServerSettings): ServerSession {
  const session = new ServerSession(settings);
  drain(session);
  return session;
}

function feed(session: ServerSession, pieces: readonly Piece[]): void {
  for (const { octets } of pieces) {
    session.receive(octets);
    drain(session);
  }
}

function coreWith(settings: ServerSettings): Subject {
  return {
    play({ pieces, session: each }, times) {
      let session = begun(settings);
      if (!each) feed(session, [hello]);
      for (let pass = 0; pass < times; pass++) {
        if (each && pass > 0) session = begun(settings);
        feed(session, pieces);
      }
      const over = each ? "closed" : "input";
      if (session.waiting !== over || session.transaction !== "none") throw new Error("out of step");
    },
    hold: (state, count) =>
      Array.from({ length: count }, () => {
        const session = begun(settings);
        feed(session, states[state]);
        return session;
      }),
    together(held, { pieces }) {
      for (const piece of pieces) for (const session of held) feed(session as ServerSession, [piece]);
    },
  };
}

/** A server that is given one end of a connection in memory. */
function behindSocket(serve: (socket: MemorySocket) => void, parallel = 1): Subject {
  const open = async (): Promise<MemorySocket> => {
    const socket = new MemorySocket();
    socket.on("error", () => {});
    const greeted = socket.greeted();
    serve(socket);
    await greeted;
    return socket;
  };
  const played = (socket: MemorySocket, pieces: readonly Piece[]): Promise<void> =>
    pieces.length === 0 ? Promise.resolve() : new Promise((resolve) => socket.play(pieces, resolve));
  return {
    async play({ pieces, session }, times) {
      if (!session) {
        const socket = await open();
        await played(socket, [hello]);
        await new Promise<void>((resolve) => {
          let left = times;
          const again = (): void => {
            if (left-- > 0) socket.play(pieces, again);
            else resolve();
          };
          again();
        });
        socket.destroy();
        return;
      }
      let left = times;
      await Promise.all(
        Array.from({ length: Math.min(parallel, times) }, async () => {
          while (left-- > 0) {
            const socket = await open();
            await played(socket, pieces);
            socket.destroy();
          }
        }),
      );
    },
    hold: (state, count) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const socket = await open();
          await played(socket, states[state]);
          return socket;
        }),
      ),
    async together(held, { pieces }) {
      await Promise.all(held.map((socket) => played(socket as MemorySocket, pieces)));
    },
  };
}

function coreOn(socket: MemorySocket): void {
  const session = new ServerSession(settings);
  const run = (): void => {
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") socket.write(event.data);
      else if ("id" in event) session.answer(event.id, event.type === "message" ? queued : undefined);
      else if (event.type === "close") socket.end();
    }
  };
  socket.on("data", (octets: Buffer) => {
    session.receive(octets);
    run();
  });
  run();
}

function cannedOn(socket: MemorySocket): void {
  const floor = new Floor();
  socket.on("data", (octets: Buffer) => {
    const said = floor.reply(octets);
    if (said === null) return;
    if (floor.over) socket.end(said);
    else socket.write(said);
  });
  socket.write(Floor.greeting);
}

async function smtpServer(): Promise<Subject> {
  const { SMTPServer } = await import("smtp-server");
  const server = new SMTPServer({
    name: "mx.example.com",
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    logger: false,
    onData(stream, _session, done) {
      stream.on("data", () => {});
      stream.on("end", () => done(null));
    },
  });
  server.on("error", () => {});
  // It waits a tenth of a second before it greets, which many of them do at a time.
  return behindSocket((socket) => server.connect(socket as never, {} as never), 500);
}

export const subjects: Readonly<Record<string, () => Subject | Promise<Subject>>> = {
  core: () => coreWith(settings),
  "core with SIMD": () => coreWith(settle({ ...config, scanner: simd() })),
  "core behind a socket": () => behindSocket(coreOn),
  "canned replies": () => behindSocket(cannedOn),
  "smtp-server": smtpServer,
};
