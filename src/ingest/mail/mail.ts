/** A mail, read: what its parts are to the rest. This file has no dependencies. */

/** A mail is larger than nobody reads; what comes with more is refused. */
export const MAX_MAIL_BYTES: number = 10 * 1024 * 1024;

/** A mail. Nothing in it is trusted: its texts may hold line breaks and control characters wherever they like. */
export interface Mail {
  /** Decoded; undefined when there is none. */
  readonly subject?: string;
  /** Who wrote it, by name if it has one, else by address. */
  readonly from?: string;
  /** How urgent its headers say it is. */
  readonly urgency: Urgency;
  /** The plain text. */
  readonly text?: string;
  /** The HTML. */
  readonly html?: string;
  readonly attachments: readonly MailAttachment[];
}

/** How much a mail matters to its sender, from least to most. */
export type Urgency = "low" | "normal" | "high" | "highest";

/** What is attached to a mail. */
export interface MailAttachment {
  readonly name?: string;
  /** Its media type, in lower case. */
  readonly type: string;
  readonly content: Uint8Array;
}

/** Reads a mail whose head and body are told apart. */
export type ParseMail = (mail: Uint8Array) => Promise<Mail>;
