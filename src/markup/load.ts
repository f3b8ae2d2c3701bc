/**
 * The way to the libraries behind Markdown and HTML. Only who sends such a message loads them: the specifiers are computed, so that
 * they stand in nobody's module graph and no first run tries to download them.
 *
 * @module
 */

import { loadLate } from "../base/late_modules.ts";
import type { Markup } from "./markup.ts";

/** Turns a source into markup. */
export type MarkupRenderer = (source: string) => Markup;

/**
 * Loads the renderer of a format.
 *
 * @throws when the library cannot be loaded: it is not in the cache, and its registry cannot be reached
 */
export async function loadMarkup(format: "markdown" | "html"): Promise<MarkupRenderer> {
  if (format === "markdown") {
    return (await loadLate<typeof import("./markdown.ts")>("markup/markdown.ts")).renderMarkdown;
  }
  return (await loadLate<typeof import("./html.ts")>("markup/html.ts")).reduceHtml;
}
