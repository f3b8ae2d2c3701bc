/**
 * Splits a mail into its parts (RFC 2045, RFC 2046), and decodes their transfer encodings. The
 * decoded bytes are the bytes that the sender encoded: line breaks and charsets are not converted.
 *
 * @module
 */

import { findHead, type Headers, MAX_HEAD_BYTES, parseHeaders, parseStructured, type Structured } from "./headers.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer.ts";

/** The head and the body of a mail or of a part. */
export interface FramedMail {
  readonly head: Uint8Array;
  readonly body: Uint8Array;
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
    return { headers, type, disposition, parts, body: content };
  };
  return parsePart(mail, 0);
}

function isMultipart({ value }: Structured): boolean {
  return value.startsWith("multipart/");
}

function decodeTransfer(body: Uint8Array, encoding = ""): Uint8Array {
  const name = encoding.replace(/\([^()]*\)|["\s]/g, "").toLowerCase();
  if (name === "quoted-printable") return decodeQuotedPrintable(body);
  return name === "base64" && isBase64(body) ? decodeBase64(body) : body;
}

/**
 * Returns a text with one character for each byte. So a position in the text is also a position in
 * the bytes. The text of a large file takes twice its size, so large bodies are read in pieces.
 */
function toText(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/**
 * Returns true if the first line can be base64. Some scripts declare base64, but write plain text.
 */
function isBase64(body: Uint8Array): boolean {
  return /^[A-Za-z0-9+/]*={0,2}[ \t]*(?:\r*\n|$)/.test(toText(body.subarray(0, 1000)).trimStart());
}

/**
 * Splits the body of a part into the parts inside it. Returns an empty list if the type of the body
 * does not allow parts, or if `maxParts` is 0.
 */
function splitParts(type: Structured, body: Uint8Array, maxParts: number): FramedMail[] {
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
function splitAtDelimiters(body: Uint8Array, boundary: string, maxParts: number): FramedMail[] {
  const found: FramedMail[] = [];
  const addText = (start: number, end: number) => {
    const text = body.subarray(start, end);
    if (!text.every(isBlank)) found.push({ head: new Uint8Array(), body: text });
  };
  const isNotice = (start: number, end: number) =>
    /\bMIME\b|multi-?part/i.test(toText(body.subarray(start, Math.min(end, start + MAX_NOTICE_CHARS))));
  let start: number | undefined;
  let end = 0;
  for (const delimiter of findDelimiters(body, `--${boundary}`)) {
    if (start !== undefined) found.push(splitHead(body.subarray(start, beforeBreak(body, delimiter.start))));
    else if (!isNotice(end, delimiter.start)) addText(end, delimiter.start);
    end = delimiter.end;
    start = delimiter.isLast ? undefined : end;
    if (found.length >= maxParts - 1) break;
  }
  if (start !== undefined) found.push(splitHead(body.subarray(start)));
  else if (end > 0) addText(end, body.length);
  return end > 0 ? found : [];
}

/** A line that separates parts. */
interface Delimiter {
  readonly start: number;
  readonly end: number;
  /** True if no part follows. */
  readonly isLast: boolean;
}

/** How much of a body is converted to a text at once, in bytes. */
const PIECE_BYTES = 256 * 1024;

function* findDelimiters(body: Uint8Array, mark: string): Iterable<Delimiter> {
  for (let from = 0; from < body.length; from += PIECE_BYTES) {
    const text = toText(body.subarray(from, from + PIECE_BYTES + mark.length - 1));
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) {
      const delimiter = readDelimiter(body, from + at, mark.length);
      if (delimiter !== undefined) yield delimiter;
    }
  }
}

const [TAB, LF, CR, SPACE, DASH] = [0x09, 0x0a, 0x0d, 0x20, 0x2d];

/** Reads the line that begins with a mark. Returns undefined if this line is no delimiter. */
function readDelimiter(body: Uint8Array, start: number, markLength: number): Delimiter | undefined {
  if (start > 0 && body[start - 1] !== LF) return undefined;
  let end = start + markLength;
  const isLast = body[end] === DASH && body[end + 1] === DASH;
  if (isLast) end += 2;
  while (body[end] === SPACE || body[end] === TAB) end++;
  while (body[end] === CR) end++;
  if (end < body.length && body[end] !== LF) return undefined;
  return { start, end: Math.min(end + 1, body.length), isLast };
}

/** Returns true for white space, including the no-break space of Latin-1. */
function isBlank(byte: number): boolean {
  return byte >= TAB && byte <= CR || byte === SPACE || byte === 0xa0;
}

/**
 * Many mails with several parts begin with a notice for programs without MIME, such as
 * `This is a multi-part message in MIME format`. The search for this notice reads only this number
 * of characters at the start of a text.
 */
const MAX_NOTICE_CHARS = 2000;

/** Returns the end of a part: the position before the line break that precedes a delimiter. */
function beforeBreak(body: Uint8Array, at: number): number {
  if (body[at - 1] !== LF) return at;
  return body[at - 2] === CR ? at - 2 : at - 1;
}

function splitHead(content: Uint8Array): FramedMail {
  // With one byte more, `findHead` notices a head that is too long.
  const { headEnd, bodyStart } = findHead(toText(content.subarray(0, MAX_HEAD_BYTES + 1)));
  return { head: content.subarray(0, headEnd), body: content.subarray(bodyStart) };
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
  const text = toText(bytes);
  const end = options.dotEnds ? DOT_REGEXP.exec(text)?.index ?? text.length : text.length;
  const [mark = "", fromLine] = START_REGEXP.exec(text) ?? [];
  const start = fromLine === undefined ? mark.length : text.indexOf("\n") + 1;
  const { headEnd, bodyStart, names } = findHead(text, start, end);
  if (KNOWN_HEADERS.isDisjointFrom(names)) return { head: new Uint8Array(), body: bytes.subarray(start, end) };
  return { head: bytes.subarray(start, headEnd), body: bytes.subarray(bodyStart, end) };
}
