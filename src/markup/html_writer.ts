/**
 * Writes HTML that all parsers read in the same way.
 *
 * Invariant: the elements in `#open` are nested as the HTML standard requires, so parsers do not
 * change the nesting. Therefore a client gets the same tree that was checked here. Reducing the
 * written HTML again does not change it.
 *
 * @module
 */

import { cleanText, escapeAttribute, escapeText, isBlank, type Markup } from "./markup.ts";
import { type Attribute, BLOCKS, HEADINGS, TABLE_FRAMES, TABLE_PARENTS, VOIDS } from "./permitted.ts";
import { TextWriter } from "./text_writer.ts";

/**
 * The maximum depth of nested elements, from the Client-Server API, section "m.room.message
 * msgtypes".
 */
export const MAX_DEPTH = 100;

/** The number of nested elements in a table: table, body, row and cell. */
const TABLE_DEPTH = 4;

/** The value of `#last` if the last written item was white space. */
const BLANK = " ";

/**
 * An open element: its end tag was not written yet. Compare two open elements with `===` and not by
 * their tags, because two open elements can have equal tags.
 */
export interface OpenElement {
  /** The name of the tag in lower case. */
  readonly tag: string;
}

/** Writes elements and text in two forms: as HTML and as plain text. */
export class HtmlWriter {
  readonly #open: OpenElement[] = [];
  readonly #text = new TextWriter();
  #hasUnsafeLink = false;
  readonly #maxChars: number;
  #html = "";
  /**
   * The last written item: the name of a tag, {@linkcode BLANK} for white space, or an empty string
   * for text that is not white space. At the start of the document, the value is `div`, because the
   * start counts as a block.
   */
  #last = "div";
  #afterPre = false;

  /**
   * Creates an empty document.
   *
   * @param maxChars the maximum length of the HTML. If the HTML becomes longer, a `RangeError` is
   * thrown.
   */
  constructor(maxChars: number) {
    this.#maxChars = maxChars;
  }

  /**
   * Writes a start tag. Some start tags close open elements: for example, `<p>` closes an open
   * paragraph. The end tags of these elements are written first.
   *
   * @returns the element to close later; undefined if the element cannot have content or is not
   * permitted here. The content of an element that is not permitted is written without its tags.
   */
  open(tag: string, attributes: readonly Attribute[]): OpenElement | undefined {
    if (!TABLE_PARENTS.has(tag)) this.#closeImplied(tag);
    if (!this.#fits(tag)) {
      // The line break separates the last word of a block from the first word of the next block.
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

  /**
   * Writes the end tags of all open elements inside an element, and then the end tag of this
   * element. If the element is already closed, the function does nothing.
   */
  close(element: OpenElement): void {
    if (!this.#open.includes(element)) return;
    for (let top = this.#open.pop(); top !== undefined; top = this.#open.pop()) {
      this.#write(`</${top.tag}>`, top.tag);
      this.#text.close(top.tag);
      if (top === element) return;
    }
  }

  /** Records that the source contains an unsafe link, which is not written. */
  foundUnsafeLink(): void {
    this.#hasUnsafeLink = true;
  }

  /** Writes text. White space between blocks is removed. */
  text(source: string): void {
    const text = cleanText(source);
    if (text === "") return;
    if (isBlank(text) && BLOCKS.has(this.#last) && !this.#isOpen("pre")) return;
    if (isBlank(text) && TABLE_FRAMES.has(this.#open.at(-1)?.tag ?? "")) return;
    // A parser removes the first line feed of a `pre`, so an additional line feed is written.
    const html = this.#afterPre && text.startsWith("\n") ? `\n${text}` : text;
    this.#write(escapeText(html), isBlank(text) ? BLANK : "");
    this.#text.text(text);
  }

  /** Closes all open elements, and returns the HTML and the plain text. */
  finish(): Markup {
    const outermost = this.#open.at(0);
    if (outermost !== undefined) this.close(outermost);
    return { html: this.#html, text: this.#text.finish(), ...(this.#hasUnsafeLink ? { isSourceUnsafe: true } : {}) };
  }

  #write(html: string, last: string): void {
    this.#html += html;
    this.#last = last;
    this.#afterPre = false;
    if (this.#html.length > this.#maxChars) throw new RangeError("Cannot write HTML: it is too long");
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

  /**
   * Closes the previous list item, because a new item starts. The previous item stays open if it
   * contains the new item in a block, such as a nested list. Here, a `div` does not count as a
   * block.
   */
  #closeItem(): void {
    const block = this.#open.findLast(({ tag }) => BLOCKS.has(tag) && tag !== "div");
    if (block?.tag === "li") this.close(block);
  }
}
