/** Recognizes dangerous links. matrix-notify does not send them as links. */

/** Schemes that run code in the reader's client, or open a file of the reader. */
const UNSAFE_REGEXP = /^(javascript|vbscript|data|blob|file|filesystem|view-source|jar|content|intent):/i;

/**
 * Returns true if opening this link could run code or open a local file. Browsers ignore tabs and
 * line breaks in a link, and control characters at the beginning. Renderers of Markdown
 * percent-encode these characters. Therefore the encoded characters are ignored too.
 *
 * @example
 * ```ts
 * import { isUnsafeLink } from "./unsafe_link.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals([" JavaScript:alert(1)", "https://example.org/"].map(isUnsafeLink), [true, false]);
 * ```
 */
export function isUnsafeLink(address: string): boolean {
  return UNSAFE_REGEXP.test(address.replace(/^(?:[\p{Cc} ]|%[01][0-9a-f]|%20)+|[\t\n\r]+/giu, ""));
}
