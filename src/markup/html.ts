// deno-lint-ignore-file no-import-prefix -- A module from a URL does not have an import map.

/**
 * Reduces HTML to the elements that a Matrix message may contain. This file is loaded only when it
 * is needed, so that hosts without HTML messages do not download the parser.
 *
 * @module
 */

import {
  defaultTreeAdapter,
  type DefaultTreeAdapterTypes,
  html as standard,
  parse as parsePage,
} from "npm:parse5@8.0.1";
import { BLOCKS, DROPPED, findAttribute, INLINES, permittedAttributes, REPLACED } from "./permitted.ts";
import { HtmlWriter, type OpenElement } from "./html_writer.ts";
import { type Markup, toPlainMarkup } from "./markup.ts";

/**
 * The maximum length of HTML that is parsed. Longer HTML is shown as source. An event has at most
 * 64 KiB, and the parser needs quadratic time for a tag with many attributes.
 */
export const MAX_HTML_CHARS: number = 96 * 1024;

/**
 * The maximum number of open elements. HTML with more open elements is shown as source, because the
 * parser searches all open elements at each tag. Browsers have the same limit.
 */
const MAX_OPEN_ELEMENTS = 512;

/**
 * The maximum growth from the source to the result. The result can be longer than the source,
 * because a parser repeats an unclosed `b` or `a` in each block. The maximum length is this factor
 * times the length of the source, plus {@linkcode MAX_GROWTH_CHARS}.
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
 * Elements that are not permitted are replaced by their text. Elements such as `script`, `style`,
 * `template` and `mx-reply` are removed with their content. Blocks that are not permitted become a
 * `div`, and `strike` becomes `del`. A link must have an absolute address with a permitted scheme,
 * and an image must have an `mxc:` address. Without such an address, the element is replaced by its
 * text. Elements deeper than 100 levels are also replaced by their text. Elements without content
 * are written as `<br>`, not as `<br/>`, because the slash does not have a meaning in HTML.
 *
 * The function never throws. HTML is shown as source if it is longer than {@linkcode
 * MAX_HTML_CHARS}, has more than 512 open elements at the same time, or grows too much. The source
 * is escaped and its line breaks are shown. If the result is not the source, reducing the result
 * again does not change it.
 *
 * @param html a fragment or a whole page, well-formed or not
 * @returns the HTML and the text; both are empty if the HTML does not contain text
 */
export function reduceHtml(html: string): Markup {
  return tryReduceHtml(html, MAX_HTML_CHARS) ?? toPlainMarkup(html);
}

/**
 * Reduces HTML like {@linkcode reduceHtml}. If this is not possible, returns undefined instead of
 * the source as text.
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
    // A limit was reached, or the parser has a bug. The message must be sent despite this error.
    return undefined;
  }
}

/**
 * The start of a page with an open body. After this start, the source cannot open a `head` or a
 * `frameset`.
 */
const PAGE_START = "<!DOCTYPE html><body>";

/**
 * Parses HTML into nodes in the same way as a client. The source is parsed as part of a page, not
 * as a fragment: for a fragment, the parser moves all nodes one after the other, which needs
 * quadratic time.
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
 * Writes nodes. Does not use recursion, because wrongly nested tags can make a tree deeper than the
 * limit of open elements.
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
  // The `a` of SVG is not the `a` of HTML.
  if (node.namespaceURI !== standard.NS.HTML) return undefined;
  const tag = REPLACED.get(node.tagName) ?? node.tagName;
  if (!BLOCKS.has(tag) && !INLINES.has(tag)) return undefined;
  const attributes = permittedAttributes(tag, node.attrs);
  if (tag === "img" && findAttribute(attributes, "src") === undefined) {
    writer.text(findAttribute(attributes, "alt") ?? "");
    return undefined;
  }
  // A link without an address and a span without attributes are useless.
  if (tag === "a" && findAttribute(attributes, "href") === undefined) return undefined;
  if (tag === "span" && attributes.length === 0) return undefined;
  return writer.open(tag, attributes);
}
