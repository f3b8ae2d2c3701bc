/**
 * Makes the text of a notification readable. All text from outside passes through this file:
 * arguments, standard input, the output of commands, mails, and the input of the library. First,
 * {@linkcode decodeText} decodes bytes. Then {@linkcode readableText} reads the text as a terminal
 * would show it. No side effects.
 *
 * @module
 */

import { isAscii } from "../base/printable.ts";
import { isPlaced, placeText } from "./terminal.ts";

/**
 * Decodes bytes. A byte order mark selects UTF-8 or UTF-16. Without a byte order mark, valid UTF-8
 * characters are read as UTF-8, and the remaining bytes as Latin-1. Exception: in UTF-8 text, an
 * incomplete character at the beginning or at the end becomes U+FFFD.
 *
 * The result still contains control characters; see {@linkcode readableText}.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  return tryUtf8(bytes) ?? decodeCutText(bytes) ?? new TextDecoder().decode(toUtf8(bytes));
}

function tryUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Decodes UTF-8 whose first or last character is incomplete. */
function decodeCutText(bytes: Uint8Array): string | undefined {
  let start = 0, end = bytes.length;
  while (start < 3 && start < end && isContinuation(bytes[start])) start++;
  for (let back = 1; back <= 3 && back <= end - start; back++) {
    const byte = bytes[end - back];
    if (isContinuation(byte)) continue;
    if (byte >= 0xc2 && byte <= 0xf4) end -= back;
    break;
  }
  const middle = tryUtf8(bytes.subarray(start, end));
  // If `middle` contains only ASCII, nothing shows that the text is UTF-8. The bytes before and
  // after `middle` are then more likely Latin-1.
  if (middle === undefined || isAscii(middle)) return undefined;
  return (start > 0 ? "\ufffd" : "") + middle + (end < bytes.length ? "\ufffd" : "");
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Converts each byte that is not part of a UTF-8 character from Latin-1 to UTF-8. */
function toUtf8(bytes: Uint8Array): Uint8Array {
  const converted = new Uint8Array(3 * bytes.length);
  let to = 0;
  for (let from = 0; from < bytes.length;) {
    const length = characterLength(bytes, from);
    if (length > 0) {
      for (let i = 0; i < length; i++) converted[to++] = bytes[from++];
      continue;
    }
    const byte = bytes[from++];
    if (byte === 0x85) {
      // 0x85 is an ellipsis in Windows-1252. In Latin-1, 0x85 is a line break that is hardly used.
      converted[to++] = 0xe2;
      converted[to++] = 0x80;
      converted[to++] = 0xa6;
    } else {
      converted[to++] = 0xc0 | byte >> 6;
      converted[to++] = byte & 0xbf;
    }
  }
  return converted.subarray(0, to);
}

/** Returns the length of the UTF-8 character at a position; 0 if there is no valid character. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at], second = bytes[at + 1] ?? 0;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  // Reject overlong forms, surrogates, and values beyond U+10FFFF (RFC 3629, section 4).
  const isWrong = first === 0xe0 && second < 0xa0 || first === 0xed && second > 0x9f ||
    first === 0xf0 && second < 0x90 || first === 0xf4 && second > 0x8f;
  if (isWrong || at + length > bytes.length) return 0;
  for (let i = 1; i < length; i++) if (!isContinuation(bytes[at + i])) return 0;
  return length;
}

/**
 * Reads text as a terminal would show it. The result has no control characters except tabs and line
 * feeds.
 *
 * - Escape sequences for colours, fonts, modes and window titles are removed.
 * - A carriage return, a backspace, and sequences that erase or move the cursor change the text
 *   that is already there. A progress bar is shown in its last state.
 * - Form feeds, vertical tabs, and the line separators of Unicode become line feeds.
 * - The control characters from U+0080 to U+009F are read as Windows-1252, unless they begin a
 *   complete sequence. Text in Windows-1252 is often declared as Latin-1.
 * - Lone surrogates become U+FFFD, because the Matrix server Synapse rejects them (status 500).
 *
 * If the result is passed to this function again, the text does not change.
 */
export function readableText(source: string): string {
  const text = source.toWellFormed();
  if (!SPECIAL_REGEXP.test(text)) return text;
  const visible = splitText(text).map(removeHidden).join("").replace(/\r{1,2}$/, "");
  return isPlaced(visible) ? visible : placeText(visible);
}

/** The maximum length of a piece in {@linkcode splitText}, in UTF-16 code units. */
const MAX_PIECE_CHARS = 512 * 1024;

/**
 * Splits a long text into pieces, if possible after a line break. This saves memory: V8 needs
 * hundreds of megabytes to replace millions of sequences in one text.
 */
function splitText(text: string): string[] {
  const pieces: string[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    const limit = start + MAX_PIECE_CHARS;
    const lineEnd = text.lastIndexOf("\n", limit - 1) + 1;
    end = limit >= text.length ? text.length : lineEnd > start ? lineEnd : limit;
    pieces.push(text.slice(start, end));
  }
  return pieces;
}

/** Removes sequences and control characters, except those that `terminal.ts` carries out. */
function removeHidden(text: string): string {
  // deno-lint-ignore no-control-regex
  return removeControls(/[\x1b\x90\x9b\x9d]/.test(text) ? text.replace(SEQUENCE_REGEXP, keepMoves) : text)
    // A carriage return at the start or the end of a line has no effect.
    .replace(/\r\r+/g, "\r").replace(/\r(?=\n)|(?<=\n)\r/g, "");
}

/**
 * Reads text that must be one line, such as a subject. Line breaks become spaces, and no text is
 * overwritten. Spaces in a row become one space.
 */
export function readableLine(source: string): string {
  return readableText(source.replaceAll("\r", "\n")).replace(/\s{2,}|[^\S ]/g, " ").trim();
}

/** Matches characters that do not occur in plain text. */
// deno-lint-ignore no-control-regex
const SPECIAL_REGEXP = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]/;

