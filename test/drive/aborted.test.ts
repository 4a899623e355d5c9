import { unlessAborted } from "@sansmtp/drive";
import { expect, test } from "vitest";

const never = new Promise<never>(() => {});

test("a signal that is aborted before, or meanwhile, gives its reason", async () => {
  await expect(unlessAborted(never, AbortSignal.abort("before"))).rejects.toBe("before");
  const controller = new AbortController();
  const waited = unlessAborted(never, controller.signal);
  controller.abort("meanwhile");
  await expect(waited).rejects.toBe("meanwhile");
});

test("what comes first is given, with a signal or without one", async () => {
  const { signal } = new AbortController();
  expect(await unlessAborted(Promise.resolve(1), signal)).toBe(1);
  expect(await unlessAborted(Promise.resolve(2), undefined)).toBe(2);
});
