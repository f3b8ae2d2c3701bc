/**
 * Splits HTML into a subject and a message: the first line of the HTML becomes the subject. Parsing
 * HTML completely needs a package, so only simple first lines are recognized.
 */

/** A subject, and HTML without its first line. */
export interface SplitHtml {
  readonly subject: string;
  readonly message: string;
}

/** The longest first line that becomes the subject, in UTF-16 code units. */
const MAX_SUBJECT_CHARS = 200;

/** The first line must end within this length of the HTML, in UTF-16 code units. */
const MAX_LINE_HTML_CHARS = 2000;

/** Elements whose tags are left out of a subject. Their text is kept. */
const EMPHASIS = new Set(["b", "strong", "i", "em", "u", "font", "span", "big", "small"]);

/** Elements whose end is the end of a line. */
const BLOCKS = new Set(["p", "div", "h1", "h2", "h3", "h4", "h5", "h6"]);

/** Elements that begin on a new line. */
const BREAKS = new Set([...BLOCKS, "ul", "ol", "table", "pre", "blockquote", "hr", "details"]);

/**
 * Splits HTML after its first line. Returns undefined if the first line is too long. Also returns
 * undefined if the first line has something that a subject cannot show, such as a link, code or an
 * image.
 */
export function splitHtml(html: string): SplitHtml | undefined {
  const open: { readonly name: string; readonly tag: string }[] = [];
  let line = "", at = 0;
  const end = (from: number): SplitHtml | undefined => {
    const subject = decodeEntities(line)?.replace(/\s+/g, " ").trim();
    if (subject === undefined || subject === "" || subject.length > MAX_SUBJECT_CHARS) return undefined;
    const rest = html.slice(from).replace(/^(?:\s|<br\s*\/?>)+/i, "");
    // An element that is still open continues in the message. Therefore repeat its start tag.
    return { subject, message: rest === "" ? "" : open.map(({ tag }) => tag).join("") + rest };
  };
  while (at < html.length && at < MAX_LINE_HTML_CHARS) {
    const [whole, text, tag = "", slash, given = ""] = /^([^<]*)(<(\/?)([a-z][a-z0-9-]*)\b[^>]*>)?/i
      .exec(html.slice(at, at + MAX_LINE_HTML_CHARS)) ?? [""];
    line += text;
    const name = given.toLowerCase(), isBlank = line.trim() === "";
    if (tag === "") return whole.length > 0 && at + whole.length === html.length ? end(html.length) : undefined;
    if (name === "br" || slash === "" && BREAKS.has(name) && !isBlank) {
      if (!isBlank) return end(name === "br" ? at + whole.length : at + text.length);
    } else if (slash === "/") {
      if (open.pop()?.name !== name) return undefined;
      if (BLOCKS.has(name) && !isBlank) return end(at + whole.length);
    } else if (EMPHASIS.has(name) || BLOCKS.has(name)) {
      open.push({ name, tag });
    } else return undefined;
    at += whole.length;
  }
  return at >= html.length ? end(html.length) : undefined;
}

/** The entities that programs write when they escape text. */
const ENTITIES: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", emsp: " " },
};

/** Decodes the entities of a text. Returns undefined if an entity is not known. */
function decodeEntities(text: string): string | undefined {
  let isKnown = true;
  const decoded = text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (_, decimal, hex, name) => {
    const code = decimal !== undefined ? parseInt(decimal, 10) : hex !== undefined ? parseInt(hex, 16) : undefined;
    if (code === undefined ? !Object.hasOwn(ENTITIES, name) : code > 0x10ffff || code === 0) isKnown = false;
    return !isKnown ? "" : code === undefined ? ENTITIES[name] : String.fromCodePoint(code).toWellFormed();
  });
  return isKnown ? decoded : undefined;
}
