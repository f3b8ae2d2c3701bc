/**
 * Removes hidden characters from texts that people read. A terminal can interpret such a character
 * as a command. An invisible or bidirectional character can make a text look like another text.
 *
 * @module
 */

// Hidden characters are control and format characters, line separators, and characters that have no
// shape, except the two variation selectors of emoji. V8 needs 0.2 ms to compile such an expression,
// so each one is created only for a text that has more than ASCII.

/** Returns a text as one line. Replaces hidden characters and line breaks by spaces. */
export function printable(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return text.replace(/[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\ufe0e\ufe0f]]+/gv, " ");
}

/** Replaces the hidden characters of a text, except line breaks and tabs. */
export function replaceHidden(text: string, replace: (hidden: string) => string): string {
  if (/^[ -~\n\t]*$/.test(text)) return text;
  return text.replace(/[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\n\t\ufe0e\ufe0f]]+/gv, replace);
}
