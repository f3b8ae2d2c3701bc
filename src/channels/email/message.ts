/** Composes a mail from a notification. */

import { firstChars } from "../../base/printable.ts";
import { isBatch } from "../../notification/batch.ts";
import type { Notification } from "../../notification/notification.ts";
import { Layout, type RenderOptions } from "../../notification/render.ts";
import { byteLength, fitsInBytes } from "../../notification/cut.ts";
import { formatTitle } from "../../notification/title.ts";
import { layOutToFit, type RenderedMessage } from "../message.ts";

/**
 * The largest size of text and HTML together, in UTF-8 bytes, with CR LF at the end of each line.
 * Every server accepts mails of 64 KiB (RFC 5321, section 4.5.3.1.7). The encoding makes a mail up
 * to a third larger and adds line breaks. The headers need up to 6 KiB.
 */
const MAX_MAIL_BYTES = 42 * 1024;

/**
 * The longest subject, in UTF-16 code units. A line of a header has at most 998 characters (RFC
 * 5322, section 2.1.1), and the library does not split a long word. A longer subject is cut, but
 * the text of the mail begins with the complete subject.
 */
const MAX_SUBJECT_CHARS = 500;

/** The parts of a mail. */
export interface MailContent {
  readonly from: string;
  readonly to: string;
  readonly subject: string;
  readonly date: Date;
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly html?: string;
  readonly textEncoding: "quoted-printable" | "base64";
  readonly attachments: readonly MailFile[];
}

/** An attachment of a mail. */
export interface MailFile {
  readonly filename: string;
  readonly contentType: string;
  readonly content: Uint8Array;
}

/** Options for composing a mail. */
export interface MailOptions extends RenderOptions {
  readonly from: string;
  readonly to: string;
  readonly messageId: string;
  /** The attachments. @default no attachments */
  readonly attachments?: readonly MailFile[];
}

/**
 * Returns true if a notification fits into a mail without being cut. For a single notification,
 * only the text must fit. For a batch (several notifications in one message), text and HTML must
 * fit.
 */
export function mailHasRoomFor(
  notification: Notification,
  { text, html }: RenderedMessage,
  options: RenderOptions,
): boolean {
  const layout = new Layout(notification, options);
  const shown = isBatch(notification) ? withStyles(layout.html(html)) : "";
  return fitsInMail(layout.plain(text) + shown);
}

function fitsInMail(text: string): boolean {
  return fitsInBytes(text.replaceAll("\n", "\r\n"), MAX_MAIL_BYTES);
}

/**
 * Composes a mail. If the text and the HTML together are too long, the HTML is left out. If the
 * text alone is too long, it is cut.
 */
export function composeMail(notification: Notification, message: RenderedMessage, options: MailOptions): MailContent {
  const { from, to, messageId, attachments = [] } = options;
  const layout = new Layout(notification, options);
  const html = withStyles(layout.html(message.html));
  const fits = fitsInMail(layout.plain(message.text) + html);
  const text = layOutToFit(notification, message.text, {
    layout: (cut) => layout.plain(cut),
    fits: fitsInMail,
    maxUnits: MAX_MAIL_BYTES,
  });
  return {
    ...{ from, to, messageId, text, attachments },
    subject: headerOf(formatTitle(notification, options)),
    date: new Date(notification.time),
    // This header prevents automatic replies (RFC 3834).
    headers: { "Auto-Submitted": "auto-generated", ...importanceOf(notification) },
    ...(fits ? { html: `<!DOCTYPE html><html><body>${html}</body></html>` } : {}),
    textEncoding: encodingOf(fits ? text + html : text),
  };
}

/**
 * Converts Matrix's attributes for colours to CSS. Expects the HTML that the code in `markup/`
 * creates.
 */
function withStyles(html: string): string {
  return html.replace(
    /<span(?: data-mx-bg-color="(#\w+)")?(?: data-mx-color="(#\w+)")?/g,
    (_, back, front) => {
      const style = [...back ? [`background-color:${back}`] : [], ...front ? [`color:${front}`] : []].join(";");
      return style === "" ? "<span" : `<span style="${style}"`;
    },
  );
}

/**
 * Returns the subject as one line. Line breaks, for example in the name of the host, become spaces.
 */
function headerOf(subject: string): string {
  const line = subject.replace(/[\p{Cc}\u2028\u2029]+/gu, " ");
  return line.length <= MAX_SUBJECT_CHARS ? line : `${firstChars(line, MAX_SUBJECT_CHARS - 1)}…`;
}

/**
 * Returns the headers for the importance. `Importance` is the standard header (RFC 2156), but mail
 * clients use `X-Priority`.
 */
function importanceOf({ silent, severity }: Notification): Record<string, string> {
  if (silent) return { "Importance": "low", "X-Priority": "5 (Lowest)" };
  const isHigh = severity === "critical" || severity === "error";
  return isHigh ? { "Importance": "high", "X-Priority": severity === "critical" ? "1 (Highest)" : "2 (High)" } : {};
}

/**
 * Chooses the shorter encoding: quoted-printable or Base64. Quoted-printable needs three bytes for
 * each `=`, for each byte that is not ASCII, and for each space before a line break.
 */
function encodingOf(text: string): MailContent["textEncoding"] {
  const bytes = byteLength(text);
  const plain = text.replace(/[^\x20-\x3c\x3e-\x7e\n]| (?=\n)/gu, "").length;
  const breaks = text.split("\n").length - 1;
  return plain + breaks + 3 * (bytes - plain) > bytes * 4 / 3 ? "base64" : "quoted-printable";
}
