// deno-lint-ignore-file no-import-prefix -- A module run from a URL sees no import map, so the version stands here.

/**
 * Renders Markdown for a Matrix message. This file is loaded late, so that only hosts that need the
 * parsers download them.
 *
 * @module
 */

import {
  getDefaults,
  Lexer,
  type MarkedOptions,
  Parser,
  Renderer,
  type Token,
  type Tokens,
  type TokensList,
} from "npm:marked@18.2.1";
import { tryReduceHtml } from "./html.ts";
import { cleanText, type Markup, toPlainMarkup } from "./markup.ts";

/** Longer Markdown is shown unparsed. An event has at most 64 KiB. */
export const MAX_MARKDOWN_CHARS: number = 64 * 1024;

/** The HTML of short list items is several times as long as the source. */
const MAX_RENDERED_CHARS = 4 * MAX_MARKDOWN_CHARS;

/**
 * How deep quotations and lists, or emphasis and links, may nest. Deeper ones are plain text. The
 * limit of a message is 100.
 */
const MAX_NESTING = 50;

/**
 * The limit for the cost of all paragraphs, see {@linkcode estimateCost}. The lexer takes up to 2
 * ns for each unit, so this is about half a second.
 */
const MAX_COST = 256 * 1024 * 1024;

/**
 * A delimiter of emphasis makes the lexer search the rest of the paragraph many times. It costs
 * about this much more than other characters.
 */
const DELIMITER_COST = 16;

/**
 * Renders GitHub flavoured Markdown as the HTML of a message. Line breaks are kept (`breaks`), as
 * in GitHub's comments and in Matrix clients, because lines have a meaning in the output of
 * programs. HTML in the Markdown is permitted; the result goes through `reduceHtml`. A single
 * paragraph is written without `p`, because the specification wants no HTML that is not needed.
 *
 * It never throws. The lexer takes quadratic time for a paragraph with many `*`, `_`, `~` or long
 * runs of blanks or punctuation, and a deep stack for deep nesting. Such a paragraph, and anything
 * deeper than 50 levels, stays plain text with its line breaks. Markdown that is longer than
 * {@linkcode MAX_MARKDOWN_CHARS}, or whose result has no text, stays plain text as a whole.
 *
 * @param markdown the source
 * @returns the HTML, and as `text` the source, because Markdown is readable; control characters and
 * lone surrogates are removed from it
 */
export function renderMarkdown(markdown: string): Markup {
  const text = cleanText(markdown);
  if (text.length > MAX_MARKDOWN_CHARS) return toPlainMarkup(text);
  const reduced = tryReduceHtml(tryToHtml(text) ?? "", MAX_RENDERED_CHARS);
  // A comment or the definition of a link alone would be an empty message.
  return reduced === undefined || reduced.text === "" ? toPlainMarkup(text) : { html: reduced.html, text };
}

function tryToHtml(text: string): string | undefined {
  try {
    return toHtml(text);
  } catch {
    // The library has a bug, or the stack is too small. A message must not be lost because of its
    // format.
    return undefined;
  }
}

function toHtml(text: string): string {
  const options: MarkedOptions = { ...getDefaults(), breaks: true, renderer: new MessageRenderer() };
  const tokens = new BoundedLexer(options).lex(text);
  const blocks = tokens.filter((token) => token.type !== "space" && token.type !== "def");
  const parser = new Parser(options);
  const [first] = blocks;
  return blocks.length === 1 && first?.type === "paragraph"
    ? parser.parseInline(first.tokens ?? [])
    : parser.parse(tokens);
}

/** Writes task boxes as characters, because a message has no form elements. */
class MessageRenderer extends Renderer {
  override checkbox({ checked }: Tokens.Checkbox): string {
    return checked ? "☑ " : "☐ ";
  }
}

/**
 * Limits the work of the lexer. It calls itself through these two methods for everything that is
 * nested.
 */
class BoundedLexer extends Lexer {
  #depth = 0;
  #budget = MAX_COST;

  override blockTokens(source: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[];
  override blockTokens(source: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList;
  override blockTokens(source: string, tokens: Token[] = [], lastParagraphClipped = false): Token[] {
    if (this.#depth >= MAX_NESTING) {
      tokens.push({ type: "paragraph", raw: source, text: source, tokens: plainTokens(source) });
      return tokens;
    }
    this.#depth++;
    try {
      return super.blockTokens(source, tokens, lastParagraphClipped);
    } finally {
      this.#depth--;
    }
  }

  override inlineTokens(source: string, tokens: Token[] = []): Token[] {
    const cost = estimateCost(source);
    if (this.#depth >= MAX_NESTING || cost > this.#budget) {
      tokens.push(...plainTokens(source));
      return tokens;
    }
    this.#budget -= cost;
    this.#depth++;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#depth--;
    }
  }
}

/**
 * Estimates the lexer's work: the length times the number of characters that can make it search the
 * rest.
 */
function estimateCost(source: string): number {
  let searches = 0, previous = "";
  for (const char of source) {
    const kind = "*_~".includes(char)
      ? "delimiter"
      : char === " "
      ? "space"
      : /[\p{L}\p{N}]/u.test(char)
      ? "word"
      : "other";
    if (kind === "delimiter") searches += DELIMITER_COST;
    else if (kind !== "word" && kind === previous) searches++;
    previous = kind;
  }
  return source.length * searches;
}

function plainTokens(source: string): Token[] {
  return source.split("\n").flatMap((line, index): Token[] => [
    ...(index > 0 ? [{ type: "br", raw: "\n" }] : []),
    { type: "text", raw: line, text: line, escaped: false },
  ]);
}
