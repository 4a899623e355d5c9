/** The exit codes of the program, as `sysexits.h` of BSD numbers them, so that scripts can tell what failed. */
export const exitCodes = {
  /** A recording came out otherwise: as with `diff`, the answer is no. Not of `sysexits.h`. */
  different: 1,
  /** An option, argument or value is wrong. */
  usage: 64,
  /** A file holds something else than it should; a message was refused for good. */
  data: 65,
  /** A file cannot be read. */
  noInput: 66,
  /** There is no such host. */
  noHost: 68,
  /** The port or address cannot be had, or nobody answers there. */
  unavailable: 69,
  /** A bug of ours. */
  software: 70,
  /** A file or folder cannot be made. */
  cannotCreate: 73,
  /** The connection was lost when a message had left: nobody knows what became of it. */
  inputOutput: 74,
  /** It did not work now, and may work later. */
  temporary: 75,
  /** The other end does not speak as it should. */
  protocol: 76,
  /** The system does not allow it, or the server knows no such user and password. */
  noPermission: 77,
} as const;

/** Ends the program with one sentence for the user and no stack trace. */
export class ExitError extends Error {
  readonly code: number;

  constructor(reason: keyof typeof exitCodes, message: string) {
    super(message);
    this.code = exitCodes[reason];
  }
}

/** The `code` of an error of the operating system, such as `EADDRINUSE`; null: it is another kind of error. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || !("syscall" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}
