/**
 * Measures texts in UTF-8 bytes and cuts them. A character is never cut in two. No side effects.
 *
 * @module
 */

/** The length of one piece in {@linkcode byteLength}, in UTF-16 code units. */
const PIECE_CHARS = 64 * 1024;

/** Returns the length of a text in UTF-8 bytes. Encodes a long text in pieces, to save memory. */
export function byteLength(text: string): number {
  if (text.length <= PIECE_CHARS) return new TextEncoder().encode(text).length;
  const encoder = new TextEncoder(), piece = new Uint8Array(3 * PIECE_CHARS);
  let bytes = 0;
  for (let start = 0, end = 0; start < text.length; start = end) {
    // A piece does not end in the middle of a character.
    const isHalf = (text.codePointAt(start + PIECE_CHARS - 1) ?? 0) > 0xffff;
    end = start + PIECE_CHARS - (isHalf ? 1 : 0);
    bytes += encoder.encodeInto(text.slice(start, end), piece).written;
  }
  return bytes;
}

/**
 * Returns true if a text has at most `maxBytes` UTF-8 bytes. The bytes of a short text are not
 * counted, because a UTF-16 code unit needs at most three UTF-8 bytes.
 */
export function fitsInBytes(text: string, maxBytes: number): boolean {
  return 3 * text.length <= maxBytes || byteLength(text) <= maxBytes;
}

/** Cuts a message to a length in UTF-8 bytes; see {@linkcode cutEnds}. */
export function cutToBytes(message: string, maxBytes: number): string {
  const total = byteLength(message);
  return total <= maxBytes ? message : cutEnds({ beginning: message, end: message, total }, maxBytes);
}

/**
 * Shortens a text: keeps its beginning and its end, and puts a note between them. The end is kept
 * because an error is often in the last lines. The result has at most `maxBytes` UTF-8 bytes.
 * `total` is the length of the whole text, in bytes. Cuts at a line break if one is near. Fast even
 * for texts of several megabytes.
 */
export function cutEnds(
  { beginning, end, total }: { readonly beginning: string; readonly end: string; readonly total: number },
  maxBytes: number,
): string {
  // Reserve space for the longest possible note. The longest note reports that all bytes are
  // missing.
  const room = Math.max(0, maxBytes - byteLength(cutNote(total, total)) - 2);
  const first = wholeLines(firstBytes(beginning, Math.ceil(room / 2)), "end");
  const last = wholeLines(lastBytes(end, Math.floor(room / 2)), "start");
  const note = cutNote(Math.max(0, total - byteLength(first) - byteLength(last)), total);
  return [first, note, last].filter((part) => part !== "").join("\n");
}

/** How a message is cut. */
export interface CutOptions {
  /**
   * Returns true if a message is short enough. If a message fits, every shorter message must also
   * fit.
   */
  readonly fits: (message: string) => boolean;
  /** The length above which no message fits, in UTF-16 code units. */
  readonly maxUnits: number;
  /** True if only the end is kept: a program usually prints its errors at the end of its output. */
  readonly keepsEnd?: boolean;
  /** The name of the file with the whole message. @default there is no such file */
  readonly fileName?: string;
}

/**
 * Cuts a message to the greatest length that a service accepts. Leaves out the middle (or the
 * beginning, if `keepsEnd` is true), and adds a note there. Moves a cut to a line break if the move
 * removes at most 2 % of the length.
 */
export function cutToFit(message: string, { fits, maxUnits, keepsEnd = false, fileName }: CutOptions): string {
  if (message.length <= maxUnits && fits(message)) return message;
  const total = byteLength(message);
  // A message that is longer than 8 MiB was already cut when it was read.
  const share = message.includes(CUT_MARK) ? "more of the text" : "the whole text";
  const holder = fileName === undefined ? "" : `; ${fileName} has ${share}`;
  const cut = (units: number, maxPart: number) => {
    const head = keepsEnd ? "" : wholeCharacters(message.slice(0, Math.ceil(units / 2)));
    const ending = keepsEnd ? units : Math.floor(units / 2);
    const tail = ending === 0 ? "" : wholeCharacters(message.slice(-ending));
    const [beginning, end] = [wholeLines(head, "end", maxPart), wholeLines(tail, "start", maxPart)];
    const missing = total - byteLength(beginning) - byteLength(end);
    const note = cutNote(missing, total) + holder;
    return [beginning, note, end].filter((part) => part !== "").join("\n");
  };
  const units = bisectLargest(0, Math.min(maxUnits, message.length - 1), (units) => fits(cut(units, 0)));
  const atLineBreaks = cut(units, Math.floor(units / 50));
  return fits(atLineBreaks) ? atLineBreaks : cut(units, 0);
}

/**
 * Finds the largest whole number from `low` to `high` for which `holds` returns true. `holds` must
 * return true for `low`. If `holds` returns false for a number, `holds` must also return false for
 * every larger number.
 */
function bisectLargest(low: number, high: number, holds: (number: number) => boolean): number {
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Removes half characters (single surrogates) at the beginning and at the end. */
function wholeCharacters(text: string): string {
  return text.replace(/^[\udc00-\udfff]/, "").replace(/[\ud800-\udbff]$/, "");
}

/** The beginning of the note in place of a missing part. */
const CUT_MARK = "✂ Cut here: ";

/** Formats the note in place of a missing part. */
export function cutNote(missing: number, total: number): string {
  return `${CUT_MARK}${missing} of ${total} bytes ${missing === 1 ? "is" : "are"} missing`;
}

/** Cuts a line to a length in UTF-8 bytes. A cut line ends with `…`. */
export function cutLine(line: string, maxBytes: number): string {
  if (byteLength(line) <= maxBytes) return line;
  const room = maxBytes - byteLength("…");
  return room < 0 ? "" : `${firstBytes(line, room)}…`;
}

/** Returns the longest beginning of a text with at most this number of bytes. */
function firstBytes(text: string, maxBytes: number): string {
  return text.slice(0, new TextEncoder().encodeInto(text, new Uint8Array(maxBytes)).read);
}

/** Returns the longest end of a text with at most this number of bytes. */
function lastBytes(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(maxBytes === 0 ? "" : text.slice(-maxBytes));
  let start = Math.max(0, bytes.length - maxBytes);
  while (start < bytes.length && (bytes[start] & 0xc0) === 0x80) start++;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start));
}

/** The maximum number of UTF-16 code units that are removed to move a cut to a line break. */
const MAX_PART_OF_LINE = 200;

function wholeLines(text: string, cutAt: "start" | "end", maxPart = MAX_PART_OF_LINE): string {
  const at = cutAt === "end" ? text.lastIndexOf("\n") : text.indexOf("\n");
  if (at < 0) return text;
  const part = cutAt === "end" ? text.length - at : at;
  if (part > maxPart) return text;
  return cutAt === "end" ? text.slice(0, at) : text.slice(at + 1);
}
