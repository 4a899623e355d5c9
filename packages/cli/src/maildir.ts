import { randomBytes } from "node:crypto";
import * as fs from "node:fs/promises";
import { hostname } from "node:os";
import { dirname, join, resolve } from "node:path";

/**
 * A Maildir: a folder of messages, one file each, which needs no locks.
 *
 * A message is written under a name that nobody else uses in `tmp`, forced to the disk, and only then moved to
 * `new`, in one step. So a file in `new` is whole, whatever happens to the process or to the machine, and once
 * {@link Draft.commit} has returned it stays there. The layout and the names are the convention of qmail,
 * which nearly every mail reader understands: cr.yp.to/proto/maildir.html.
 */
export class Maildir {
  /** The absolute path. */
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #host: string;
  readonly #now: () => number;
  #count = 0;

  private constructor(directory: string, options: MaildirOptions) {
    this.directory = resolve(directory);
    this.#fs = options.fileSystem ?? fs;
    this.#host = safe(options.host ?? hostname());
    this.#now = options.now ?? Date.now;
  }

  /**
   * Makes the folders where they are missing, and removes from `tmp` what a process that was killed has left
   * there more than 36 hours ago, the age that the convention names.
   *
   * @throws the error of the operating system when the folder cannot be made or written to
   */
  static async open(directory: string, options: MaildirOptions = {}): Promise<Maildir> {
    const maildir = new Maildir(directory, options);
    await maildir.#make();
    await maildir.#checkWritable();
    await maildir.#removeStale();
    return maildir;
  }

  /** Begins a message, as an empty file in `tmp`. It ends by `commit` or by `discard`. */
  async draft(): Promise<Draft> {
    const now = this.#now();
    const id = this.#nextId(now);
    const name = `${Math.floor(now / 1000)}.${id}.${this.#host}`;
    // Exclusive: a name that exists, however unlikely, must not be written over.
    const handle = await this.#fs.open(join(this.directory, "tmp", name), "wx", 0o600);
    return new Draft(this.#fs, this.directory, name, id, handle);
  }

  /**
   * The part of the name between time and host, and the id that the client is told: unique by itself, an atom
   * (RFC 5322 §3.2.3), and in the order of arrival among messages of one second.
   */
  #nextId(now: number): string {
    // The clock has milliseconds; the count stands in for the microseconds that the convention asks for.
    const within = (now % 1000) * 1000 + (this.#count++ % 1000);
    return `M${String(within).padStart(6, "0")}R${randomBytes(6).toString("hex")}`;
  }

  async #make(): Promise<void> {
    const made = await this.#fs.mkdir(this.directory, { recursive: true, mode: 0o700 });
    for (const folder of ["tmp", "new", "cur"]) {
      await this.#fs.mkdir(join(this.directory, folder), { recursive: true, mode: 0o700 });
    }
    // A message is as durable as the folders above it: those just made are forced to the disk, too.
    await syncFolder(this.#fs, this.directory);
    if (made === undefined) return;
    const top = dirname(resolve(made));
    for (let folder = dirname(this.directory); ; folder = dirname(folder)) {
      await syncFolder(this.#fs, folder);
      if (folder === top || folder === dirname(folder)) return;
    }
  }

  /** Better now, with a clear error, than with 451 to the first client. */
  async #checkWritable(): Promise<void> {
    const draft = await this.draft();
    await draft.discard();
  }

  async #removeStale(): Promise<void> {
    const folder = join(this.directory, "tmp");
    for (const name of await this.#fs.readdir(folder)) {
      const file = join(folder, name);
      try {
        const { mtimeMs } = await this.#fs.stat(file);
        if (this.#now() - mtimeMs > staleAfter) await this.#fs.unlink(file);
      } catch {
        // Somebody else was faster, or it is not ours to remove: no reason not to start.
      }
    }
  }
}

/** A message that is being written: in `tmp` until `commit` moves it to `new`. */
export class Draft {
  /** The id of the message: the unique part of the file's name. */
  readonly id: string;
  /** Octets written so far. */
  size = 0;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #name: string;
  /** Null: closed. After a failure it is closed at once, so that no second try can call it a success. */
  #handle: fs.FileHandle | null;
  /** Where the file is; null: removed, or handed over to the reader of the Maildir. */
  #folder: "tmp" | "new" | null = "tmp";
  // Content comes in pieces as small as a line; the disk is better served by larger ones.
  #block: Uint8Array = new Uint8Array(blockSize);
  #filled = 0;

