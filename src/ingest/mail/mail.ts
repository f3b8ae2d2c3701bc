/** A parsed mail. This file has no dependencies. */

/** The size limit for mails that come in. Larger ones are rejected. */
export const MAX_INCOMING_MAIL_BYTES: number = 10 * 1024 * 1024;

/**
 * A parsed mail. Its texts are not trusted: they may contain line breaks and control characters
 * anywhere.
 */
export interface Mail {
  /** Decoded; undefined if the mail has none. */
  readonly subject?: string;
  /** The writer's name, or the address if there is no name. */
  readonly from?: string;
  readonly urgency: Urgency;
  /** The plain text. */
  readonly text?: string;
  /** The HTML. */
  readonly html?: string;
  readonly attachments: readonly MailAttachment[];
}

/** How urgent a mail is, by its headers. */
export type Urgency = "low" | "normal" | "high" | "highest";

/** An attachment of a mail. */
export interface MailAttachment {
  readonly name?: string;
  /** Its media type, in lower case. */
  readonly type: string;
  readonly content: Uint8Array;
}

/** Parses a mail whose head and body are separated by an empty line. */
export type ParseMail = (mail: Uint8Array) => Promise<Mail>;

/**
 * Parses `X-Priority` (1 to 5), `Importance` and `Priority` (RFC 2156, sections 5.3.6 and 5.3.9).
 * The most urgent of them counts, because mail programs write several.
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
