// deno-lint-ignore-file no-import-prefix -- A module from a URL does not have an import map.

/**
 * Reduces HTML to the elements that a Matrix message may contain. This file is loaded only when it
 * is needed. A host without HTML messages does not download the parser.
 *
 * @module
 */

import {
  defaultTreeAdapter,
  type DefaultTreeAdapterTypes,
  html as standard,
  parse as parsePage,
} from "npm:parse5@8.0.1";
import { type Attribute, BLOCKS, DROPPED, findAttribute, INLINES, permittedAttributes, REPLACED } from "./permitted.ts";
import { isUnsafeLink } from "../base/unsafe_link.ts";
import { isReadableOnEachTheme, parseColor } from "./colors.ts";
import { HtmlWriter, type OpenElement } from "./html_writer.ts";
import { type Markup, MAX_HTML_CHARS, toPlainMarkup } from "./markup.ts";

/**
 * The maximum number of open elements (elements whose end was not parsed yet). HTML with more open
 * elements is shown as source. Without a limit, parsing could take too long, because the parser
 * searches all open elements at each tag. Browsers have the same limit, 512.
 */
const MAX_OPEN_ELEMENTS = 512;

/**
 * The maximum length of the result is this factor times the length of the source, plus
 * {@linkcode MAX_GROWTH_CHARS}. The result can be longer than the source, because a parser repeats
 * an unclosed `b` or `a` in each following block.
 */
const MAX_GROWTH = 8;
const MAX_GROWTH_CHARS = 64 * 1024;

/** An element whose children are being written. */
interface Frame {
  readonly nodes: readonly DefaultTreeAdapterTypes.ChildNode[];
  readonly opened: OpenElement | undefined;
  next: number;
}

/**
 * Reduces HTML to permitted elements and attributes, and creates the plain text of the HTML. The
 * Client-Server API (v1.18) lists the permitted elements in section "m.room.message msgtypes".
 *
 * - `script`, `style`, `template`, `mx-reply` and some others are removed with their content.
 * - Some elements become similar elements. For example, `strike` becomes `del`, and blocks that are
 *   not permitted become a `div`.
 * - Other elements that are not permitted are replaced by their text.
 * - Elements deeper than 100 levels are replaced by their text.
 * - Colours (`<font color>`, the attribute `style`) become a `span` with `data-mx-color`.
 * - A link is replaced by its text if its address is not absolute or its scheme is not permitted.
 * - An image without an `mxc:` address becomes a link.
 * - Elements without content are written without a slash, such as `<br>`. HTML ignores the slash.
 *
 * The function never throws. HTML is shown as source if it is longer than
 * {@linkcode MAX_HTML_CHARS} or has more than 512 open elements. It is also shown as source if the
 * result would be much longer. The source is escaped and its line breaks are shown.
 *
 * @param html a fragment or a whole page, well-formed or not
 * @returns the HTML and the text; both are empty if the HTML does not contain text
 */
export function reduceHtml(html: string): Markup {
  return tryReduceHtml(html, MAX_HTML_CHARS) ?? toPlainMarkup(html);
}

/**
 * Reduces HTML like {@linkcode reduceHtml}, but returns undefined instead of showing the source.
 *
 * @param html a fragment or a whole page
 * @param maxChars the maximum length of HTML to parse
 * @returns the HTML and the text; undefined if parsing would need too much time or memory
 */
export function tryReduceHtml(html: string, maxChars: number): Markup | undefined {
  if (html.length > maxChars) return undefined;
  const source = html.toWellFormed();
  try {
    const writer = new HtmlWriter(MAX_GROWTH * source.length + MAX_GROWTH_CHARS);
    writeNodes(parse(source), writer);
    return writer.finish();
  } catch {
    // Either a limit was reached or the parser has a bug. The error is not thrown, because the
    // message must still be sent.
    return undefined;
  }
}

/**
 * The start of a page with an open body. After this start, the source cannot open a `head` or a
 * `frameset`.
 */
const PAGE_START = "<!DOCTYPE html><body>";

/**
 * Parses HTML into the same nodes that a Matrix client gets. The source is parsed as a page, not as
 * a fragment. To return a fragment, the parser moves all nodes one by one, which needs quadratic
 * time.
 */
function parse(source: string): Frame["nodes"] {
  return parsePage(PAGE_START + source, { treeAdapter: boundedAdapter(source.length + MAX_GROWTH_CHARS) }).childNodes;
}

function boundedAdapter(maxElements: number): typeof defaultTreeAdapter {
  let open = 0, created = 0;
  return {
    ...defaultTreeAdapter,
    createElement: (tagName, namespace, attributes) => {
      if (++created > maxElements) throw new RangeError("Cannot parse HTML: too many elements");
      return defaultTreeAdapter.createElement(tagName, namespace, attributes);
    },
    onItemPush: () => {
      if (++open > MAX_OPEN_ELEMENTS) throw new RangeError("Cannot parse HTML: too many open elements");
    },
    onItemPop: () => {
      open--;
    },
  };
}

/**
 * Writes nodes. Does not use recursion, because wrongly nested tags can create a tree that is
 * deeper than {@linkcode MAX_OPEN_ELEMENTS}.
 */
