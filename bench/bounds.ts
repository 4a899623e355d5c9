/** What keeps figures from their goals, as the profiles show it. Figures are in the tables that are named. */

export interface Bound {
  /** The goals that it keeps from being met, by `what` and `limit`. */
  readonly of: RegExp;
  readonly text: string;
}

const time = (of = ""): string =>
  `[Where the time goes${of}](#where-the-time-goes${of.toLowerCase().replaceAll(/[:,]/g, "").replaceAll(" ", "-")})`;

export const bounds: readonly Bound[] = [
  {
    of: /^Node server, .*\b4 KiB.* 10 (connections )?kept open/,
    text: `A server that works before it replies finds its clients asleep, and each write has to wake one: the floor that spins a
few microseconds before each reply, and does nothing else, pays for that in its writes, too (${time()}). Core and drive are
a seventh of the time.`,
  },
  {
    of: /^Node server, 4 KiB, a session each/,
    text: `Most of it is to make a connection and to end it, in the system and in Node's streams: the floor. What is above it is spread
over core, drive, the adapter and the garbage of all that a session holds
(${time(": 4 KiB, a session each, 100 at once")}).`,
  },
  {
    of: /^Node server, 64 KiB/,
    text: `Nearly all of it is sockets: the floor, which looks at nothing, is no nearer to the limit. What is sansmtp's own is a quarter
(${time(": 64 KiB, 10 kept open")}).`,
  },
  {
    of: /^Node server, 1 MiB/,
    text: `The floor does not look at content. Here the core looks at each octet, which is copied into the scanner's memory for that; and
a handler takes each piece when it has time for it, so that the stream rests and goes on
(${time(": 1 MiB, 4 kept open")}).`,
  },
  {
    of: /^Bun server/,
    text: `Nearly all of the floor is in the system, and as much of ours. What is above the floor is core and drive
(${time()} and behind it).`,
  },
  {
    of: /^Deno server/,
    text: `As with Node; and where there is much content, it has to be copied from the one buffer that a connection of Deno is read into,
to memory that is new each time: the adapter, and what the system does besides writing
(${time(": 64 KiB, 10 kept open")} and ${time(": 1 MiB, 4 kept open").replace("Where the time goes: ", "")}).`,
  },
  {
    of: /^In process, /,
    text: `No part of it alone is too much: framing and content, syntax, and the machine with its questions, answers and events, each of
which is an object of its own ([Where the time of the core goes](#where-the-time-of-the-core-goes)).`,
  },
  {
    of: /^Memory of an idle TCP connection/,
    text: `Half of what is above the floor is garbage that V8's young generation has room for. The other half is the objects of a session,
of the pump and of the transport: none of them is large ([What an idle connection holds](#what-an-idle-connection-holds)).`,
  },
];
