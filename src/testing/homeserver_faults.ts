/**
 * The faults of a loopback homeserver. A fault is an error that a test server simulates. The
 * homeserver has the faults that all servers have. It also has a fault for each Matrix error that
 * the program under test treats differently from other errors.
 */

import { type Answer, jsonAnswer, matrixError } from "./answer.ts";
import {
  COMMON_FAULTS,
  type CommonFaultName,
  type FaultDetails,
  type FaultPlan,
  instead,
  retryAfterSeconds,
  waitMs,
} from "./faults.ts";

/** The name of a fault (a simulated error) of {@linkcode LoopbackHomeserver}. */
export type HomeserverFaultName =
  | CommonFaultName
  | "500"
  | "503"
  | "429-retry-after-seconds"
  | "429-retry-after-date"
  | "429-retry-after-ms"
  | "429-bare"
  | "429-after-persisting"
  | "unknown-token"
  | "soft-logout"
  | "missing-token"
  | "user-locked"
  | "user-suspended"
  | "user-deactivated"
  | "consent-not-given"
  | "resource-limit-exceeded"
  | "forbidden"
  | "not-found"
  | "unsupported-room-version"
  | "bad-json"
  | "not-json"
  | "invalid-param"
  | "too-large"
  | "too-large-bad-json"
  | "unrecognized"
  | "no-event-id"
  | "endless-pages"
  | "hostile-ids";

/** An answer that is invalid for every endpoint. Its ids contain escape sequences for terminals. */
const HOSTILE_IDS = {
  room_id: "!a\x1b]0;owned\x07:loopback.test",
  user_id: "@bot\x1b[2J:loopback.test",
  device_id: "..",
  event_id: "$a\x1b[2J",
  access_token: "a\x1b[2J",
  next_batch: "s\x1b[2J",
  end: "s\x1b[2J",
  content_uri: "mxc://a\x1b[2J/b",
  chunk: [],
  joined_rooms: ["!a\x1b[2J:loopback.test", 5, "!b", "#c:loopback.test"],
};

export const HOMESERVER_FAULTS: Readonly<Record<HomeserverFaultName, FaultPlan>> = {
  ...COMMON_FAULTS,
  "500": instead(matrixError(500, "M_UNKNOWN", "Internal server error")),
  "503": instead(matrixError(503, "M_UNKNOWN", "Service unavailable")),
  "429-retry-after-seconds": { acts: false, outcome: rateLimitedWithSeconds },
  "429-retry-after-date": { acts: false, outcome: rateLimitedWithDate },
  "429-retry-after-ms": { acts: false, outcome: (details) => jsonAnswer(429, rateLimitBody(details)) },
  "429-bare": instead(matrixError(429, "M_LIMIT_EXCEEDED", "Too Many Requests")),
  "429-after-persisting": { acts: true, outcome: rateLimitedWithSeconds },
  "unknown-token": instead(matrixError(401, "M_UNKNOWN_TOKEN", "Invalid access token passed.", { soft_logout: false })),
  "soft-logout": instead(matrixError(401, "M_UNKNOWN_TOKEN", "Access token has expired", { soft_logout: true })),
  "missing-token": instead(matrixError(401, "M_MISSING_TOKEN", "Missing access token")),
  "user-locked": instead(matrixError(401, "M_USER_LOCKED", "User account has been locked", { soft_logout: true })),
  "user-suspended": instead(matrixError(403, "M_USER_SUSPENDED", "Sending messages while account is suspended")),
  "user-deactivated": instead(matrixError(403, "M_USER_DEACTIVATED", "This account has been deactivated")),
  "consent-not-given": instead(
    matrixError(403, "M_CONSENT_NOT_GIVEN", "Terms to accept", {
      consent_uri: "https://loopback.test/_matrix/consent",
    }),
  ),
  "resource-limit-exceeded": instead(
    matrixError(403, "M_RESOURCE_LIMIT_EXCEEDED", "Monthly active users exceeded", {
      admin_contact: "mailto:admin@loopback.test",
      limit_type: "monthly_active_user",
    }),
  ),
  "forbidden": instead(matrixError(403, "M_FORBIDDEN", "You don't have permission to post that to the room.")),
  "not-found": instead(matrixError(404, "M_NOT_FOUND", "Room does not exist")),
  "unsupported-room-version": instead(matrixError(400, "M_UNSUPPORTED_ROOM_VERSION", "missing room info for room")),
  "bad-json": instead(matrixError(400, "M_BAD_JSON", "Invalid JSON value")),
  "not-json": instead(matrixError(400, "M_NOT_JSON", "Content not JSON.")),
  "invalid-param": instead(matrixError(400, "M_INVALID_PARAM", "Invalid parameter")),
  "too-large": instead(matrixError(413, "M_TOO_LARGE", "event too large")),
  "too-large-bad-json": instead(matrixError(413, "M_BAD_JSON", "event is too long")),
  "unrecognized": instead(matrixError(404, "M_UNRECOGNIZED", "Unrecognized request")),
  "no-event-id": instead(jsonAnswer(200, {})),
  // Each page of `/messages` is empty, and names a next page.
  "endless-pages": {
    acts: false,
    outcome: () => jsonAnswer(200, { chunk: [], end: crypto.randomUUID() }),
  },
  "hostile-ids": instead(jsonAnswer(200, HOSTILE_IDS)),
};

function rateLimitBody(details: FaultDetails): object {
  return { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests", retry_after_ms: waitMs(details) };
}

function rateLimitedWithSeconds(details: FaultDetails): Answer {
  return jsonAnswer(429, rateLimitBody(details), retryAfterSeconds(details));
}

/**
 * Creates an answer with a date in `Retry-After`. The date is rounded up to a full second. A date
 * that is rounded down would let a client retry too early.
 */
function rateLimitedWithDate(details: FaultDetails, now: number): Answer {
  const date = new Date(Math.ceil((now + waitMs(details)) / 1000) * 1000);
  const body = { errcode: "M_LIMIT_EXCEEDED", error: "Too Many Requests" };
  return jsonAnswer(429, body, { "retry-after": date.toUTCString() });
}
