// deno-lint-ignore-file no-import-prefix -- A module run from a URL sees no import map, so the version stands here.

/**
 * Renders Markdown for a Matrix message. Only a computed dynamic import leads here, so that nobody downloads the
 * parsers who does not use them.
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
import { cleanText, plainMarkup } from "./escape.ts";
import { tryReduceHtml } from "./html.ts";
import type { Markup } from "./markup.ts";

/** Longer Markdown is shown as it is. An event holds 64 KiB. */
export const MAX_MARKDOWN_CHARS: number = 64 * 1024;

/** Short items of a list become several times as long as HTML. */
const MAX_RENDERED_CHARS = 4 * MAX_MARKDOWN_CHARS;

/**
 * Quotations and lists, or emphasis and links, nest so deep; what is deeper is text. No message may nest deeper than
 * 100 in any case.
 */
const MAX_NESTING = 50;

/**
 * What all paragraphs together may cost, see {@linkcode cost}. The lexer takes up to 2 ns for each, so this is about
 * half a second.
 */
const MAX_COST = 256 * 1024 * 1024;

/**
 * A delimiter of emphasis makes the lexer look through the rest of the paragraph, many times; others do so about this
 * much cheaper.
 */
const DELIMITER_COST = 16;

/**
 * Renders GitHub flavoured Markdown as the HTML of a message. A line break stays one (`breaks`), as in GitHub's
 * comments and in Matrix clients: notifications come from programs, whose lines mean something. HTML in the Markdown is
 * permitted; all of the result goes through `reduceHtml`. A single paragraph comes without its `p`, for the
 * specification asks for no HTML that is not needed.
 *
 * It never throws. The lexer's time grows with the square of a paragraph that is full of `*`, `_`, `~` or of long runs
 * of spaces or punctuation, and its stack with the nesting. So such a paragraph, and what is nested deeper than 50
 * levels, stays plain text with its line breaks. Markdown that is longer than {@linkcode MAX_MARKDOWN_CHARS}, or that
 * leaves nothing to read, stays plain text as a whole.
 *
 * @param markdown the source
 * @returns the HTML, and as `text` the source as it was written, since Markdown is made to be read; only control
 * characters and lone surrogates are not in it
 */
export function renderMarkdown(markdown: string): Markup {
  const text = cleanText(markdown);
  if (text.length > MAX_MARKDOWN_CHARS) return plainMarkup(text);
  const reduced = tryReduceHtml(tryToHtml(text) ?? "", MAX_RENDERED_CHARS);
  // What leaves nothing to read, such as a comment or the definition of a link, would be an empty message.
  return reduced === undefined || reduced.text === "" ? plainMarkup(text) : { html: reduced.html, text };
}

function tryToHtml(text: string): string | undefined {
  try {
    return toHtml(text);
  } catch {
    // A defect of the library, or a stack that is smaller than it thinks: a message must not be lost for its looks.
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

/** A message has no form elements, so the box of a task is a character. */
class MessageRenderer extends Renderer {
  override checkbox({ checked }: Tokens.Checkbox): string {
    return checked ? "☑ " : "☐ ";
  }
}

/**
 * The lexer calls itself through these two methods for all that is nested, so this is where its work can be bounded.
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
    const price = cost(source);
    if (this.#depth >= MAX_NESTING || price > this.#budget) {
      tokens.push(...plainTokens(source));
      return tokens;
    }
    this.#budget -= price;
    this.#depth++;
    try {
      return super.inlineTokens(source, tokens);
    } finally {
      this.#depth--;
    }
  }
}

/** Estimates the lexer's work: the length times the characters that can make it look through the rest. */
function cost(source: string): number {
  let looks = 0, previous = "";
  for (const char of source) {
    const kind = "*_~".includes(char)
      ? "delimiter"
      : char === " "
      ? "space"
      : /[\p{L}\p{N}]/u.test(char)
      ? "word"
      : "other";
    if (kind === "delimiter") looks += DELIMITER_COST;
    else if (kind !== "word" && kind === previous) looks++;
    previous = kind;
  }
  return source.length * looks;
}

function plainTokens(source: string): Token[] {
  return source.split("\n").flatMap((line, index): Token[] => [
    ...(index > 0 ? [{ type: "br", raw: "\n" }] : []),
    { type: "text", raw: line, text: line, escaped: false },
  ]);
}
