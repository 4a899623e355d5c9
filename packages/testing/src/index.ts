/**
 * Mail code tested without a socket: SMTP and LMTP sessions joined in memory on a virtual clock, with latency, any
 * split and any fault; scripts, transcripts and recordings. Arbitraries for fast-check are in
 * `@sansmtp/testing/arbitraries`.
 *
 * @module
 */
export type { ClientSide, OutgoingMessage, SentMessage } from "./client-end.ts";
export type { Fault, Latency, PerPiece, Place, Side, Split } from "./faults.ts";
export type { Octets } from "./octets.ts";
export { type Recorder, recordClient, recordServer } from "./recorder.ts";
export { type Called, type Recording, readRecording, writeRecording } from "./recording.ts";
export { redact } from "./redaction.ts";
export { type Replayed, replay, type Step } from "./replay.ts";
export { type Script, ScriptMismatch } from "./script.ts";
export {
  type AcceptedMessage,
  type Answer,
  type Answers,
  type LateAnswer,
  later,
  type ServerSide,
} from "./server-end.ts";
export { Transcript, type TranscriptOptions } from "./transcript.ts";
export { type PerSide, type Wired, type WirePlan, wire } from "./wire.ts";
