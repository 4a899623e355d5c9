import { lstat, unlink } from "node:fs/promises";
import { connect } from "node:net";
import type { Address, Place, Server } from "@sansmtp/node";
import { ExitError, systemCode } from "./exit.ts";

/**
 * Makes the server listen.
 *
 * @throws {ExitError} that says what is in the way
 */
export async function listen(server: Server, place: Place): Promise<Address> {
  if ("path" in place) await removeDeadSocket(place.path);
  try {
    return await server.listen(place);
  } catch (error) {
    throw refusal(error, place);
  }
}

/** A place as people write it: `127.0.0.1:2525`, `[::1]:2525`, or the path of a Unix socket. */
export function written(place: Place): string {
  if ("path" in place) return place.path;
  const { host = "127.0.0.1", port } = place;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function refusal(error: unknown, place: Place): unknown {
  const where = written(place);
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return "path" in place
        ? new ExitError(
            "unavailable",
            `cannot listen on ${where}: another program does, or a file of that name exists`,
          )
        : new ExitError(
            "unavailable",
            `cannot listen on ${where}: the port is in use; try another with --port`,
          );
    case "EACCES":
    case "EPERM":
      // Node says so, too, when the folder of a socket does not exist.
      if ("path" in place)
        return new ExitError("cannotCreate", `cannot listen on ${where}: the socket cannot be made there`);
      return new ExitError("noPermission", `cannot listen on ${where}: the system does not allow it`);
    case "EADDRNOTAVAIL":
      return new ExitError(
        "unavailable",
        `cannot listen on ${where}: this machine does not have that address`,
      );
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return new ExitError("noHost", `cannot listen on ${where}: there is no such host`);
    case "ENOENT":
    case "ENOTDIR":
    case "EINVAL":
    case "ENAMETOOLONG":
      return new ExitError("cannotCreate", `cannot listen on ${where}: the socket cannot be made there`);
    case null:
      return error;
    default:
      return new ExitError("unavailable", `cannot listen on ${where}: ${(error as Error).message}`);
  }
}

/** A server that was killed leaves the file of its socket behind: nobody answers there, and it is in the way. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found?.isSocket() !== true) return;
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(true));
    socket.once("error", (error) => resolve(systemCode(error) !== "ECONNREFUSED"));
    socket.once("connect", () => socket.destroy());
  });
  if (!answered) await unlink(path);
}
