/** The types of a parsed mail. This file does not have dependencies. */

/** The maximum size of an incoming mail, in bytes. Larger mails are rejected. */
export const MAX_INCOMING_MAIL_BYTES: number = 10 * 1024 * 1024;

/**
 * A parsed mail. The texts are untrusted, so they may contain line breaks and control characters.
 */
export interface Mail {
  /** The decoded subject; undefined if the mail does not have a subject. */
  readonly subject?: string;
  /** The name of the sender, or the address if the name is missing. */
  readonly from?: string;
  readonly urgency: Urgency;
  /** The plain text of the mail. */
  readonly text?: string;
  /** The HTML text of the mail. */
  readonly html?: string;
  readonly attachments: readonly MailAttachment[];
}

/** The urgency of a mail, from its headers. */
export type Urgency = "low" | "normal" | "high" | "highest";

/** An attachment of a mail. */
export interface MailAttachment {
  readonly name?: string;
  /** The media type, in lower case. */
  readonly type: string;
  /** The charset that the mail declares. */
  readonly charset?: string;
  /** The bytes of the file. Line breaks and charset are not converted. */
  readonly content: Uint8Array;
}

/**
 * Parses `X-Priority` (1 to 5), `Importance` and `Priority` (RFC 2156, sections 5.3.6 and 5.3.9).
 * Uses the most urgent value, because mail programs write several of these headers.
 *
 * @param header returns the value of a header by its name in lower case
 */
export function parseUrgency(header: (name: string) => string | undefined): Urgency {
  const word = (name: string) => header(name)?.trim().toLowerCase().split(/[\s(;]/)[0] ?? "";
  const level = word("x-priority"), importance = word("importance"), priority = word("priority");
  if (level === "1") return "highest";
  if (level === "2" || importance === "high" || priority === "urgent") return "high";
  if (level === "4" || level === "5" || importance === "low" || priority === "non-urgent") return "low";
  return "normal";
}
