import * as fs from "node:fs/promises";
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileSystem, Maildir } from "../../packages/cli/src/maildir.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sansmtp-maildir-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe("storing", () => {
  it("S-DATA-08 a message is forced to the disk before it moves to new, and the move before commit returns", async () => {
    const disk = watched(directory);
    const maildir = await Maildir.open(directory, { fileSystem: disk, host: "mx.example.com" });
    disk.steps.length = 0;
    const draft = await maildir.draft();
    await draft.write(octets("Subject: x\r\n\r\nbody\r\n"));
    const file = await draft.commit();
    const name = basename(file);
    expect(disk.steps).toEqual([
      `open tmp/${name} wx`,
      `write tmp/${name}`,
      `fsync tmp/${name}`,
      `close tmp/${name}`,
      `rename tmp/${name} new/${name}`,
      "open new r",
      "fsync new",
      "close new",
    ]);
    expect(await readFile(file, "latin1")).toBe("Subject: x\r\n\r\nbody\r\n");
  });

  it("makes tmp, new and cur, and forces them and the folders above that it made to the disk", async () => {
    const disk = watched(directory);
    await Maildir.open(join(directory, "a", "b"), { fileSystem: disk });
    expect((await readdir(join(directory, "a", "b"))).sort()).toEqual(["cur", "new", "tmp"]);
    expect(disk.steps.filter((step) => step.startsWith("fsync"))).toEqual([
      "fsync a/b",
      "fsync a",
      "fsync .",
    ]);
  });

  it("names files by time, a unique part and the host, with nothing in them that a shell or reader minds", async () => {
    const now = (): number => Date.UTC(2026, 10, 23, 15, 11, 0, 42);
    const maildir = await Maildir.open(directory, { host: "a/b:c\u00fc", now });
    const first = await maildir.draft();
    const second = await maildir.draft();
    const name = basename(await first.commit());
    expect(name).toBe(`1795446660.${first.id}.a\\057b\\072c\\303\\274`);
    expect(first.id).toMatch(/^M0420[0-9]{2}R[0-9a-f]{12}$/);
    expect(first.id < second.id).toBe(true);
    expect(name).not.toContain("/");
    expect(name).not.toContain(":");
    await second.discard();
  });

  it("no other user can read a message", async () => {
    const maildir = await Maildir.open(join(directory, "mail"));
    const draft = await maildir.draft();
    const file = await draft.commit();
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect((await stat(join(directory, "mail", "new"))).mode & 0o077).toBe(0);
  });

  it("S-DATA-13 any octets in any pieces come out as they were", async () => {
    const maildir = await Maildir.open(directory);
    const all = Uint8Array.from({ length: 300_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff);
    for (const size of [1, 1000, 65_535, 65_536, 65_537, 300_000]) {
      const draft = await maildir.draft();
      const step = size === 1 ? 3 : size;
      for (let at = 0; at < all.length; at += step) {
        const piece = all.slice(at, at + step);
        await draft.write(piece);
        // What was given may be used again: it was copied or is on its way.
        piece.fill(0);
      }
      expect(draft.size).toBe(all.length);
      expect(Buffer.compare(await readFile(await draft.commit()), all)).toBe(0);
    }
  });

  it("a draft that is discarded leaves nothing", async () => {
    const maildir = await Maildir.open(directory);
    const draft = await maildir.draft();
    await draft.write(octets("half"));
    await draft.discard();
    await draft.discard();
    expect(await files()).toEqual([]);
  });
});

