/**
 * The type `Markup` (a message as HTML and as plain text), and functions that clean and escape
 * characters. This file does not have dependencies, so importing the type does not load the
 * parsers.
 *
 * @module
 */

/** A message in the two forms that a Matrix event contains: HTML and plain text. */
export interface Markup {
  /**
   * The `formatted_body` of `org.matrix.custom.html`. The HTML contains only elements and
   * attributes that the specification permits, in section "m.room.message msgtypes". All tags are
   * closed. Text and attributes are escaped.
   */
  readonly html: string;
  /** The `body` of the event: the message without formatting. */
  readonly text: string;
  /**
   * True if a service such as Gotify must not render the source of the message. The source contains
   * an unsafe link (such as `javascript:`), or it was not parsed completely. `html` is safe anyway.
   *
   * @default {false}
   */
  readonly isSourceUnsafe?: boolean;
}

/**
 * The maximum length of HTML that is parsed. If the HTML is longer, the message shows its source
 * (with the tags). A limit is needed, because the parser needs quadratic time for a tag with many
 * attributes. The limit is higher than the maximum size of a Matrix event, 64 KiB.
 */
export const MAX_HTML_CHARS: number = 96 * 1024;

/**
 * The maximum number of nested marks in a line of plain text. Without this limit, deeply nested
 * lists could make every line long.
 */
export const MAX_SHOWN_LEVELS = 10;

/** The length of the longest mark at the start of a line: `-999999999. `. */
const MAX_MARK_CHARS = 12;

/**
 * Estimates the length of the plain text of HTML without parsing the HTML. The text never has more
 * characters. The text can be longer than its source: a quotation or a list marks each of its
 * lines, and a link that is not closed continues in each of the next blocks.
 */
export function estimateTextChars(html: string): number {
  const marks = Math.min(MAX_SHOWN_LEVELS, matches(html, /<(?:blockquote|li)\b/gi).length) * MAX_MARK_CHARS;
  const link = matches(html, /<a\b[^>]*/gi).reduce((longest, { length }) => Math.max(longest, length), 0);
  // Tags, references such as `&#10;` and line breaks can begin lines: a block begins two.
  const lines = 2 * matches(html, /[<&\r\n]/g).length;
  return html.length + lines * (1 + marks + link);
}

function matches(text: string, regexp: RegExp): readonly string[] {
  return text.match(regexp) ?? [];
}

/**
 * Cleans text for HTML. An HTML parser returns the cleaned text without changes. Replaces lone
 * surrogates (halves of UTF-16 pairs) by U+FFFD, because a homeserver may reject them. Replaces
 * carriage returns by line feeds, as HTML parsers do. Replaces form feeds by spaces. Removes the
 * remaining ASCII control characters, except tabs and line feeds.
 */
export function cleanText(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.toWellFormed().replace(/\r\n?/g, "\n").replaceAll("\f", " ").replace(/[\0-\x08\v\x0e-\x1f\x7f]+/g, "");
}

/** Escapes text for the content of an element. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/**
 * Escapes text for a double-quoted attribute. Also escapes angle brackets, because some programs
 * search for tags without parsing attributes.
 */
export function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;");
}

/**
 * Returns true if a text contains only white space of HTML. A non-breaking space is not white
 * space.
 */
export function isBlank(text: string): boolean {
  return !/[^ \t\n]/.test(text);
}

/** Removes blank lines at the start of a text, and white space at its end. */
export function withoutBlankEnds(text: string): string {
  const firstChar = text.length - text.trimStart().length;
  return text.slice(text.lastIndexOf("\n", firstChar - 1) + 1).trimEnd();
}

const NO_BREAK_SPACE = "\u00a0";

/** The distance of tab stops, in columns. */
const TAB_WIDTH = 8;

/**
 * Converts plain text to HTML that shows blanks and line breaks as they were written. HTML shows
 * several spaces as one space, and does not show spaces at the start of a line. Therefore this
 * function writes no-break spaces. If there are several spaces between two words, the last one
 * stays a normal space, so that a long line can wrap there.
 */
export function textToHtml(text: string): string {
  if (!/[\t\n&<>]|^ | {2}/m.test(text)) return text;
  const spaced = text.replace(/^.*\t.*$/gm, expandTabs).replace(/^ +/gm, (run) => NO_BREAK_SPACE.repeat(run.length))
    .replace(/ {2,}/g, (run) => `${NO_BREAK_SPACE.repeat(run.length - 1)} `);
  return escapeText(spaced).replaceAll("\n", "<br>");
}

function expandTabs(line: string): string {
  let column = 0;
  return Array.from(line, (char) => {
    const width = char === "\t" ? TAB_WIDTH - column % TAB_WIDTH : 1;
    column += width;
    return char === "\t" ? " ".repeat(width) : char;
  }).join("");
}

/** Turns a source into markup that shows the source itself, with its line breaks. */
export function toPlainMarkup(source: string): Markup {
  const text = cleanText(source);
  return { html: textToHtml(withoutBlankEnds(text)), text };
}
