/**
 * Creates random markup that is the same in each run. Also parses HTML independently of the tested
 * code.
 */

// deno-lint-ignore-file no-import-prefix -- The version is the same as in the tested code.
import { type DefaultTreeAdapterTypes, parseFragment } from "npm:parse5@8.0.1";

/** Elements for all special rules of an HTML parser, and unknown elements. */
const TAGS = [
  ..."b i u a a p p div div ul ol li pre h1 h2 blockquote span code details summary hr br img sup sub del em".split(
    " ",
  ),
  ..."table table tr td td th thead tbody tfoot caption col colgroup font strike nobr button object marquee".split(" "),
  ..."svg math foreignObject desc mtext mi annotation-xml template style script title textarea select option".split(
    " ",
  ),
  ..."form section dl dt dd center xmp listing mark tt ins body html head noscript iframe input mx-reply ruby rp rt no-such"
    .split(
      " ",
    ),
];
const ATTRIBUTES = [
  ...[
    'href="https://e.org/?a=1&amp;b"',
    "href=javascript:x",
    "src=mxc://e.org/m",
    'alt=" q&quot;<&#13;"',
    "start=3",
    "id=a",
  ],
  ...["color=red", 'style="color:#c00;background:gold"', 'style="font-weight:bold;font-family:monospace"'],
  ...["data-mx-spoiler", 'data-mx-color="#ff00aa"', 'class="language-x y"', "onclick=x", 'encoding="text/html"'],
];
const TEXTS = [
  ..."one,two , ,\n,\n\n,\t,\r\n,&lt;b>,&amp;lt;,&#13;,&nbsp;,&#x1;,]]>,<!--,-->,<![CDATA[,<?,<!,<,\0,\f,\ud800".split(
    ",",
  ),
];
const MARKDOWN = [
  ...[
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```\n",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "> ",
    "# ",
    "[",
    "](",
    "](https://e.org)",
    ")",
    "![",
  ],
  ...[
    "|",
    "|-|-|\n",
    "    ",
    "one",
    "two three",
    "<b>",
    "</b>",
    "\\",
    "---\n",
    "&",
    "- [ ] ",
    "<div>",
    "<!--",
    "<table>",
  ],
];

/**
 * Creates a function that returns random whole numbers below a limit. With the same seed, the
 * numbers are the same.
 */
export function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Creates HTML of at most `pieces` pieces. Most pieces are unclosed tags. */
export function randomHtml(roll: (limit: number) => number, pieces: number): string {
  let html = "";
  for (let left = roll(pieces) + 1; left > 0; left--) {
    const kind = roll(10);
    if (kind < 5) html += `<${pick(roll, TAGS)}${roll(3) === 0 ? ` ${pick(roll, ATTRIBUTES)}` : ""}>`;
    else if (kind < 7) html += `</${pick(roll, TAGS)}>`;
    else html += pick(roll, TEXTS);
  }
  return html;
}

/** Creates Markdown of at most `pieces` pieces. */
export function randomMarkdown(roll: (limit: number) => number, pieces: number): string {
  return Array.from({ length: roll(pieces) + 1 }, () => pick(roll, MARKDOWN)).join("");
}

/** The facts about parsed HTML. */
export interface Findings {
  /** The tags with their attributes, such as `a href`, without duplicates. */
  readonly shapes: ReadonlySet<string>;
  /** The maximum nesting of elements. */
  readonly depth: number;
  /** The number of nodes that are neither elements nor text. */
  readonly strangers: number;
}

/** Parses HTML as the content of an element, like a client. */
export function inspect(html: string): Findings {
  const shapes = new Set<string>();
  let depth = 0, strangers = 0;
  const visit = (nodes: readonly DefaultTreeAdapterTypes.ChildNode[], level: number): void => {
    for (const node of nodes) {
      if ("tagName" in node) {
        shapes.add([node.tagName, ...node.attrs.map(({ name }) => name)].join(" "));
        depth = Math.max(depth, level);
        visit(node.childNodes, level + 1);
      } else if (node.nodeName !== "#text") strangers++;
    }
  };
  visit(parseFragment(html).childNodes, 1);
  return { shapes, depth, strangers };
}

function pick(roll: (limit: number) => number, from: readonly string[]): string {
  return from[roll(from.length)] ?? "";
}
