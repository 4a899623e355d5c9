import { answering, given, memory, profile, say } from "./control.ts";
import { dialogues } from "./in-process/dialogues.ts";
import { type State, subjects } from "./in-process/subjects.ts";

// Plays dialogues to one server in process, whose name is given.

const subject = await subjects[given<{ readonly subject: string }>().subject]!();

answering({
  profile,
  /** Processor time of a number of passes, microseconds each unit. */
  async play({ dialogue, times }: { readonly dialogue: string; readonly times: number }) {
    const played = dialogues[dialogue]!;
    const before = process.cpuUsage();
    await subject.play(played, times);
    const { user, system } = process.cpuUsage(before);
    return { cpu: (user + system) / times / played.units };
  },
  /** Octets allocated for each unit. It is right where no collection comes in between: in a large young generation. */
  async allocate({ dialogue, times }: { readonly dialogue: string; readonly times: number }) {
    const played = dialogues[dialogue]!;
    await subject.play(played, times);
    memory();
    const before = process.memoryUsage();
    await subject.play(played, times);
    const after = process.memoryUsage();
    const octets = after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers;
    return { octets: octets / times / played.units };
  },
  /** Processor time of a dialogue over each of many sessions that are open, microseconds each. */
  async together({
    dialogue,
    count,
    times,
  }: {
    readonly dialogue: string;
    readonly count: number;
    readonly times: number;
  }) {
    const held = await subject.hold("after EHLO", count);
    const played = dialogues[dialogue]!;
    await subject.together(held, played);
    const before = process.cpuUsage();
    for (let pass = 0; pass < times; pass++) await subject.together(held, played);
    const { user, system } = process.cpuUsage(before);
    return { cpu: (user + system) / times / count };
  },
  /** Octets that an idle session holds. As many come before those that count: what code takes is compiled by then. */
  async hold({ state, count }: { readonly state: State; readonly count: number }) {
    const few = await subject.hold(state, count);
    const before = memory();
    const held = await subject.hold(state, count);
    const after = memory();
    const octets = (after.heap + after.external - before.heap - before.external) / count;
    return { octets, held: few.length + held.length };
  },
});
say({});
