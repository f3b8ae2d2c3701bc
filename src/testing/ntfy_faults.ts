/** The faults of an ntfy server. */

import { jsonAnswer } from "./answer.ts";
import { COMMON_FAULTS, type CommonFaultName, instead, retryAfterSeconds } from "./common_faults.ts";
import type { FaultPlan } from "./faults.ts";
import { ntfyError } from "./ntfy_answers.ts";

/** The name of a fault of {@linkcode LoopbackNtfy}. */
export type NtfyFaultName =
  | CommonFaultName
  | "500"
  | "429"
  | "429-retry-after-seconds"
  | "429-daily-quota"
  | "unauthorized"
  | "forbidden"
  | "not-found"
  | "bad-json"
  | "attachments-not-allowed"
  | "too-large"
  | "no-id";

/** What each fault does. An ntfy server does not say how long to wait; a proxy before it may. */
export const NTFY_FAULTS: Readonly<Record<NtfyFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(ntfyError(50001)),
  "429": instead(ntfyError(42901)),
  "429-retry-after-seconds": { acts: false, outcome: (details) => ntfyError(42901, retryAfterSeconds(details)) },
  "429-daily-quota": instead(ntfyError(42908)),
  "unauthorized": instead(ntfyError(40101)),
  "forbidden": instead(ntfyError(40301)),
  "not-found": instead(ntfyError(40401)),
  "bad-json": instead(ntfyError(40024)),
  "attachments-not-allowed": instead(ntfyError(40014)),
  "too-large": instead(ntfyError(41303)),
  "no-id": instead(jsonAnswer(200, {})),
};
