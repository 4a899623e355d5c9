import * as adapter from "@sansmtp/deno";
import { obey } from "./obey.ts";

obey(adapter);
