/**
 * The permitted elements and attributes of a message, from the Client-Server API, section
 * "m.room.message msgtypes" (v1.18). This file also lists the elements that are replaced or
 * removed.
 *
 * @module
 */

import { parseColor } from "./colors.ts";
import { cleanText } from "./markup.ts";

/** The permitted block elements. An HTML parser closes an open paragraph before a block element. */
export const BLOCKS: ReadonlySet<string> = new Set([
  ...["h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "ul", "ol", "li", "div", "pre", "details", "summary"],
  ...["table", "caption", "thead", "tbody", "tr", "th", "td", "hr"],
]);

/** The permitted inline elements. */
export const INLINES: ReadonlySet<string> = new Set([
  ...["del", "a", "sup", "sub", "b", "i", "u", "strong", "em", "s", "code", "br", "span", "img"],
]);

/** The elements that have neither content nor an end tag. */
export const VOIDS: ReadonlySet<string> = new Set(["br", "hr", "img"]);

/** The headings. A heading cannot be a child of another heading. */
export const HEADINGS: ReadonlySet<string> = new Set(["h1", "h2", "h3", "h4", "h5", "h6"]);

/** The parts of a table, each with its possible parents. */
export const TABLE_PARENTS: ReadonlyMap<string, readonly string[]> = new Map([
  ["caption", ["table"]],
  ["thead", ["table"]],
  ["tbody", ["table"]],
  ["tr", ["thead", "tbody"]],
  ["th", ["tr"]],
  ["td", ["tr"]],
]);

/** The elements that contain only parts of a table. */
export const TABLE_FRAMES: ReadonlySet<string> = new Set(["table", "thead", "tbody", "tr"]);

/**
 * The elements that are replaced, each with its replacement. `strike` is the old name of `del`. A
 * block that is not permitted becomes a `div`. Without the `div`, the text of the block would be
 * joined to the text before and after it.
 */
export const REPLACED: ReadonlyMap<string, string> = new Map([
  ...["strike"].map((tag) => [tag, "del"] as const),
  ...["font", "mark"].map((tag) => [tag, "span"] as const),
  ...["kbd", "samp", "tt"].map((tag) => [tag, "code"] as const),
  ...["cite", "dfn", "var"].map((tag) => [tag, "em"] as const),
  ...["ins"].map((tag) => [tag, "u"] as const),
  ...["dir", "menu"].map((tag) => [tag, "ul"] as const),
  ...["listing", "plaintext", "xmp"].map((tag) => [tag, "pre"] as const),
  ...["tfoot"].map((tag) => [tag, "tbody"] as const),
  ...["address", "article", "aside", "center", "dd", "dialog", "dl", "dt", "fieldset", "figcaption", "figure", "footer"]
    .map((tag) => [tag, "div"] as const),
  ...["form", "header", "hgroup", "legend", "main", "nav", "search", "section"].map((tag) => [tag, "div"] as const),
]);

/**
 * The elements that are removed with their content, because the content is not text of the message.
 * Examples are programs, styles, the head of a page, alternatives for old browsers, and parts of
 * forms. `mx-reply` is the quotation in a reply; the specification removed it in v1.13.
 */
export const DROPPED: ReadonlySet<string> = new Set([
  ...["script", "style", "head", "title", "template", "desc", "metadata", "mx-reply"],
  ...["iframe", "object", "applet", "embed", "noscript", "noembed", "noframes", "audio", "video", "canvas"],
  ...["textarea", "select", "datalist"],
]);

/** An attribute of an element. */
export interface Attribute {
  /** The name in lower case. */
  readonly name: string;
  /** The value, not escaped: it contains `&`, not `&amp;`. */
  readonly value: string;
}

/**
 * A function that checks a value. Returns the value to write, or undefined if the value is not
 * permitted.
 */
type Check = (value: string) => string | undefined;

const CHECKS: ReadonlyMap<string, Readonly<Record<string, Check>>> = new Map<string, Record<string, Check>>([
  ["span", {
    "data-mx-bg-color": parseColor,
    "data-mx-color": parseColor,
    "data-mx-spoiler": cleanText,
    "data-mx-maths": cleanText,
  }],
  ["a", { href, target }],
  ["img", { width: digits, height: digits, alt: cleanText, title: cleanText, src }],
  ["ol", { start: integer }],
  ["code", { class: languages }],
  ["div", { "data-mx-maths": cleanText }],
]);

/**
 * The beginnings of permitted links. Web addresses need both slashes, because a browser can treat
 * `https:page` as relative to the current page.
 */
const HREF_STARTS = ["https://", "http://", "ftp://", "mailto:", "magnet:"];

/**
 * Returns the attributes that the specification permits for an element, in the order of the
 * specification.
 *
 * @param tag the element in lower case
 * @param attributes the attributes of the source, without duplicate names
 */
export function permittedAttributes(tag: string, attributes: readonly Attribute[]): readonly Attribute[] {
  const kept: Attribute[] = [];
  for (const [name, check] of Object.entries(CHECKS.get(tag) ?? {})) {
    const found = attributes.find((attribute) => attribute.name === name);
    const value = found === undefined ? undefined : check(found.value);
    if (value !== undefined) kept.push({ name, value });
  }
  return kept;
}

/** Finds the value of an attribute. */
export function findAttribute(attributes: readonly Attribute[], name: string): string | undefined {
  return attributes.find((attribute) => attribute.name === name)?.value;
}

function digits(value: string): string | undefined {
  return /^[0-9]{1,5}$/.test(value) ? value : undefined;
}

function integer(value: string): string | undefined {
  return /^-?[0-9]{1,9}$/.test(value) ? value : undefined;
}

function languages(value: string): string | undefined {
  const names = cleanText(value).split(/\s+/).filter((name) => name.startsWith("language-") && name !== "language-");
  return names.length === 0 ? undefined : names.join(" ");
}

/**
 * Checks the attribute `target` of a link. A target other than `_blank` could replace the page of
 * the client.
 */
function target(value: string): string | undefined {
  return value === "_blank" ? value : undefined;
}

/**
 * Normalises an address as a browser does: removes blanks at both ends, and all tabs and line
 * breaks.
 */
function normalizeUrl(value: string): string {
  return cleanText(value).trim().replaceAll("\n", "").replaceAll("\t", "");
}

function href(value: string): string | undefined {
  const url = normalizeUrl(value);
  const start = HREF_STARTS.find((start) => url.toLowerCase().startsWith(start));
  // Write the scheme in lower case, because clients compare the scheme case-sensitively.
  return start !== undefined && URL.canParse(url) ? start + url.slice(start.length) : undefined;
}

/** Checks a Matrix content URI (the address of a media file): `mxc://server/media`. */
function src(value: string): string | undefined {
  const url = normalizeUrl(value);
  const [scheme, empty, server, media, ...more] = url.split("/");
  return scheme === "mxc:" && empty === "" && server && media && more.length === 0 ? url : undefined;
}
