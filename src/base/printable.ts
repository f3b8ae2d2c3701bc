/**
 * Removes hidden characters from texts for people. A terminal may obey such a character, and an
 * invisible or bidirectional character can make a text look like another text.
 *
 * @module
 */

/**
 * Matches control and format characters, line separators, and characters that have no shape. The
 * two variation selectors that belong to emoji are visible.
 */
const HIDDEN_REGEXP = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\ufe0e\ufe0f]]+/gv;

/** Matches the same characters, except line breaks and tabs. */
const HIDDEN_IN_LINES_REGEXP = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\n\t\ufe0e\ufe0f]]+/gv;

/** Returns a text as one line: a space replaces the hidden characters and line breaks. */
export function printable(text: string): string {
  return text.replace(HIDDEN_REGEXP, " ");
}

/** Replaces the hidden characters of a text, except line breaks and tabs. */
export function replaceHidden(text: string, replace: (hidden: string) => string): string {
  return text.replace(HIDDEN_IN_LINES_REGEXP, replace);
}
