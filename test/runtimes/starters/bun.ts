import * as adapter from "@sansmtp/bun";
import { obey } from "./obey.ts";

obey(adapter);