describe("faults", () => {
  const steps = ["write tmp", "fsync tmp", "close tmp", "rename", "open new", "fsync new", "close new"];

  it.each(steps)("S-DATA-09 a failure at '%s' leaves nothing, neither in new nor in tmp", async (step) => {
    const disk = watched(directory);
    const maildir = await Maildir.open(directory, { fileSystem: disk });
    const draft = await maildir.draft();
    disk.failAt = step;
    await expect(
      (async () => {
        await draft.write(octets("x".repeat(100_000)));
        await draft.commit();
      })(),
    ).rejects.toMatchObject({ code: "ENOSPC" });
    disk.failAt = null;
    await draft.discard();
    expect(await files()).toEqual([]);
  });

  it("S-DATA-08 a disk that failed once is not asked again: there is no second commit", async () => {
    const disk = watched(directory);
    const maildir = await Maildir.open(directory, { fileSystem: disk });
    for (const step of ["write tmp", "fsync tmp"]) {
      const draft = await maildir.draft();
      await draft.write(octets("x"));
      disk.failAt = step;
      await expect(draft.commit()).rejects.toMatchObject({ code: "ENOSPC" });
      disk.failAt = null;
      await expect(draft.commit()).rejects.toThrow("bug:");
      await draft.discard();
    }
    expect(await files()).toEqual([]);
  });

  it("a folder that cannot be made is an error at the start", async () => {
    await writeFile(join(directory, "file"), "");
    await expect(Maildir.open(join(directory, "file", "mail"))).rejects.toMatchObject({ code: "ENOTDIR" });
    await expect(Maildir.open(join(directory, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  });
});

it("what a killed process has left in tmp is removed after 36 hours, not before, and nothing else is", async () => {
  await Maildir.open(directory);
  const hour = 3600;
  const now = Date.now() / 1000;
  for (const [name, age] of [
    ["tmp/old", 37],
    ["tmp/young", 35],
    ["new/old", 37],
    ["cur/old:2,S", 37],
  ] as const) {
    await writeFile(join(directory, name), "");
    await utimes(join(directory, name), now - age * hour, now - age * hour);
  }
  await Maildir.open(directory);
  expect(await files()).toEqual(["cur/old:2,S", "new/old", "tmp/young"]);
});

async function files(): Promise<string[]> {
  const folders = ["cur", "new", "tmp"];
  const names = folders.map(async (folder) =>
    (await readdir(join(directory, folder))).map((name) => `${folder}/${name}`),
  );
  return (await Promise.all(names)).flat().sort();
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

interface Watched extends FileSystem {
  /** What was done, with paths relative to the folder. */
  readonly steps: string[];
  /** The step that fails, by its beginning; null: none. */
  failAt: string | null;
}

/** The true file system, which records what is done and fails where it is told to. */
function watched(root: string): Watched {
  const disk: Watched = {
    steps: [],
    failAt: null,
    async open(path, flags, mode) {
      step(`open ${local(path)} ${flags}`);
      const handle = await fs.open(path, flags, mode);
      return new Proxy(handle, {
        get(target, key) {
          const value: unknown = Reflect.get(target, key, target);
          if (typeof value !== "function") return value;
          const names: Record<string, string> = { writeFile: "write", sync: "fsync", close: "close" };
          const name = names[String(key)];
          return async (...given: unknown[]): Promise<unknown> => {
            const result: unknown = name === "close" ? await value.apply(target, given) : null;
            if (name !== undefined) step(`${name} ${local(path)}`);
            return name === "close" ? result : value.apply(target, given);
          };
        },
      });
    },
    mkdir: (path, options) => fs.mkdir(path, options),
    readdir: (path) => fs.readdir(path),
    stat: (path) => fs.stat(path),
    async rename(from, to) {
      step(`rename ${local(from)} ${local(to)}`);
      await fs.rename(from, to);
    },
    unlink: (path) => fs.unlink(path),
  };
  return disk;

  function local(path: string): string {
    return relative(root, path) || ".";
  }

  function step(what: string): void {
    disk.steps.push(what);
    if (disk.failAt === null || !what.startsWith(disk.failAt)) return;
    throw Object.assign(new Error(`ENOSPC: no space left on device, ${what}`), { code: "ENOSPC" });
  }
}
