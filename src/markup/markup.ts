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
   * True if a service must not render the source of the message, because the source contains an
   * unsafe link (such as `javascript:`), or was not parsed completely. The HTML is safe anyway.
   *
   * @default {false}
   */
  readonly isSourceUnsafe?: boolean;
}

/** The white space characters of HTML that {@linkcode cleanText} does not replace. */
const SPACES = new Set([" ", "\t", "\n"]);

/**
 * Cleans text, so that writing it as HTML and parsing the HTML returns the same text. Replaces lone
 * surrogates (halves of UTF-16 pairs) by U+FFFD, because a homeserver may reject them. Replaces
 * carriage returns by line feeds, as HTML parsers do. Replaces form feeds by spaces. Removes the
 * remaining ASCII control characters, except tabs and line feeds.
 */
export function cleanText(text: string): string {
  let clean = "";
  for (const char of text.toWellFormed().replaceAll("\r\n", "\n")) {
    if (char >= " " ? char !== "\x7f" : char === "\t" || char === "\n") clean += char;
    else if (char === "\r") clean += "\n";
    else if (char === "\f") clean += " ";
  }
  return clean;
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
  for (const char of text) if (!SPACES.has(char)) return false;
  return true;
}

const NO_BREAK_SPACE = "\u00a0";

/** The distance of tab stops, in columns. */
const TAB_WIDTH = 8;

/**
 * Converts plain text to HTML that shows blanks and line breaks as they were written. HTML shows
 * several spaces as one space, and does not show spaces at the start of a line. Therefore this
 * function writes no-break spaces. If there are several spaces between two words, the last one stays
 * a normal space, so that a long line can wrap there.
 */
export function textToHtml(text: string): string {
  return escapeText(text.split("\n").map(keepBlanks).join("\n")).replaceAll("\n", "<br>");
}

function keepBlanks(line: string): string {
  const spaced = line.includes("\t") ? expandTabs(line) : line;
  return spaced.replace(/^ +/, (run) => NO_BREAK_SPACE.repeat(run.length))
    .replace(/ {2,}/g, (run) => `${NO_BREAK_SPACE.repeat(run.length - 1)} `);
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
  return { html: textToHtml(text.replace(/^\s*\n/, "").trimEnd()), text };
}
