/**
 * Splits a mail into its parts (RFC 2045, RFC 2046), and decodes their transfer encodings. The
 * decoded bytes are the bytes that the sender encoded: line breaks and charsets are not converted.
 *
 * @module
 */

import { findHead, type Headers, parseHeaders, parseStructured, type Structured } from "./headers.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer.ts";

/** Bytes, and the same bytes as a text. */
interface Content {
  readonly bytes: Uint8Array;
  /**
   * The text, which has one character for each byte. So a position in the text is also a position
   * in the bytes.
   */
  readonly text: string;
}

/** The head and the body of a mail or of a part. */
export interface FramedMail {
  readonly head: Uint8Array;
  readonly body: Content;
}

/** A mail, or a part of a mail. */
export interface Part {
  readonly headers: Headers;
  /**
   * The media type with its parameters. The value is `text/plain` if the header is missing or
   * invalid, or if a multipart body does not contain parts.
   */
  readonly type: Structured;
  readonly disposition: Structured;
  /** The parts inside this part. A part with the type `message/rfc822` contains one mail. */
  readonly parts: readonly Part[];
  /** The decoded body. */
  readonly body: Uint8Array;
}

/** The maximum depth of nested parts. Deeper parts are not split, but shown as text. */
const MAX_DEPTH = 20;

/** The maximum number of parts of a mail. The rest of the mail is treated as one part. */
const MAX_PARTS = 1000;

/** Parses a mail. This function accepts every input. */
export function parseMail(mail: FramedMail): Part {
  let left = MAX_PARTS;
  const parsePart = ({ head, body }: FramedMail, depth: number): Part => {
    const headers = parseHeaders(head);
    const declared = parseStructured(headers.get("content-type"));
    const disposition = parseStructured(headers.get("content-disposition"));
    const content = decodeTransfer(body, headers.get("content-transfer-encoding"));
    const inner = depth < MAX_DEPTH ? splitParts(declared, content, left) : [];
    left -= inner.length;
    const parts = inner.map((part) => parsePart(part, depth + 1));
    const isText = !/^[^\s/]+\/[^\s/]+$/.test(declared.value) || parts.length === 0 && isMultipart(declared);
    const type = isText ? { ...declared, value: "text/plain" } : declared;
    return { headers, type, disposition, parts, body: content.bytes };
  };
  return parsePart(mail, 0);
}

function isMultipart({ value }: Structured): boolean {
  return value.startsWith("multipart/");
}

function decodeTransfer(body: Content, encoding = ""): Content {
  const name = encoding.replace(/\([^()]*\)|["\s]/g, "").toLowerCase();
  if (name === "quoted-printable") return toContent(decodeQuotedPrintable(body.bytes));
  return name === "base64" && isBase64(body) ? toContent(decodeBase64(body.bytes)) : body;
}

function toContent(bytes: Uint8Array): Content {
  return { bytes, text: new TextDecoder("latin1").decode(bytes) };
}

function slice({ bytes, text }: Content, start: number, end: number): Content {
  return { bytes: bytes.subarray(start, end), text: text.slice(start, end) };
}

/**
 * Returns true if the first line can be base64. Some scripts declare base64, but write plain text.
 */
function isBase64({ text }: Content): boolean {
  return /^[A-Za-z0-9+/]*={0,2}[ \t]*(?:\r*\n|$)/.test(text.slice(0, 1000).trimStart());
}

/**
 * Splits the body of a part into the parts inside it. Returns an empty list if the type of the body
 * does not allow parts, or if `maxParts` is 0.
 */
function splitParts(type: Structured, body: Content, maxParts: number): FramedMail[] {
  if (maxParts <= 0) return [];
  if (type.value === "message/rfc822") return [splitHead(body)];
  const boundary = type.parameters.get("boundary");
  return isMultipart(type) && boundary ? splitAtDelimiters(body, boundary, maxParts) : [];
}

/**
 * Finds the parts of a multipart body. A delimiter is a line that separates parts. Text before the
 * first delimiter or after the last one counts as a part without headers, because scripts write
 * text there by mistake. The usual notice for programs without MIME is skipped.
 */
function splitAtDelimiters(body: Content, boundary: string, maxParts: number): FramedMail[] {
  const { text } = body;
  const found: FramedMail[] = [];
  const addText = (start: number, end: number) => {
    const part = slice(body, start, end);
    if (part.text.trim() !== "") found.push({ head: new Uint8Array(), body: part });
  };
  const isNotice = (start: number, end: number) =>
    /\bMIME\b|multi-?part/i.test(text.slice(start, Math.min(end, start + MAX_NOTICE_CHARS)));
  const quoted = boundary.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  let start: number | undefined;
  let end = 0;
  for (const match of text.matchAll(new RegExp(`(?<=^|\n)--${quoted}(--)?[ \t]*\r*(?:\n|$)`, "g"))) {
    if (start !== undefined) found.push(splitHead(slice(body, start, beforeBreak(text, match.index))));
    else if (!isNotice(end, match.index)) addText(end, match.index);
    end = match.index + match[0].length;
    start = match[1] === undefined ? end : undefined;
    if (found.length >= maxParts - 1) break;
  }
  if (start !== undefined) found.push(splitHead(slice(body, start, text.length)));
  else if (end > 0) addText(end, text.length);
  return end > 0 ? found : [];
}

/**
 * Many mails with several parts begin with a notice for programs without MIME, such as
 * `This is a multi-part message in MIME format`. The search for this notice reads only this number
 * of characters at the start of a text.
 */
const MAX_NOTICE_CHARS = 2000;

/** Returns the end of a part: the position before the line break that precedes a delimiter. */
function beforeBreak(text: string, at: number): number {
  return text.endsWith("\r\n", at) ? at - 2 : text.endsWith("\n", at) ? at - 1 : at;
}

function splitHead(content: Content): FramedMail {
  const { headEnd, bodyStart } = findHead(content.text);
  return { head: content.bytes.subarray(0, headEnd), body: slice(content, bodyStart, content.text.length) };
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

/** Matches a line with a single dot. */
const DOT_REGEXP = /(?<=^|\n)\.\r?(?:\n|$)/;

/** Matches a byte order mark, and the beginning of the first line of a mail in a mailbox file. */
const START_REGEXP = /^(?:\xef\xbb\xbf)?(>?From )?/;

/**
 * Finds the head and the body of a mail.
 *
 * @param options.dotEnds true if a line that consists of a single dot ends the mail, as in a mail
 * typed on a terminal
 */
export function frameMail(bytes: Uint8Array, options: { readonly dotEnds: boolean }): FramedMail {
  const all = toContent(bytes);
  const { text } = all;
  const end = options.dotEnds ? DOT_REGEXP.exec(text)?.index ?? text.length : text.length;
  const [mark = "", fromLine] = START_REGEXP.exec(text) ?? [];
  const start = fromLine === undefined ? mark.length : text.indexOf("\n") + 1;
  const { headEnd, bodyStart, names } = findHead(text, start, end);
  if (KNOWN_HEADERS.isDisjointFrom(names)) return { head: new Uint8Array(), body: slice(all, start, end) };
  return { head: bytes.subarray(start, headEnd), body: slice(all, bodyStart, end) };
}
