import { bug, UsageError } from "../errors.ts";
import { reply } from "../reply.ts";
import { parseDomain } from "../syntax/domain.ts";
import type { MailParameters, Track, Value } from "../syntax/parameters.ts";
import { parseAddress } from "../syntax/path.ts";
import { decodeXtext } from "../syntax/xtext.ts";
import { decodeUtf8, encodeUtf8 } from "../wire/utf8.ts";
import type { Extension, OutgoingParameters } from "./extension.ts";
import { seconds, text } from "./values.ts";

/** MTRK (RFC 3885): the sender can ask later where its message is. */
export const mtrk: Extension = {
  name: "mtrk",
  keyword: "MTRK",
  source: "RFC 3885",
  purpose: "the sender can ask where its message is",
  needs: ["dsn"],
  mail: {
    MTRK: {
      equals: true,
      read: (given) => given && readTrack(given),
      write: ({ track, envid }) => writeTrack(track, envid),
    },
  },
  check: ({ track, envid }) => {
    if (track === null || (envid !== null && isTrackable(decoded(envid)))) return null;
    const detail = "MTRK without an ENVID of the form local@host";
    return { rule: "X-MTRK-01", detail, reply: reply(501, "5.5.4", "MTRK needs ENVID=local@host") };
  },
};

/** base64, and behind a colon perhaps seconds (RFC 3885 §3). */
function readTrack(given: Value): Partial<MailParameters> | null {
  const found = /^([A-Za-z0-9+/]+={0,2})(?::([0-9]{1,9}))?$/.exec(text(given));
  if (found === null) return null;
  return { track: { certifier: found[1], timeout: found[2] === undefined ? null : Number(found[2]) } };
}

function writeTrack(track: Track | undefined, given: OutgoingParameters["envid"]): string | null {
  if (track === undefined) return null;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(track.certifier) || track.certifier.length > 128)
    throw new UsageError("track.certifier: must be base64, 128 characters at most");
  const envid = typeof given === "object" ? decoded(given.raw) : given;
  if (envid === undefined || !isTrackable(envid))
    throw new UsageError("track: needs an envid of the form local@host (RFC 3885 §3)");
  const { timeout } = track;
  return timeout === null ? track.certifier : `${track.certifier}:${seconds("track.timeout", timeout, 0)}`;
}

function decoded(envid: string): string {
  const octets = encodeUtf8(envid);
  const plain = decodeXtext(octets, 0, octets.length) ?? bug("an ENVID that is no xtext");
  return decodeUtf8(plain) ?? bug("an ENVID that is not ASCII");
}

/** `local@host`, the host fully qualified. */
function isTrackable(envid: string): boolean {
  const at = envid.lastIndexOf("@");
  const domain = parseAddress(envid) === null ? null : parseDomain(envid.slice(at + 1));
  return domain?.kind === "name" && domain.text.includes(".");
}
