/**
 * Reads a mail from a program that calls sendmail. Such a mail often lacks parts that RFC 5322
 * requires, but its whole text is sent. Text that cannot belong to the head (the lines with the
 * headers) is treated as part of the body. If a mail cannot be parsed, its source is sent.
 *
 * @module
 */

import { loadLate } from "../../base/late_modules.ts";
import type { Mail, ParseMail } from "./mail.ts";

/** Options for reading a mail. */
export interface ReadMailOptions {
  /** True if a line that consists of a single dot ends the mail. */
  readonly dotEnds: boolean;
  /** A function that gets a warning if the mail could not be parsed. */
  readonly warn: (text: string) => void;
  /** A function that loads the MIME parser. @default loads the parser in `mime.ts` */
  readonly load?: () => Promise<ParseMail>;
}

/**
 * Reads a mail. The function never fails: if the mail cannot be parsed, its source is returned as
 * the text.
 */
export async function readMail(bytes: Uint8Array, options: ReadMailOptions): Promise<Mail> {
  const framed = frameMail(bytes, options);
  let parse;
  try {
    parse = await (options.load ?? loadMime)();
  } catch {
    options.warn("Cannot parse the mail: the MIME library could not be loaded; the mail is sent unparsed");
    return toUnparsedMail(framed);
  }
  try {
    const mail = await parse(joinMail(framed));
    return isEmpty(mail) ? { ...mail, text: decode(framed.body) } : mail;
  } catch {
    options.warn("Cannot parse the mail: its MIME structure is invalid; the mail is sent unparsed");
    return toUnparsedMail(framed);
  }
}

async function loadMime(): Promise<ParseMail> {
  return (await loadLate<typeof import("./mime.ts")>("ingest/mail/mime.ts")).parseMime;
}

/**
 * Returns true if a parsed mail has neither text nor attachments. In a damaged multipart mail, the
 * parser sometimes finds no part, although the body contains text.
 */
function isEmpty({ text = "", html = "", attachments }: Mail): boolean {
  return text.trim() === "" && html.trim() === "" && attachments.length === 0;
}

function toUnparsedMail({ head, body }: FramedMail): Mail {
  const [, subject] = /^Subject[ \t]*:([^\n]*(?:\n[ \t]+[^\n]+)*)/im.exec(decode(head)) ?? [];
  return { subject, urgency: "normal", text: decode(body), attachments: [] };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The head and the body of a mail. */
export interface FramedMail {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
}

/**
 * The known headers. A head must have at least one known header. Without a known header, the first
 * lines are treated as text. For example, `Error: no space left` is text, although it looks like a
 * header.
 */
const KNOWN_HEADERS: ReadonlySet<string> = new Set([
  ...["subject", "from", "to", "cc", "bcc", "date", "sender", "reply-to", "message-id", "received", "return-path"],
  ...["mime-version", "content-type", "content-transfer-encoding", "auto-submitted", "importance", "x-priority"],
]);

/**
 * Matches the name of a header: visible ASCII except the colon (RFC 5322, section 2.2). Blanks
 * before the colon are allowed, because sendmail also allows them.
 */
const HEADER_REGEXP = /^([!-9;-~]+)[ \t]*:/;

/** Matches a line with a single dot. */
const DOT_REGEXP = /(?<=^|\n)\.\r?(?:\n|$)/;

/** Matches the first line of a mail in a mailbox file. */
const MBOX_REGEXP = /^>?From [^\n]*\n/;

/**
 * Finds the head and the body of a mail.
 *
 * @param bytes the mail
 * @param options.dotEnds true if a line that consists of a single dot ends the mail, as in a mail
 * that is typed on a terminal
 */
export function frameMail(bytes: Uint8Array, options: { readonly dotEnds: boolean }): FramedMail {
  // In latin1, each byte is one character, so a position in the text is also the position in the
  // bytes.
  const text = new TextDecoder("latin1").decode(bytes);
  const end = options.dotEnds ? DOT_REGEXP.exec(text)?.index ?? text.length : text.length;
  const start = MBOX_REGEXP.exec(text)?.[0].length ?? 0;
  const { headEnd, bodyStart } = scanHead(text, start, end);
  return { head: bytes.subarray(start, headEnd), body: bytes.subarray(bodyStart, end) };
}

/** Joins the head and the body with an empty line between them. A parser needs this empty line. */
export function joinMail({ head, body }: FramedMail): Uint8Array {
  const mail = new Uint8Array(head.length + 1 + body.length);
  mail.set(head);
  mail[head.length] = 0x0a;
  mail.set(body, head.length + 1);
  return mail;
}

function scanHead(text: string, start: number, end: number): { headEnd: number; bodyStart: number } {
  const names: string[] = [];
  let at = start;
  const lineEnd = () => Math.min(end, (text.indexOf("\n", at) + 1) || end);
  for (; at < end; at = lineEnd()) {
    const line = text.slice(at, lineEnd());
    const name = HEADER_REGEXP.exec(line)?.[1];
    if (name !== undefined) names.push(name.toLowerCase());
    else if (names.length === 0 || !/^[ \t]+\S/.test(line)) break;
  }
  if (!names.some((name) => KNOWN_HEADERS.has(name))) return { headEnd: start, bodyStart: start };
  const isSeparator = /^\s*$/.test(text.slice(at, lineEnd()));
  return { headEnd: at, bodyStart: isSeparator ? lineEnd() : at };
}
