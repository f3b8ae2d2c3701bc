/**
 * Characters: what may be in HTML, and how it is written there.
 *
 * @module
 */

import type { Markup } from "./markup.ts";

/** What every white space of HTML is made of, after {@linkcode cleanText}. */
const SPACES = new Set([" ", "\t", "\n"]);

/**
 * Makes text that means the same after it was written as HTML and read again: lone surrogates become U+FFFD (a
 * homeserver may refuse them for ever), a carriage return becomes a line feed (as a parser of HTML would have it), a
 * form feed becomes a space and the other control characters go.
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

/** Escapes text for the inside of an element. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Escapes text for a double-quoted attribute; angle brackets as well, for those who look for tags in a simpler way. */
export function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', "&quot;");
}

/** Whether there is nothing in the text but what HTML calls white space; a non-breaking space is none. */
export function isBlank(text: string): boolean {
  for (const char of text) if (!SPACES.has(char)) return false;
  return true;
}

/**
 * Shows the source as it is, with its line breaks. This is what remains of markup that costs too much to be understood:
 * ugly perhaps, but nothing is lost.
 */
export function plainMarkup(source: string): Markup {
  const text = cleanText(source);
  return { html: escapeText(text.trim()).replaceAll("\n", "<br>"), text };
}
