/**
 * Makes texts readable: removes hidden characters, and cuts long texts. A terminal can interpret a
 * hidden character as a command. An invisible or bidirectional character can make a text look like
 * another text.
 *
 * @module
 */

// Hidden characters are control characters, format characters, line separators and characters that
// have no shape. The two variation selectors of emoji do not count as hidden. V8 needs 0.2 ms to
// compile a regular expression for hidden characters. Therefore a shorter expression first finds
// the texts of printable ASCII, which have no hidden characters.

/** Returns true if all characters of a text are ASCII. */
export function isAscii(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(text);
}

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

/**
 * Returns the beginning of a text, with at most `maxUnits` UTF-16 code units. Does not cut a
 * character in two: an emoji, for example, has two code units.
 */
export function firstChars(text: string, maxUnits: number): string {
  return text.length <= maxUnits ? text : text.slice(0, maxUnits).replace(/[\ud800-\udbff]$/, "");
}
