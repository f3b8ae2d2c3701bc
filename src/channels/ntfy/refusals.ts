/**
 * The error codes of an ntfy server, with their failure classes and hints (ntfy,
 * `server/errors.go`). A code has five digits. The first three digits are the HTTP status.
 */

import type { ResponseClass } from "../../base/errors.ts";
import type { Service } from "../../runtime/http.ts";

/** The failure class and the hint of an error code. */
interface Meaning {
  readonly failureClass?: ResponseClass;
  readonly hint?: string;
}

const PROTECTED_HINT =
  "allow this user to write to the topic (on the server: ntfy access), or use another topic, because this topic may be reserved";

const MEANINGS: Readonly<Record<string, Meaning>> = {
  40009: { failureClass: "destination", hint: "use 1 to 64 letters, digits, hyphens or underscores as the topic" },
  40010: { failureClass: "destination", hint: "ntfy uses this name itself: choose another topic" },
  40014: { hint: "the server does not accept files: set attachment-cache-dir and base-url on the server" },
  40101: { failureClass: "credentials", hint: "create a new token (ntfy token add), or fix user and password" },
  // This error is about one topic. The user may still write to other topics, so messages to those
  // topics do not wait.
  40301: { failureClass: "destination", hint: PROTECTED_HINT },
  41303: { hint: "set maxBytes to one byte less than the message-size-limit of the server" },
  42901: { hint: "the limit of requests per visitor is reached (visitor-request-limit-burst on the server)" },
  42904: { hint: "the limit of topics is reached (global-topic-limit on the server)" },
  // The limit ends on the next day. The file is rejected, so that later messages do not wait for
  // it.
  42905: { failureClass: "rejected", hint: "the daily limit for files is reached: retry tomorrow" },
  42908: { hint: "the daily limit of messages is reached (visitor-message-daily-limit on the server)" },
  42909: { hint: "there were too many failed logins: fix the token or the password" },
};

/**
 * The error code for a text that is too long. A server that does not accept files answers every
 * file with this code.
 */
export const MESSAGE_TOO_LONG_CODE = "40014";

/** The error code for a JSON request that is too long. */
export const REQUEST_TOO_LONG_CODE = "41303";

/** The error code for a file that is too large, or for which the server has no space left. */
export const FILE_TOO_LARGE_CODE = "41301";

/** How to read the answers of an ntfy server. */
export const NTFY: Service = {
  name: "ntfy",
  isSuccess: ({ status, json }) =>
    status === 200 && typeof json.id === "string" && /^[\w-]{1,64}$/.test(json.id) && json.event === "message",
  readRefusal({ json: { code, error } }) {
    if (typeof code !== "number" || typeof error !== "string") return undefined;
    return { said: `${error} (${code})`, errcode: String(code), ...meaningOf(code) };
  },
};

/** Returns the failure class and the hint of an error code. */
export function meaningOf(code: unknown): Meaning {
  const key = String(code);
  return Object.hasOwn(MEANINGS, key) ? MEANINGS[key] : {};
}
