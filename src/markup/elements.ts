/**
 * Which elements may be in a message, from the Client-Server API, section "m.room.message msgtypes" (v1.18), and what
 * becomes of the others.
 *
 * @module
 */

/**
 * The suggested elements that hold other elements and stand on lines of their own. An HTML parser ends an open
 * paragraph before them.
 */
export const BLOCKS: ReadonlySet<string> = new Set([
  ...["h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "ul", "ol", "li", "div", "pre", "details", "summary"],
  ...["table", "caption", "thead", "tbody", "tr", "th", "td", "hr"],
]);

/** The suggested elements that stand in a line. */
export const INLINES: ReadonlySet<string> = new Set([
  ...["del", "a", "sup", "sub", "b", "i", "u", "strong", "em", "s", "code", "br", "span", "img"],
]);

/** The elements without content and end tag. */
export const VOIDS: ReadonlySet<string> = new Set(["br", "hr", "img"]);

/** The headings: one cannot stand directly in another. */
export const HEADINGS: ReadonlySet<string> = new Set(["h1", "h2", "h3", "h4", "h5", "h6"]);

/** The parts of a table with the elements that they may stand in. */
export const TABLE_PARENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["caption", ["table"]],
  ["thead", ["table"]],
  ["tbody", ["table"]],
  ["tr", ["thead", "tbody"]],
  ["th", ["tr"]],
  ["td", ["tr"]],
]);

/** The elements that hold nothing but parts of a table. */
export const TABLE_FRAMES: ReadonlySet<string> = new Set(["table", "thead", "tbody", "tr"]);

/**
 * Elements that are written as another one. `strike` is the old name of `del`. Blocks that the specification does not
 * name become a `div`, since otherwise their text would run into that of their neighbours.
 */
export const REPLACED: ReadonlyMap<string, string> = new Map([
  ...["strike"].map((tag) => [tag, "del"] as const),
  ...["dir", "menu"].map((tag) => [tag, "ul"] as const),
  ...["listing", "plaintext", "xmp"].map((tag) => [tag, "pre"] as const),
  ...["tfoot"].map((tag) => [tag, "tbody"] as const),
  ...["address", "article", "aside", "center", "dd", "dialog", "dl", "dt", "fieldset", "figcaption", "figure", "footer"]
    .map((tag) => [tag, "div"] as const),
  ...["form", "header", "hgroup", "legend", "main", "nav", "search", "section"].map((tag) => [tag, "div"] as const),
]);

/**
 * Elements whose content is no text of the message and goes with them: programs, styles, the head of a page, what only
 * shows when something else does not, what only makes sense in a form, and the quotation of a reply (`mx-reply`, gone
 * from the specification since v1.13).
 */
export const DROPPED: ReadonlySet<string> = new Set([
  ...["script", "style", "head", "title", "template", "desc", "metadata", "mx-reply"],
  ...["iframe", "object", "applet", "embed", "noscript", "noembed", "noframes", "audio", "video", "canvas"],
  ...["textarea", "select", "datalist"],
]);
