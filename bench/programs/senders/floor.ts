import { load } from "../canned.ts";
import type { Send } from "./sender.ts";

export const send: Send = async (what) => {
  await load({ ...what, pipelined: true, tls: false });
};