function writeNodes(nodes: Frame["nodes"], writer: HtmlWriter): void {
  const frames: Frame[] = [{ nodes, opened: undefined, next: 0 }];
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const node = frame.nodes[frame.next++];
    if (node === undefined) {
      if (frame.opened !== undefined) writer.close(frame.opened);
      frames.pop();
    } else if (defaultTreeAdapter.isTextNode(node)) {
      writer.text(node.value);
    } else if (defaultTreeAdapter.isElementNode(node) && !DROPPED.has(node.tagName)) {
      frames.push({ nodes: node.childNodes, opened: writeStart(node, writer), next: 0 });
    }
  }
}

function writeStart(node: DefaultTreeAdapterTypes.Element, writer: HtmlWriter): OpenElement | undefined {
  // An SVG element is not an HTML element, even if the names are equal, as with `a`.
  if (node.namespaceURI !== standard.NS.HTML) return undefined;
  const tag = REPLACED.get(node.tagName) ?? node.tagName;
  if (!BLOCKS.has(tag) && !INLINES.has(tag)) return undefined;
  const styles = styleElements(node.tagName, node.attrs);
  const attributes = permittedAttributes(tag, node.attrs);
  if (tag === "img" && findAttribute(attributes, "src") === undefined) {
    writeOtherImage(node.attrs, writer);
    return undefined;
  }
  if (tag === "a" && isUnsafeLink(findAttribute(node.attrs, "href") ?? "")) writer.foundUnsafeLink();
  // Links without an address and spans without attributes are not written.
  const isUseless = tag === "a" && findAttribute(attributes, "href") === undefined ||
    tag === "span" && attributes.length === 0;
  const opened = [...isUseless ? [] : [[tag, attributes] as const], ...styles]
    .map(([tag, attributes]) => writer.open(tag, attributes));
  // Return the outermost of these elements: closing it also closes the elements inside it.
  return opened.find((element) => element !== undefined);
}

/** Matches the width or the height of an invisible image. Such images only track readers. */
const INVISIBLE = /^[01](px)?$/;

/**
 * Writes an image without an `mxc:` address as a link, or as its description. Clients load images
 * only from homeservers.
 */
function writeOtherImage(attributes: readonly Attribute[], writer: HtmlWriter): void {
  const find = (name: string) => findAttribute(attributes, name) ?? "";
  const label = find("alt");
  const link = permittedAttributes("a", [{ name: "href", value: find("src") }]);
  if (link.length === 0 || INVISIBLE.test(find("width")) || INVISIBLE.test(find("height"))) return writer.text(label);
  const element = writer.open("a", link);
  writer.text(label || "[Image]");
  if (element !== undefined) writer.close(element);
}

/** The elements that replace an attribute `style`, from the outermost to the innermost. */
type StyleElements = readonly (readonly [tag: string, attributes: readonly Attribute[]])[];

/** The elements that never contain text directly, but only other elements or nothing. */
const WITHOUT_TEXT = new Set(["table", "thead", "tbody", "tr", "ul", "ol", "br", "hr", "img"]);

/**
 * Returns the elements that replace the attribute `style` of an element. They are written
 * inside the element, or instead of a `font`, `mark` or `span`.
 *
 * A text colour without a background colour is kept only if the text is readable on a white and on
 * a dark background. The text colour of a link is left out, because clients choose this colour.
 *
 * @param source the name of the element in the source
 */
function styleElements(source: string, attributes: readonly Attribute[]): StyleElements {
  if (WITHOUT_TEXT.has(source)) return [];
  const style = declarations(findAttribute(attributes, "style") ?? "");
  const tags = [
    ...(/^(bold|bolder|[6-9]00)$/.test(style.get("font-weight") ?? "") ? ["strong"] : []),
    ...(/^(italic|oblique)/.test(style.get("font-style") ?? "") ? ["em"] : []),
    ...(/\bunderline\b/.test(decorationOf(style)) && source !== "a" ? ["u"] : []),
    ...(/\bline-through\b/.test(decorationOf(style)) ? ["del"] : []),
    ...(/\b(monospace|courier|consolas|menlo)\b/.test(style.get("font-family") ?? "") ? ["code"] : []),
  ].filter((tag) => tag !== source && !(source === "pre" && tag === "code"));
  const colors = colorsOf(source, attributes, style);
  return [...colors.length === 0 ? [] : [["span", colors] as const], ...tags.map((tag) => [tag, []] as const)];
}

function colorsOf(
  source: string,
  attributes: readonly Attribute[],
  style: ReadonlyMap<string, string>,
): readonly Attribute[] {
  const isMark = source === "mark";
  const back = parseColor(style.get("background-color") ?? style.get("background") ?? (isMark ? "#ffff00" : ""));
  const given = style.get("color") ?? (source === "font" ? findAttribute(attributes, "color") : undefined) ??
    (isMark ? "#000000" : "");
  const front = source === "a" ? undefined : parseColor(given);
  const isShown = front !== undefined && (back !== undefined || isReadableOnEachTheme(front));
  return [
    ...(back === undefined ? [] : [{ name: "data-mx-bg-color", value: back }]),
    ...(isShown ? [{ name: "data-mx-color", value: front }] : []),
  ];
}

function decorationOf(style: ReadonlyMap<string, string>): string {
  return style.get("text-decoration-line") ?? style.get("text-decoration") ?? "";
}

/** Reads the declarations of an attribute `style`. */
function declarations(style: string): ReadonlyMap<string, string> {
  return new Map(
    style.toLowerCase().split(";").map((declaration) => {
      const at = declaration.indexOf(":");
      return [declaration.slice(0, at).trim(), declaration.slice(at + 1).replace("!important", "").trim()];
    }),
  );
}
