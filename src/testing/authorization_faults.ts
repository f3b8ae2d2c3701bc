/** The faults of an authorization server. */

import { oauthError } from "./authorization_answers.ts";
import { COMMON_FAULTS, type CommonFaultName, instead, retryAfterSeconds } from "./common_faults.ts";
import type { FaultPlan } from "./faults.ts";

/** The name of a fault of {@linkcode LoopbackAuthorizationServer}. */
export type AuthorizationFaultName =
  | CommonFaultName
  | "500"
  | "503"
  | "429-retry-after-seconds"
  | "slow-down"
  | "invalid-grant"
  | "invalid-client";

/** What each fault does. */
export const AUTHORIZATION_FAULTS: Readonly<Record<AuthorizationFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(oauthError("server_error", "Internal server error", 500)),
  "503": instead(oauthError("temporarily_unavailable", "Down for maintenance", 503)),
  "429-retry-after-seconds": {
    acts: false,
    outcome: (details) => ({
      ...oauthError("temporarily_unavailable", "Too many requests", 429),
      headers: { "content-type": "application/json", ...retryAfterSeconds(details) },
    }),
  },
  "slow-down": instead(oauthError("slow_down", "The client polls too fast")),
  "invalid-grant": instead(oauthError("invalid_grant", "The session is over")),
  "invalid-client": instead(oauthError("invalid_client", "There is no such client", 401)),
};
