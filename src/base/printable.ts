/**
 * Removes hidden characters from texts that people read. A terminal can interpret such a character
 * as a command. An invisible or bidirectional character can make a text look like another text.
 *
 * @module
 */

/**
 * Matches control and format characters, line separators, and characters that have no shape. Does
 * not match the two variation selectors that belong to emoji.
 */
const HIDDEN_REGEXP = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\ufe0e\ufe0f]]+/gv;

/** Matches the characters of {@linkcode HIDDEN_REGEXP}, except line breaks and tabs. */
const HIDDEN_IN_LINES_REGEXP = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\n\t\ufe0e\ufe0f]]+/gv;

/** Returns a text as one line. Replaces hidden characters and line breaks by spaces. */
export function printable(text: string): string {
  return text.replace(HIDDEN_REGEXP, " ");
}

/** Replaces the hidden characters of a text, except line breaks and tabs. */
export function replaceHidden(text: string, replace: (hidden: string) => string): string {
  return text.replace(HIDDEN_IN_LINES_REGEXP, replace);
}
