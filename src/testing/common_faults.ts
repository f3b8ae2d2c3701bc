/** The faults that a server of any kind may have: the network's, a proxy's, a captive portal's. */

import { type Answer, pageAnswer } from "./answer.ts";
import type { FaultDetails, FaultPlan } from "./faults.ts";

/** The name of a fault that all loopback servers know. `after-persisting` means that the message is there although the client does not know. */
export type CommonFaultName =
  | "refuse"
  | "hang"
  | "hang-after-persisting"
  | "drop-before-persisting"
  | "drop-after-persisting"
  | "slow"
  | "slow-after-persisting"
  | "502"
  | "502-after-persisting"
  | "504-after-persisting"
  | "too-large-page"
  | "captive-portal"
  | "redirect";

/** What each of them does. */
export const COMMON_FAULTS: Readonly<Record<CommonFaultName, FaultPlan>> = {
  "refuse": { acts: false, outcome: "refuse" },
  "hang": { acts: false, outcome: "hang" },
  "hang-after-persisting": { acts: true, outcome: "hang" },
  "drop-before-persisting": { acts: false, outcome: "cut" },
  "drop-after-persisting": { acts: true, outcome: "cut" },
  "slow": { acts: false, outcome: "late" },
  "slow-after-persisting": { acts: true, outcome: "late" },
  "502": instead(pageAnswer(502, "502 Bad Gateway")),
  "502-after-persisting": afterwards(pageAnswer(502, "502 Bad Gateway")),
  "504-after-persisting": afterwards(pageAnswer(504, "504 Gateway Time-out")),
  "too-large-page": instead(pageAnswer(413, "413 Request Entity Too Large")),
  "captive-portal": instead(pageAnswer(200, "Sign in to the network")),
  "redirect": { acts: false, outcome: redirect },
};

/** A fault in which the client gets this answer and nothing else happens. */
export function instead(answer: Answer): FaultPlan {
  return { acts: false, outcome: () => answer };
}

/** A fault in which the server does what it is asked for and the client gets this answer all the same. */
export function afterwards(answer: Answer): FaultPlan {
  return { acts: true, outcome: () => answer };
}

/** How long the client of a limited server shall wait, in milliseconds. */
export function waitMs({ retryAfterMs = 2000 }: FaultDetails): number {
  return retryAfterMs;
}

/** The header that says so in seconds, rounded up. */
export function retryAfterSeconds(details: FaultDetails): { readonly "retry-after": string } {
  return { "retry-after": String(Math.ceil(waitMs(details) / 1000)) };
}

function redirect({ location = "http://portal.invalid/login" }: FaultDetails): Answer {
  return { ...pageAnswer(302, "302 Found"), headers: { location } };
}
