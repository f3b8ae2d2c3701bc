/**
 * Splits a mail into its parts (RFC 2045, RFC 2046), and decodes their transfer encodings. The
 * decoded bytes are the bytes that the sender encoded: line breaks and charsets are not converted.
 *
 * @module
 */

import { findHead, type Headers, parseHeaders, parseStructured, type Structured } from "./headers.ts";
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

/** The maximum number of parts inside one part. The rest of the body is treated as one part. */
const MAX_PARTS = 1000;

/** Parses a mail or a part. This function accepts every input. */
export function parsePart({ head, body }: FramedMail, depth = 0): Part {
  const headers = parseHeaders(head);
  const declared = parseStructured(headers.get("content-type"));
  const disposition = parseStructured(headers.get("content-disposition"));
  const content = decodeTransfer(body, headers.get("content-transfer-encoding"));
  const parts = depth < MAX_DEPTH ? splitParts(declared, content).map((inner) => parsePart(inner, depth + 1)) : [];
  const isText = !/^[^\s/]+\/[^\s/]+$/.test(declared.value) || parts.length === 0 && isMultipart(declared);
  const type = isText ? { ...declared, value: "text/plain" } : declared;
  return { headers, type, disposition, parts, body: content };
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
 * Returns true if the first line can be base64. Some scripts declare base64, but write plain text.
 */
function isBase64(body: Uint8Array): boolean {
  const start = new TextDecoder("latin1").decode(body.subarray(0, 1000)).trimStart();
  return /^[A-Za-z0-9+/]*={0,2}[ \t]*(?:\r*\n|$)/.test(start);
}

/**
 * Splits the body of a part into the parts inside it. Returns an empty list if the type of the body
 * does not allow parts.
 */
function splitParts(type: Structured, body: Uint8Array): FramedMail[] {
  if (type.value === "message/rfc822") return [splitHead(body)];
  const boundary = type.parameters.get("boundary");
  return isMultipart(type) && boundary ? splitAtDelimiters(body, boundary) : [];
}

/**
 * Finds the parts of a multipart body. A delimiter is a line that separates parts. Text before the
 * first delimiter or after the last one counts as a part without headers, because scripts write
 * text there by mistake. The usual notice for programs without MIME is skipped.
 */
function splitAtDelimiters(body: Uint8Array, boundary: string): FramedMail[] {
  // In latin1, each byte is one character, so a position in the text is also the position in the
  // bytes.
  const text = new TextDecoder("latin1").decode(body);
  const found: FramedMail[] = [];
  const addText = (start: number, end: number) => {
    if (/\S/.test(text.slice(start, end))) found.push({ head: new Uint8Array(), body: body.subarray(start, end) });
  };
  const quoted = boundary.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  let start: number | undefined;
  let end = 0;
  for (const match of text.matchAll(new RegExp(`(?<=^|\n)--${quoted}(--)?[ \t]*\r*(?:\n|$)`, "g"))) {
    if (start !== undefined) found.push(splitHead(body.subarray(start, beforeBreak(text, match.index))));
    else if (!/\bMIME\b|multi-?part/i.test(text.slice(end, match.index))) addText(end, match.index);
    end = match.index + match[0].length;
    start = match[1] === undefined ? end : undefined;
    if (found.length >= MAX_PARTS) break;
  }
  if (start !== undefined) found.push(splitHead(body.subarray(start)));
  else if (end > 0) addText(end, text.length);
  return end > 0 ? found : [];
}

/** Returns the end of a part: the position before the line break that precedes a delimiter. */
function beforeBreak(text: string, at: number): number {
  return text.endsWith("\r\n", at) ? at - 2 : text.endsWith("\n", at) ? at - 1 : at;
}

function splitHead(bytes: Uint8Array): FramedMail {
  const { headEnd, bodyStart } = findHead(new TextDecoder("latin1").decode(bytes));
  return { head: bytes.subarray(0, headEnd), body: bytes.subarray(bodyStart) };
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

/** Matches a byte order mark, and the first line of a mail in a mailbox file. */
const START_REGEXP = /^(?:\xef\xbb\xbf)?(?:>?From [^\n]*\n)?/;

/**
 * Finds the head and the body of a mail.
 *
 * @param options.dotEnds true if a line that consists of a single dot ends the mail, as in a mail
 * typed on a terminal
 */
export function frameMail(bytes: Uint8Array, options: { readonly dotEnds: boolean }): FramedMail {
  // In latin1, each byte is one character, so a position in the text is also the position in the
  // bytes.
  const text = new TextDecoder("latin1").decode(bytes);
  const end = options.dotEnds ? DOT_REGEXP.exec(text)?.index ?? text.length : text.length;
  const start = START_REGEXP.exec(text)?.[0].length ?? 0;
  const { headEnd, bodyStart, names } = findHead(text, start, end);
  if (!names.some((name) => KNOWN_HEADERS.has(name))) {
    return { head: new Uint8Array(), body: bytes.subarray(start, end) };
  }
  return { head: bytes.subarray(start, headEnd), body: bytes.subarray(bodyStart, end) };
}
