import * as adapter from "@sansmtp/node";
import { obey } from "./obey.ts";

obey(adapter);
