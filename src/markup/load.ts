/**
 * The way to the libraries behind Markdown and HTML. Only who sends such a message loads them: the specifiers are computed, so that
 * they stand in nobody's module graph and no first run tries to download them.
 *
 * @module
 */

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
    const module: { readonly renderMarkdown: MarkupRenderer } = await import(
      new URL("./markdown.ts", import.meta.url).href
    );
    return module.renderMarkdown;
  }
  const module: { readonly reduceHtml: MarkupRenderer } = await import(new URL("./html.ts", import.meta.url).href);
  return module.reduceHtml;
}