/**
 * Matches escape sequences (ECMA-48, section 5; xterm, "Control Sequences"), in this order:
 *
 * - OSC with its payload, such as a title or a link. For images and the clipboard, the payload may
 *   have several lines.
 * - the palette of the Linux console, and titles of GNU screen
 * - `DCS tmux;`: the beginning of a sequence for tmux, whose payload is another sequence
 * - DCS, SOS, PM and APC with their payload
 * - CSI, complete or cut off
 * - all other escape sequences, such as `ESC ( B` (charset) and `ESC 7`
 * - the eight-bit forms of OSC, DCS and CSI. These match only if they are complete, because the
 *   same characters occur in text with a wrong charset.
 *
 * If the end of a sequence is missing, only its beginning is removed, so that no text is lost. The
 * same happens if the payload has more than a million characters: V8 has too little memory for such
 * a match.
 */
const SEQUENCE_REGEXP = new RegExp(
  [
    String.raw`\x1b\](?:52|1337);[^\x07\x1b\x9c]{0,1000000}(?:\x07|\x1b\\|\x9c)`,
    String.raw`\x1b\]P[0-9a-fA-F]{7}`,
    String.raw`\x1b\][^\x07\x1b\x9c\r\n]{0,1000000}(?:\x07|\x1b\\|\x9c)`,
    String.raw`\x1b\](?:[0-9]+;)?`,
    String.raw`\x1bk[^\x1b\n]{0,1000000}\x1b\\`,
    String.raw`\x1bPtmux;`,
    String.raw`\x1b[PX^_][^\x1b\x9c]{0,1000000}(?:\x1b\\|\x9c)`,
    String.raw`\x1b\[[0-?]{0,1000}[ -/]{0,1000}[@-~]?`,
    String.raw`\x1b[ -/]{0,1000}[0-~]?`,
    String.raw`\x9d[0-9]{1,9};[^\x07\x1b\x9c\x9d\n]{0,1000000}(?:\x07|\x1b\\|\x9c)`,
    String.raw`\x90[ -~]{0,1000000}(?:\x1b\\|\x9c)`,
    String.raw`\x9b(?:[0-9;?]{1,1000}[@-~]|[mKJ])`,
  ].join("|"),
  "g",
);

/** Matches the sequences that move the cursor or erase text. `terminal.ts` executes them. */
// deno-lint-ignore no-control-regex
const MOVE_REGEXP = /^(?:\x1b\[|\x9b)([0-9;]*)([A-HJKPXdfsu@`])$|^\x1b([78DEMc])$/;

function keepMoves(sequence: string): string {
  const [, parameters, final, single] = MOVE_REGEXP.exec(sequence) ?? [];
  if (final !== undefined) return `\x1b[${parameters}${final}`;
  return single === undefined ? "" : `\x1b${single}`;
}

/** Matches the characters that end a line, except CR and LF. */
const LINE_END_REGEXP = /[\v\f\x85\u2028\u2029]/g;

/** Matches control characters without a meaning in a text, and a byte order mark at the start. */
// deno-lint-ignore no-control-regex
const HIDDEN_REGEXP = /[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]+|^\ufeff+/g;

/** Matches the control characters that Windows-1252 uses for visible characters. */
const C1_REGEXP = /[\x80-\x9f]/g;

/** Removes control characters except tab, line feed, carriage return, backspace and escape. */
function removeControls(text: string): string {
  const lines = text.replace(LINE_END_REGEXP, "\n").replace(HIDDEN_REGEXP, "");
  return lines.search(C1_REGEXP) < 0 ? lines : readWindows1252(lines);
}

/** Replaces the control characters from U+0080 to U+009F by the characters of Windows-1252. */
function readWindows1252(text: string): string {
  const shown = new TextDecoder("windows-1252").decode(Uint8Array.from({ length: 0x20 }, (_, at) => 0x80 + at));
  return text.replace(C1_REGEXP, (control) => {
    const character = shown[control.charCodeAt(0) - 0x80];
    return character === control ? "" : character;
  });
}
