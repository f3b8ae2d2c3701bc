// deno-lint-ignore-file no-import-prefix -- A module from a URL does not have an import map.

/**
 * Renders Markdown for a Matrix message. This file is loaded only when it is needed. A host without
 * Markdown messages does not download the parsers.
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
  Tokenizer,
  type Tokens,
  type TokensList,
} from "npm:marked@18.2.1";
import { tryReduceHtml } from "./html.ts";
import { cleanText, type Markup, toPlainMarkup } from "./markup.ts";

/**
 * The maximum length of Markdown that is parsed. Longer Markdown is shown as source, without
 * formatting. A Matrix event cannot be longer than 64 KiB.
 */
export const MAX_MARKDOWN_CHARS: number = 64 * 1024;

/**
 * The maximum length of the rendered HTML. The HTML of short list items is several times longer
 * than their source.
 */
const MAX_RENDERED_CHARS = 4 * MAX_MARKDOWN_CHARS;

/**
 * The maximum depth of nested quotations, lists, emphasis and links. Deeper levels are shown as
 * plain text. Matrix allows 100 levels in a message.
 */
const MAX_NESTING = 50;

/**
 * The maximum cost of all paragraphs together, see {@linkcode estimateCost}. The lexer (the part of
 * the library that splits the source) needs up to 2 ns for a cost of 1. So the limit means about
 * half a second.
 */
const MAX_COST = 256 * 1024 * 1024;

/**
 * The cost of a character that marks emphasis (`*`, `_` or `~`), for {@linkcode estimateCost}. The
 * cost is high, because the lexer searches the rest of the paragraph many times for each such
 * character. In a row of spaces or of other punctuation marks, each character after the first
 * costs 1.
 */
const DELIMITER_COST = 16;

/**
 * Renders GitHub Flavored Markdown as the HTML of a message.
 *
 * A line break in the source is a line break in the result (`breaks`), because lines matter in the
 * output of programs. GitHub's comments and Matrix clients also keep line breaks. The Markdown may
 * contain HTML, because the result is reduced to the permitted elements (`reduceHtml`). A single
 * paragraph is written without `p`, because the specification recommends to avoid unnecessary HTML.
 *
 * The function never throws. These sources are shown as plain text with their line breaks:
 *
 * - a paragraph with many `*`, `_` or `~`, or with many blanks or punctuation marks in a row,
 *   because the lexer needs quadratic time for it
 * - everything deeper than 50 levels, because the lexer needs a deep stack for it
 * - Markdown that is longer than {@linkcode MAX_MARKDOWN_CHARS}
 * - Markdown whose HTML does not contain text
 *
 * @param markdown the Markdown source
 * @returns the HTML, and the source as `text`, because people can read Markdown. The text is
 * cleaned by {@linkcode cleanText}.
 */
export function renderMarkdown(markdown: string): Markup {
  const text = cleanText(markdown);
  const { html, isComplete } = text.length > MAX_MARKDOWN_CHARS ? NOT_PARSED : tryToHtml(text);
  const reduced = tryReduceHtml(html, MAX_RENDERED_CHARS);
  const isSourceUnsafe = !isComplete || reduced === undefined || reduced.isSourceUnsafe === true;
  // The HTML has no text if, for example, the Markdown contains only a comment or a link
  // definition.
  const shown = reduced === undefined || reduced.text === "" ? toPlainMarkup(text) : { html: reduced.html, text };
  return isSourceUnsafe ? { ...shown, isSourceUnsafe } : shown;
}

/** HTML, and whether it contains every link of the Markdown. */
interface Parsed {
  readonly html: string;
  readonly isComplete: boolean;
}

const NOT_PARSED: Parsed = { html: "", isComplete: false };

function tryToHtml(text: string): Parsed {
  try {
    const parts = { renderer: new MessageRenderer(), tokenizer: new MessageTokenizer() };
    const options: MarkedOptions = { ...getDefaults(), ...parts, breaks: true };
    const lexer = new BoundedLexer(options);
    return { html: toHtml(lexer.lex(text), options), isComplete: !lexer.hasSkipped };
  } catch {
    // Either the library has a bug or the stack is too small. The error is not thrown, because the
    // message must still be sent.
    return NOT_PARSED;
  }
}

function toHtml(tokens: TokensList, options: MarkedOptions): string {
  const blocks = tokens.filter((token) => token.type !== "space" && token.type !== "def");
  const parser = new Parser(options);
  const [first] = blocks;
  return blocks.length === 1 && first?.type === "paragraph"
    ? parser.parseInline(first.tokens ?? [])
    : parser.parse(tokens);
}

/**
 * Writes the check boxes of a task list as characters, because a message cannot contain form
 * elements.
 */
class MessageRenderer extends Renderer {
  override checkbox({ checked }: Tokens.Checkbox): string {
    return checked ? "☑ " : "☐ ";
  }
}

/**
 * Keeps the surplus cells of a table. GitHub Flavored Markdown drops the cells of a row that has
 * more cells than the header. Here, these cells are the end of the last cell: `a | b`.
 */
class MessageTokenizer extends Tokenizer {
  override table(source: string): Tokens.Table | undefined {
    const raw = this.rules.block.table.exec(source)?.[0];
    if (raw === undefined) return undefined;
    const [header, line, ...rows] = raw.split("\n");
    const columns = line.split("|").filter((cell) => cell.trim() !== "").length;
    const table = super.table([header, line, ...rows.map((row) => joinSurplusCells(row, columns))].join("\n"));
    return table && { ...table, raw };
  }
}

/** Escapes the separators of a row after its last column. Empty surplus cells are left out. */
function joinSurplusCells(row: string, columns: number): string {
  const cells = row.replace(/^\s*\|/, "");
  let separators = 0, end = cells.length;
  while (end > 0 && /[|\s]/.test(cells[end - 1])) end--;
  const isSurplus = (found: string, at: number) => found === "|" && at < end && ++separators >= columns;
  const joined = cells.replace(/\\.|\|/g, (found, at) => isSurplus(found, at) ? "\\|" : found);
  return row.slice(0, row.length - cells.length) + joined;
}

/**
 * A lexer (it splits the source into parts) that limits its depth and its time. The base class
 * calls one of the two methods below for each nested part.
 */
class BoundedLexer extends Lexer {
  /** True if a part of the source was too deep or too costly, and became plain text. */
  hasSkipped = false;
  #depth = 0;
  #budget = MAX_COST;

  override blockTokens(source: string, tokens?: Token[], lastParagraphClipped?: boolean): Token[];
  override blockTokens(source: string, tokens?: TokensList, lastParagraphClipped?: boolean): TokensList;
  override blockTokens(source: string, tokens: Token[] = [], lastParagraphClipped = false): Token[] {
    if (this.#depth >= MAX_NESTING) {
      this.hasSkipped = true;
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
      this.hasSkipped = true;
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
 * Estimates the work of the lexer. At some characters, the lexer may search the rest of the source.
 * The cost is the number of these searches times the length of the source. A character that marks
 * emphasis counts as {@linkcode DELIMITER_COST} searches.
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
