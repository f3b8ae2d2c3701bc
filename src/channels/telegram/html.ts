/**
 * Converts the HTML of Matrix to the HTML of Telegram (Bot API, "Formatting options", "HTML
 * style"). Telegram supports only a few tags and refuses all other tags. So paragraphs, lists and
 * tables are converted to line breaks and symbols.
 *
 * @module
 */

/** A text for `parse_mode: "HTML"`. */
export interface TelegramText {
  readonly html: string;
  /** The length as Telegram counts it: in UTF-16 code units, without tags. */
  readonly length: number;
}

/** The Telegram elements, by the names of the Matrix elements. */
const KEPT: Readonly<Record<string, string>> = {
  ...{ b: "b", strong: "b", i: "i", em: "i", u: "u", s: "s", del: "s" },
  ...{ a: "a", code: "code", pre: "pre", blockquote: "blockquote" },
  ...{ h1: "b", h2: "b", h3: "b", h4: "b", h5: "b", h6: "b", th: "b", summary: "b" },
};

/** The smallest number of line breaks before and after an element. */
const BREAKS: Readonly<Record<string, number>> = {
  ...{ p: 2, pre: 2, blockquote: 2, table: 2, h1: 2, h2: 2, h3: 2, h4: 2, h5: 2, h6: 2 },
  ...{ div: 1, ul: 1, ol: 1, li: 1, tr: 1, hr: 1, caption: 1, details: 1, summary: 1 },
};

/** Matches a tag (slash, name and attributes) or a text. */
const TOKEN_REGEXP = /<(\/?)([a-z0-9]+)((?:\s+[-a-z]+(?:="[^"]*")?)*)\s*>|[^<]+/g;

/** Converts HTML. The HTML must be well-formed, like the HTML from `render.ts` and `markup/`. */
export function toTelegramHtml(html: string): TelegramText {
  const writer = new TelegramWriter();
  for (const [token, slash, name, attributes] of html.matchAll(TOKEN_REGEXP)) {
    if (name === undefined) writer.text(token);
    else if (slash === "") writer.open(name, attributes);
    else writer.close(name);
  }
  return { html: writer.html, length: writer.length };
}

interface List {
  /** The number of the next item; undefined for a list without numbers. */
  next?: number;
}

class TelegramWriter {
  html = "";
  length = 0;
  /** The number of line breaks to write before the next text. */
  #due = 0;
  #preDepth = 0;
  #isRowStart = true;
  readonly #lists: List[] = [];
  /** The end tags of the open spans; an empty text for a span that has no tag in Telegram. */
  readonly #spans: string[] = [];

  open(name: string, attributes: string): void {
    this.#break(BREAKS[name] ?? 0);
    switch (name) {
      case "br":
        this.#due++;
        return;
      case "hr":
        this.#write("———");
        return this.#break(1);
      case "img":
        return this.#write(attributeOf(attributes, "alt") ?? "");
      case "ul":
        return void this.#lists.push({});
      case "ol":
        return void this.#lists.push({ next: Number(attributeOf(attributes, "start") ?? 1) });
      case "li":
        return this.#bullet();
      case "tr":
        this.#isRowStart = true;
        return;
      case "td":
      case "th":
        if (!this.#isRowStart) this.#write(" | ");
        this.#isRowStart = false;
        break;
      case "pre":
        this.#preDepth++;
        break;
    }
    const isSpoiler = name === "span" && /\sdata-mx-spoiler\b/.test(attributes);
    if (name === "span") this.#spans.push(isSpoiler ? "</tg-spoiler>" : "");
    const start = isSpoiler ? "<tg-spoiler>" : startTag(name, attributes);
    if (start === "") return;
    this.#settle();
    this.html += start;
  }

  close(name: string): void {
    if (name === "ul" || name === "ol") this.#lists.pop();
    if (name === "pre") this.#preDepth--;
    this.html += name === "span" ? this.#spans.pop() ?? "" : name in KEPT ? `</${KEPT[name]}>` : "";
    this.#break(BREAKS[name] ?? 0);
  }

  /**
   * Writes a text. Outside of the element `pre`, several white space characters become one space,
   * and white space at the beginning of a line is removed. A no-break space becomes an ordinary
   * space, which Telegram does not merge with other spaces.
   */
  text(escaped: string): void {
    if (this.#preDepth > 0) return this.#verbatim(escaped);
    const text = escaped.replace(/[ \t\n\r]+/g, " ");
    const line = this.#due > 0 || this.length === 0 ? text.replace(/^ /, "") : text;
    this.#write(line.replaceAll("\u00a0", " "));
  }

  /**
   * Writes a text in the element `pre`. A line break at the end of the text is not written at
   * once. It is one of the line breaks before the next text.
   */
  #verbatim(escaped: string): void {
    const isEnded = escaped.endsWith("\n");
    this.#write(isEnded ? escaped.slice(0, -1) : escaped);
    if (isEnded) this.#due++;
  }

  #bullet(): void {
    const list = this.#lists.at(-1);
    const indent = "  ".repeat(Math.max(0, this.#lists.length - 1));
    this.#write(indent + (list?.next === undefined ? "• " : `${list.next++}. `));
  }

  #break(count: number): void {
    this.#due = Math.max(this.#due, count);
  }

  /** Writes the pending line breaks, except before the first text. */
  #settle(): void {
    const breaks = this.length === 0 ? "" : "\n".repeat(this.#due);
    this.html += breaks;
    this.length += breaks.length;
    this.#due = 0;
  }

  #write(escaped: string): void {
    if (escaped === "") return;
    this.#settle();
    this.html += escaped;
    this.length += escaped.replace(/&(?:lt|gt|amp|quot);/g, "&").length;
  }
}

function startTag(name: string, attributes: string): string {
  if (name === "a") return `<a href="${attributeOf(attributes, "href") ?? ""}">`;
  const tag = KEPT[name];
  if (tag === undefined) return "";
  const language = tag === "code" ? attributeOf(attributes, "class") : undefined;
  return language === undefined ? `<${tag}>` : `<${tag} class="${language}">`;
}

function attributeOf(attributes: string, name: string): string | undefined {
  return new RegExp(`\\s${name}="([^"]*)"`).exec(attributes)?.[1];
}
