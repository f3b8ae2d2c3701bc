// deno-lint-ignore-file no-import-prefix -- A module run from a URL sees no import map, so the version stands here.

/**
 * Reduces HTML to what a Matrix message may contain. This file is loaded late, so that only hosts
 * that need the parser download it.
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
 * Longer HTML is shown unparsed. An event has at most 64 KiB, and the parser takes quadratic time
 * for a tag with many attributes.
 */
export const MAX_HTML_CHARS: number = 96 * 1024;

/**
 * HTML with more open elements is shown unparsed: the parser searches all of them at each tag.
 * Browsers have this limit too.
 */
const MAX_OPEN_ELEMENTS = 512;

/**
 * A parser opens unclosed `b` and `a` again in each block. The result may be longer than the source
 * by this factor, plus {@linkcode MAX_GROWTH_CHARS}.
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
 * Reduces HTML to the elements and attributes that the Client-Server API (v1.18) suggests to permit
 * in `m.room.message`, section "m.room.message msgtypes", and gives its plain text.
 *
 * Other elements are removed and leave their text, unless their content is not text of the message
 * (`script`, `style`, `template`, `mx-reply` …). Other blocks become a `div`, `strike` becomes
 * `del`. A link needs an absolute address of a permitted scheme, and an image an `mxc:` address;
 * without it only the text stays. Elements deeper than 100 levels are removed and leave their text.
 * Elements without content are written as `<br>`, not `<br/>`: in HTML the slash has no meaning.
 *
 * It never throws. HTML that is longer than {@linkcode MAX_HTML_CHARS}, that opens more than 512
 * elements at once or that grows too much is shown unparsed: escaped, with its line breaks. Apart
 * from that, reducing a result again changes nothing.
 *
 * @param html a fragment or a whole page, well-formed or not
 * @returns both forms; empty ones if there is no text
 */
export function reduceHtml(html: string): Markup {
  return tryReduceHtml(html, MAX_HTML_CHARS) ?? toPlainMarkup(html);
}

/**
 * Reduces HTML like {@linkcode reduceHtml}, for callers that do not want to show the source.
 *
 * @param html a fragment or a whole page
 * @param maxChars the longest HTML to parse
 * @returns both forms; undefined for HTML that costs too much to parse
 */
export function tryReduceHtml(html: string, maxChars: number): Markup | undefined {
  if (html.length > maxChars) return undefined;
  const source = html.toWellFormed();
  try {
    const writer = new HtmlWriter(MAX_GROWTH * source.length + MAX_GROWTH_CHARS);
    writeNodes(parse(source), writer);
    return writer.finish();
  } catch {
    // A limit was reached, or the parser has a bug. A message must not be lost because of its
    // format.
    return undefined;
  }
}

/**
 * The start of a page with an open body, so that the source cannot begin a `head` or a `frameset`.
 */
const PAGE_START = "<!DOCTYPE html><body>";

/**
 * Parses HTML into the nodes that a client would have. The source is parsed as the rest of a page,
 * because for a fragment the parser moves the nodes one by one, which takes quadratic time.
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
 * Writes nodes without recursion, because misnested tags can make a tree deeper than the limit of
 * open elements.
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
  // The `a` of SVG is another element than the `a` of HTML.
  if (node.namespaceURI !== standard.NS.HTML) return undefined;
  const tag = REPLACED.get(node.tagName) ?? node.tagName;
  if (!BLOCKS.has(tag) && !INLINES.has(tag)) return undefined;
  const attributes = permittedAttributes(tag, node.attrs);
  if (tag === "img" && findAttribute(attributes, "src") === undefined) {
    writer.text(findAttribute(attributes, "alt") ?? "");
    return undefined;
  }
  // Without an address there is no link, and a span without attributes has no meaning.
  if (tag === "a" && findAttribute(attributes, "href") === undefined) return undefined;
  if (tag === "span" && attributes.length === 0) return undefined;
  return writer.open(tag, attributes);
}
