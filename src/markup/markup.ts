/**
 * Markup: a message as HTML and as plain text, and the characters that may be in it. This file has
 * no dependencies, so that the type can be imported without the parsers.
 *
 * @module
 */

/** One message in the two forms that a Matrix event carries. */
export interface Markup {
  /**
   * The `formatted_body` of `org.matrix.custom.html`: only elements and attributes that the
   * specification's section "m.room.message msgtypes" permits, every tag closed, text and
   * attributes escaped.
   */
  readonly html: string;
  /** The `body`: the same message without formatting. */
  readonly text: string;
}

/** The white space of HTML, after {@linkcode cleanText}. */
const SPACES = new Set([" ", "\t", "\n"]);

/**
 * Cleans text so that it is the same after it was written as HTML and parsed again. Lone surrogates
 * become U+FFFD, because a homeserver may reject them. A carriage return becomes a line feed, as
 * HTML parsers do. A form feed becomes a space. Other control characters are removed.
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
 * Escapes text for a double-quoted attribute. It escapes angle brackets too, for simple readers
 * that search for tags.
 */
export function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;");
}

/** True if text has only white space of HTML. A non-breaking space is not white space. */
export function isBlank(text: string): boolean {
  for (const char of text) if (!SPACES.has(char)) return false;
  return true;
}

/**
 * Turns a source into markup that shows it unparsed, with its line breaks. It is used where parsing
 * would cost too much.
 */
export function toPlainMarkup(source: string): Markup {
  const text = cleanText(source);
  return { html: escapeText(text.trim()).replaceAll("\n", "<br>"), text };
}
