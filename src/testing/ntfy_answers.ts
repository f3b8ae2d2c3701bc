/** What an ntfy server answers: its error numbers and its messages. */

import { type Answer, jsonAnswer } from "./answer.ts";

/** A message as an ntfy server gives it out. */
export interface NtfyMessage {
  /** The id that the server gave to the message: 12 letters and digits. */
  readonly id: string;
  /** When the server took it, in seconds since 1970. */
  readonly time: number;
  /** When the server will drop it, in seconds since 1970. */
  readonly expires: number;
  /** The kind of the line in a stream; a message is always `"message"`. */
  readonly event: "message";
  /** The topic. */
  readonly topic: string;
  /** The text. A message that was sent without has `triggered`. */
  readonly message: string;
  /** Of those that have the same one, clients show the newest; absent when there is none. */
  readonly sequence_id?: string;
  /** The title; absent when there is none. */
  readonly title?: string;
  /** From 1 (min) to 5 (max); absent for the default, which is 3. */
  readonly priority?: number;
  /** The tags; absent when there are none. */
  readonly tags?: readonly string[];
  /** The address that a tap opens; absent when there is none. */
  readonly click?: string;
  /** The address of the icon; absent when there is none. */
  readonly icon?: string;
  /** `text/markdown` for a message in Markdown, else absent. */
  readonly content_type?: string;
  /** The file that came with it; absent when there is none. */
  readonly attachment?: NtfyAttachment;
}

/** A file that an ntfy server keeps for a while. */
export interface NtfyAttachment {
  /** How it was called. */
  readonly name: string;
  /** The media type that it was sent with. */
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  /** When the server will drop it, in seconds since 1970. */
  readonly expires: number;
  /** Where it is to be had. */
  readonly url: string;
}

/** The errors, by ntfy's own five-digit code: the first three digits are the HTTP status. */
const ERRORS = {
  40007: ["invalid priority parameter", "https://ntfy.sh/docs/publish/#message-priority"],
  40008: ["invalid since parameter", "https://ntfy.sh/docs/subscribe/api/#fetch-cached-messages"],
  40009: ["invalid request: topic invalid", ""],
  40010: ["invalid request: topic name is not allowed", ""],
  40011: ["invalid message: message must be UTF-8 encoded", ""],
  40014: ["invalid request: attachments not allowed", "https://ntfy.sh/docs/config/#attachments"],
  40024: ["invalid request: request body must be valid JSON", ""],
  40049: ["invalid request: sequence ID invalid", "https://ntfy.sh/docs/publish/#updating-deleting-notifications"],
  40101: ["unauthorized", "https://ntfy.sh/docs/publish/#authentication"],
  40301: ["forbidden", "https://ntfy.sh/docs/publish/#authentication"],
  40401: ["page not found", ""],
  41301: ["attachment too large, or bandwidth limit reached", "https://ntfy.sh/docs/publish/#limitations"],
  41303: ["JSON body too large", ""],
  42901: ["limit reached: too many requests", "https://ntfy.sh/docs/publish/#limitations"],
  42905: ["limit reached: daily bandwidth reached", "https://ntfy.sh/docs/publish/#limitations"],
  42908: ["limit reached: daily message quota reached", "https://ntfy.sh/docs/publish/#limitations"],
  50001: ["internal server error", ""],
} as const;

/** An error in ntfy's form: `{code, http, error, link}`. */
export function ntfyError(code: keyof typeof ERRORS, headers: Readonly<Record<string, string>> = {}): Answer {
  const [error, link] = ERRORS[code];
  const http = Math.floor(code / 100);
  return jsonAnswer(http, { code, http, error, ...link !== "" && { link } }, headers);
}
