import { Alarm } from "@sansmtp/drive";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function alarm(): { readonly alarm: Alarm; readonly rung: number[]; readonly start: number } {
  const rung: number[] = [];
  const made: Alarm = new Alarm(() => rung.push(made.now() - start));
  const start = made.now();
  return { alarm: made, rung, start };
}

test("a deadline that moves on costs no timer more, and the alarm rings when it has come, once", () => {
  const { alarm: made, rung, start } = alarm();
  made.set(start + 100);
  for (let at = 150; at <= 300; at += 50) made.set(start + at);
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(299);
  expect(rung).toEqual([]);
  vi.advanceTimersByTime(500);
  expect(rung).toEqual([300]);
  expect(vi.getTimerCount()).toBe(0);
});

test("an earlier deadline takes the place of a later one; none is none; stopped, it holds no timer", () => {
  const { alarm: made, rung, start } = alarm();
  made.set(start + 300);
  made.set(start + 100);
  vi.advanceTimersByTime(1000);
  expect(rung).toEqual([100]);
  made.set(start + 1200);
  made.set(null);
  vi.advanceTimersByTime(1000);
  expect(rung).toEqual([100]);
  made.set(start + 2500);
  made.stop();
  expect(vi.getTimerCount()).toBe(0);
  made.set(start + 2600);
  vi.advanceTimersByTime(1000);
  expect(rung).toEqual([100, 2600]);
});
