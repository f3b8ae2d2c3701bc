// deno-lint-ignore-file no-import-prefix -- A module run from a URL sees no import map, so the version stands here.

/**
 * Reduces HTML to what a Matrix message may hold. Only a computed dynamic import leads here, so that nobody downloads
 * the parser who does not use it.
 *
 * @module
 */

import {
  defaultTreeAdapter,
  type DefaultTreeAdapterTypes,
  html as standard,
  parse as parsePage,
} from "npm:parse5@8.0.1";
import { attributeValue, permittedAttributes } from "./attributes.ts";
import { BLOCKS, DROPPED, INLINES, REPLACED } from "./elements.ts";
import { plainMarkup } from "./escape.ts";
import { HtmlWriter, type OpenElement } from "./html_writer.ts";
import type { Markup } from "./markup.ts";

/**
 * Longer HTML is shown as it is. An event holds 64 KiB, and the parser's time grows with the square of the length when
 * one tag is full of attributes.
 */
export const MAX_HTML_CHARS: number = 96 * 1024;

/**
 * Deeper HTML is shown as it is: the parser looks through all open elements at each tag. Browsers stop here as well.
 */
const MAX_OPEN_ELEMENTS = 512;

/**
 * A parser opens unclosed `b` and `a` again in each block. The result may be so much longer than the source, and so
 * much in any case.
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
 * Reduces HTML to the elements and attributes that the Client-Server API (v1.18) suggests to permit in
 * `m.room.message`, section "m.room.message msgtypes", and gives its plain text.
 *
 * What is not permitted goes and leaves its text, except where that is no text of the message (`script`, `style`,
 * `template`, `mx-reply` …). Blocks that are not permitted become a `div`, `strike` becomes `del`. A link needs an
 * absolute address of a permitted scheme and an image an `mxc:` one: without it only the text stays. Elements deeper
 * than 100 levels go and leave their text. Elements without content are written as HTML does it, `<br>` and not
 * `<br/>`: `formatted_body` is HTML, whose standard gives the slash no meaning.
 *
 * It never throws. HTML that is longer than {@linkcode MAX_HTML_CHARS}, that opens more than 512 elements at once or
 * that grows out of proportion is not understood but shown: escaped, with its line breaks. To reduce a result again
 * changes nothing, such a source aside.
 *
 * @param html a fragment or a whole page, well-formed or not
 * @returns both forms; empty ones when there is nothing to read
 */
export function reduceHtml(html: string): Markup {
  return tryReduceHtml(html, MAX_HTML_CHARS) ?? plainMarkup(html);
}

/**
 * Reduces HTML as {@linkcode reduceHtml} does, for those who can show something better than its source.
 *
 * @param html a fragment or a whole page
 * @param maxChars how long it may be
 * @returns both forms, or nothing for HTML that costs too much to be understood
 */
export function tryReduceHtml(html: string, maxChars: number): Markup | undefined {
  if (html.length > maxChars) return undefined;
  const source = html.toWellFormed();
  try {
    const writer = new HtmlWriter(MAX_GROWTH * source.length + MAX_GROWTH_CHARS);
    writeNodes(parse(source), writer);
    return writer.finish();
  } catch {
    // One of the bounds, or a defect of the parser: in either case a message must not be lost for its looks.
    return undefined;
  }
}

/** A page whose body is open, so that no `head` and no `frameset` can come in its place. */
const PAGE_START = "<!DOCTYPE html><body>";

/**
 * Gives the nodes that a client would have. The source is read as the rest of a page, for the parser moves what it has
 * read as a fragment out of a page one node after the other, which takes time with the square of their number.
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

/** Walks without recursion: misnested tags can make a tree that is deeper than the elements that were ever open. */
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
  // An `a` of SVG is not the `a` of HTML.
  if (node.namespaceURI !== standard.NS.HTML) return undefined;
  const tag = REPLACED.get(node.tagName) ?? node.tagName;
  if (!BLOCKS.has(tag) && !INLINES.has(tag)) return undefined;
  const attributes = permittedAttributes(tag, node.attrs);
  if (tag === "img" && attributeValue(attributes, "src") === undefined) {
    writer.text(attributeValue(attributes, "alt") ?? "");
    return undefined;
  }
  // Without an address there is no link, and a bare span says nothing.
  if (tag === "a" && attributeValue(attributes, "href") === undefined) return undefined;
  if (tag === "span" && attributes.length === 0) return undefined;
  return writer.open(tag, attributes);
}
