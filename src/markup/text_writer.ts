/**
 * Writes the plain text of a message from its elements.
 *
 * @module
 */

import { MAX_SHOWN_LEVELS } from "./markup.ts";
import { type Attribute, BLOCKS, findAttribute, VOIDS } from "./permitted.ts";

/**
 * An element with a mark at the start of its lines. The first line of a list item starts with `- `
 * or the number of the item. Each following line starts with as many spaces as the first mark has
 * characters. Each line of a quotation starts with `> `. A table cell has an empty mark.
 */
interface Level {
  readonly first: string;
  readonly rest: string;
  used: boolean;
}

/** An open list. `next` is the number of the next item, or undefined in an unordered list. */
interface List {
  next: number | undefined;
}

/**
 * An open table row: the number of cells that were opened, and the length of the text before the
 * row.
 */
interface Row {
  cells: number;
  readonly start: number;
}

/** An open link: its address, and the text since its start. */
interface Link {
  readonly href: string;
  text: string;
}

/** The elements with an empty line before and after them, except in lists and tables. */
const SPACED = new Set(["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "table", "hr"]);

/**
 * Creates plain text from elements. Blocks start a new line. White space is reduced to one space,
 * except in `pre`. A list item starts with `- ` or its number, and each line of a quotation starts
 * with `> `. Table cells are separated by ` | `. The address of a link is written after the text of
 * the link. An image without a description is written as `[Image]`. A spoiler is replaced by a
 * note, as recommended in section "Spoiler messages" of the specification.
 */
export class TextWriter {
  #text = "";
  /**
   * The number of line breaks to write before the next text. `#space` is true if a space must be
   * written before the next text.
   */
  #breaks = 0;
  #space = false;
  #pre = 0;
  /** The number of open elements in a spoiler, including the spoiler; 0 outside of spoilers. */
  #hidden = 0;
  readonly #levels: Level[] = [];
  readonly #lists: List[] = [];
  readonly #rows: Row[] = [];
  readonly #links: Link[] = [];

  /** Handles a start tag. */
  open(tag: string, attributes: readonly Attribute[]): void {
    if (this.#hidden > 0) {
      if (!VOIDS.has(tag)) this.#hidden++;
      return;
    }
    this.#breakAround(tag);
    if (tag === "br") this.#breaks = this.#pre > 0 ? this.#breaks + 1 : Math.min(this.#breaks + 1, 2);
    else if (tag === "hr") this.#write("---");
    else if (tag === "img") this.text(findAttribute(attributes, "alt") || "[Image]");
    else if (tag === "pre") this.#pre++;
    else if (tag === "blockquote") this.#levels.push({ first: "> ", rest: "> ", used: false });
    else if (tag === "ul") this.#lists.push({ next: undefined });
    else if (tag === "ol") this.#lists.push({ next: Number(findAttribute(attributes, "start") ?? 1) });
    else if (tag === "li") this.#openItem();
    else if (tag === "tr") this.#rows.push({ cells: 0, start: this.#text.length });
    else if (tag === "td" || tag === "th") this.#openCell();
    else if (tag === "a") this.#openLink(findAttribute(attributes, "href") ?? "");
    else if (tag === "span") this.#openSpoiler(findAttribute(attributes, "data-mx-spoiler"));
    if (tag === "hr") this.#breakAround(tag);
  }

  /**
   * Handles an end tag. The caller must close inner elements before outer elements. The caller must
   * not close an element without content, such as `br`.
   */
  close(tag: string): void {
    if (this.#hidden > 0) {
      this.#hidden--;
      return;
    }
    if (tag === "pre") {
      this.#pre--;
      this.#breaks = 0;
    } else if (tag === "blockquote" || tag === "li" || tag === "td" || tag === "th") this.#levels.pop();
    else if (tag === "ul" || tag === "ol") this.#lists.pop();
    else if (tag === "tr") this.#rows.pop();
    else if (tag === "a") this.#closeLink();
    this.#breakAround(tag);
  }

  /** Handles text. The text is not escaped. */
  text(text: string): void {
    if (this.#hidden > 0) return;
    if (this.#pre > 0) return this.#verbatim(text);
    for (const [index, word] of text.split(/[ \t\n]+/).entries()) {
      if (index > 0) this.#space = true;
      if (word !== "") this.#write(word);
    }
  }

  /** Returns the text, without line breaks and spaces at its end. */
  finish(): string {
    return this.#text.trimEnd();
  }

  #verbatim(text: string): void {
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) this.#breaks++;
      if (line !== "") this.#write(line);
    }
  }

  #breakAround(tag: string): void {
    if (!BLOCKS.has(tag) || tag === "td" || tag === "th") return;
    // The first block of a list item or a cell starts in the same line as the mark.
    if (this.#levels.at(-1)?.used === false) return;
    const nested = this.#lists.length > 0 || this.#rows.length > 0;
    this.#breaks = Math.max(this.#breaks, SPACED.has(tag) && !nested ? 2 : 1);
    this.#space = false;
  }

  #openItem(): void {
    const list = this.#lists.at(-1);
    const first = list?.next === undefined ? "- " : `${list.next++}. `;
    this.#levels.push({ first, rest: " ".repeat(first.length), used: false });
  }

  #openCell(): void {
    const row = this.#rows.at(-1);
    if (row !== undefined && row.cells++ > 0) {
      if (this.#text.length > row.start) this.#breaks = 0;
      this.#space = false;
      this.#write(" | ");
    }
    this.#levels.push({ first: "", rest: "", used: false });
  }

  #openLink(href: string): void {
    this.#links.push({ href, text: "" });
  }

  #closeLink(): void {
    const link = this.#links.pop();
    if (link === undefined || link.href === "") return;
    const text = link.text.trim();
    if (text === "") this.#write(link.href);
    else if (!text.endsWith(link.href) && `mailto:${text}` !== link.href) this.#append(` (${link.href})`);
  }

  #openSpoiler(reason: string | undefined): void {
    if (reason === undefined) return;
    this.#write(reason === "" ? "[Spoiler]" : `[Spoiler for ${reason}]`);
    this.#hidden = 1;
  }

  /** Writes the pending line breaks or the pending space, and then a part of a line. */
  #write(piece: string): void {
    if (this.#text === "" || this.#breaks > 0) {
      if (this.#text !== "") this.#append(`\n${this.#blankStart()}`.repeat(this.#breaks - 1) + "\n");
      this.#append(this.#lineStart());
    } else {
      if (this.#space) this.#append(" ");
      // This text continues a line, but marks are written only at the start of a line. Elements
      // that begin here get no mark.
      for (const level of this.#levels) level.used = true;
    }
    this.#append(piece);
    this.#breaks = 0;
    this.#space = false;
  }

  /**
   * Appends to the text. Open links keep a copy, because reading a part of a long text that still
   * grows would copy the whole text each time.
   */
  #append(piece: string): void {
    this.#text += piece;
    for (const link of this.#links) link.text += piece;
  }

  #lineStart(): string {
    let start = "";
    for (const [index, level] of this.#levels.entries()) {
      if (index >= this.#levels.length - MAX_SHOWN_LEVELS) start += level.used ? level.rest : level.first;
      level.used = true;
    }
    return start;
  }

  #blankStart(): string {
    const levels = this.#levels.slice(-MAX_SHOWN_LEVELS).filter((level) => level.used);
    return levels.map((level) => level.rest).join("").trimEnd();
  }
}
