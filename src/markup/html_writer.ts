/**
 * Writes HTML that every parser reads alike.
 *
 * The invariant: the elements in `#open` nest in a way that the parsing rules of the HTML standard leave as they are.
 * So a client sees the very tree that was checked here, and to reduce the result once more changes nothing.
 *
 * @module
 */

import type { Attribute } from "./attributes.ts";
import { BLOCKS, HEADINGS, TABLE_FRAMES, TABLE_PARENTS, VOIDS } from "./elements.ts";
import { cleanText, escapeAttribute, escapeText, isBlank } from "./escape.ts";
import type { Markup } from "./markup.ts";
import { TextWriter } from "./text_writer.ts";

/** How deep elements may nest: Client-Server API, section "m.room.message msgtypes". */
export const MAX_DEPTH = 100;

/** Between a table and the text in it: its body, a row and a cell. */
const TABLE_DEPTH = 4;

/** Stands for white space where a tag could stand. */
const BLANK = " ";

/** An element that was opened. Its identity says which, since the same tag can be open twice. */
export interface OpenElement {
  /** The name in lower case. */
  readonly tag: string;
}

/** Writes elements and text as HTML and, beside it, as plain text. */
export class HtmlWriter {
  readonly #open: OpenElement[] = [];
  readonly #text = new TextWriter();
  readonly #maxChars: number;
  #html = "";
  /** What was written last: a tag, or text, blank or not. The start counts as a block. */
  #last = "div";
  #afterPre = false;

  /**
   * Starts with nothing.
   *
   * @param maxChars how long the HTML may become; what is longer is thrown as a `RangeError`
   */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /**
   * Writes a start tag, after the end tags that a parser would imply before it.
   *
   * @returns what to close later; nothing for an element without content, or for one that may not stand here, whose
   * content then follows without it
   */
  open(tag: string, attributes: readonly Attribute[]): OpenElement | undefined {
    if (!TABLE_PARENTS.has(tag)) this.#closeImplied(tag);
    if (!this.#fits(tag)) {
      // The words of two blocks must not become one.
      if (this.#last !== BLANK && (BLOCKS.has(tag) || tag === "br")) this.text("\n");
      return undefined;
    }
    const list = attributes.map(({ name, value }) => ` ${name}="${escapeAttribute(value)}"`).join("");
    this.#write(`<${tag}${list}>`, tag);
    this.#text.open(tag, attributes);
    if (VOIDS.has(tag)) return undefined;
    this.#afterPre = tag === "pre";
    const element = { tag };
    this.#open.push(element);
    return element;
  }

  /** Writes the end tag, after those of what is still open within; nothing when it was already closed. */
  close(element: OpenElement): void {
    if (!this.#open.includes(element)) return;
    for (let top = this.#open.pop(); top !== undefined; top = this.#open.pop()) {
      this.#write(`</${top.tag}>`, top.tag);
      this.#text.close(top.tag);
      if (top === element) return;
    }
  }

  /** Writes text. White space that only stands between blocks goes. */
  text(source: string): void {
    const text = cleanText(source);
    if (text === "") return;
    if (isBlank(text) && BLOCKS.has(this.#last) && !this.#isOpen("pre")) return;
    if (isBlank(text) && TABLE_FRAMES.has(this.#open.at(-1)?.tag ?? "")) return;
    // A parser drops the first line feed of a preformatted block.
    const html = this.#afterPre && text.startsWith("\n") ? `\n${text}` : text;
    this.#write(escapeText(html), isBlank(text) ? BLANK : "");
    this.#text.text(text);
  }

  /** Closes what is open and gives both forms. */
  finish(): Markup {
    const outermost = this.#open.at(0);
    if (outermost !== undefined) this.close(outermost);
    return { html: this.#html, text: this.#text.finish() };
  }

  #write(html: string, last: string): void {
    this.#html += html;
    this.#last = last;
    this.#afterPre = false;
    if (this.#html.length > this.#maxChars) throw new RangeError("Cannot write HTML: it grows out of proportion");
  }

  #isOpen(tag: string): boolean {
    return this.#open.some((element) => element.tag === tag);
  }

  #fits(tag: string): boolean {
    const parent = this.#open.at(-1)?.tag ?? "";
    if (this.#open.length + (tag === "table" ? TABLE_DEPTH : 1) > MAX_DEPTH) return false;
    if (tag === "a" && this.#isOpen("a")) return false;
    const parents = TABLE_PARENTS.get(tag);
    return parents === undefined ? !TABLE_FRAMES.has(parent) : parents.includes(parent);
  }

  #closeImplied(tag: string): void {
    if (!BLOCKS.has(tag)) return;
    const paragraph = this.#open.find((element) => element.tag === "p");
    if (paragraph !== undefined) this.close(paragraph);
    const parent = this.#open.at(-1);
    if (HEADINGS.has(tag) && parent !== undefined && HEADINGS.has(parent.tag)) this.close(parent);
    if (tag === "li") this.#closeItem();
  }

  /** An item ends the one before it, unless it is in a block of its own there; `div` is none in this. */
  #closeItem(): void {
    const block = this.#open.findLast(({ tag }) => BLOCKS.has(tag) && tag !== "div");
    if (block?.tag === "li") this.close(block);
  }
}