  /** @internal made by {@link Maildir.draft} */
  constructor(fileSystem: FileSystem, directory: string, name: string, id: string, handle: fs.FileHandle) {
    this.#fs = fileSystem;
    this.#directory = directory;
    this.#name = name;
    this.id = id;
    this.#handle = handle;
  }

  /**
   * Appends octets; await it before the next call. They may be kept in memory, up to 64 KiB, and are copied.
   *
   * @throws the error of the operating system; then `discard` is all that is left to do
   */
  async write(octets: Uint8Array): Promise<void> {
    if (this.#filled + octets.length > blockSize) await this.#flush();
    if (octets.length > blockSize) {
      await this.#put(octets);
    } else {
      this.#block.set(octets, this.#filled);
      this.#filled += octets.length;
    }
    this.size += octets.length;
  }

  /**
   * Puts the message into `new`, and returns the path of its file when it would survive a power failure.
   *
   * @throws the error of the operating system; then nothing is left in `new`, and `discard` cleans up
   */
  async commit(): Promise<string> {
    await this.#flush();
    const handle = this.#handle;
    if (handle === null) throw new Error("bug: commit of a draft that has ended or failed");
    this.#handle = null;
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    const path = join(this.#directory, "new", this.#name);
    await this.#fs.rename(join(this.#directory, "tmp", this.#name), path);
    this.#folder = "new";
    try {
      await syncFolder(this.#fs, join(this.#directory, "new"));
    } catch (error) {
      // The client will be told to try again: what is in `new` now would be a second copy then.
      await this.discard();
      throw error;
    }
    this.#folder = null;
    return path;
  }

  /** Removes the message, unless it was committed. It never throws: nothing depends on it. */
  async discard(): Promise<void> {
    const handle = this.#handle;
    const folder = this.#folder;
    this.#handle = null;
    this.#folder = null;
    await handle?.close().catch(() => {});
    if (folder !== null) await this.#fs.unlink(join(this.#directory, folder, this.#name)).catch(() => {});
  }

  async #flush(): Promise<void> {
    const filled = this.#filled;
    if (filled === 0) return;
    this.#filled = 0;
    await this.#put(this.#block.subarray(0, filled));
  }

  async #put(octets: Uint8Array): Promise<void> {
    const handle = this.#handle;
    if (handle === null) throw new Error("bug: write to a draft that has ended");
    try {
      // `writeFile` of an open file goes on where it stands, and repeats a write that the system cut short.
      await handle.writeFile(octets);
    } catch (error) {
      this.#handle = null;
      await handle.close().catch(() => {});
      throw error;
    }
  }
}

export interface MaildirOptions {
  /** Default: `node:fs/promises`. Tests inject faults here. */
  readonly fileSystem?: FileSystem;
  /** The last part of file names. Default: the name of this machine. */
  readonly host?: string;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number;
}

/** What a Maildir needs of a file system. */
export interface FileSystem {
  open(path: string, flags: string, mode?: number): Promise<fs.FileHandle>;
  mkdir(path: string, options: { recursive: true; mode: number }): Promise<string | undefined>;
  readdir(path: string): Promise<string[]>;
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
}

async function syncFolder(fileSystem: FileSystem, folder: string): Promise<void> {
  // Windows opens no folders; its file systems journal a rename by themselves.
  if (process.platform === "win32") return;
  const handle = await fileSystem.open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The convention asks for `\057` and `\072` in the place of `/` and `:`; other odd octets fare the same. */
function safe(host: string): string {
  return host.replace(/[^A-Za-z0-9._-]/gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((octet) => `\\${octet.toString(8).padStart(3, "0")}`)
      .join(""),
  );
}

const staleAfter = 36 * 60 * 60 * 1000;
const blockSize = 65_536;
