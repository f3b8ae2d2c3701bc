import { assert, assertEquals } from "@std/assert";
import { reduceHtml } from "../../src/markup/html.ts";
import { renderMarkdown } from "../../src/markup/markdown.ts";
import { dice, inspect, randomHtml, randomMarkdown } from "./random_html.ts";

/**
 * The permitted HTML from the specification. It is repeated here, so that the test does not depend
 * on the code.
 */
const TAGS = new Set(
  ("del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div table thead tbody tr th " +
    "td caption pre span img details summary").split(" "),
);
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  span: ["data-mx-bg-color", "data-mx-color", "data-mx-spoiler", "data-mx-maths"],
  a: ["target", "href"],
  img: ["width", "height", "alt", "title", "src"],
  ol: ["start"],
  code: ["class"],
  div: ["data-mx-maths"],
};

/**
 * Checks that a result contains only permitted HTML, and that reducing it again does not change it.
 */
function assertReduced(html: string, source: string): void {
  const { shapes, depth, strangers } = inspect(html);
  for (const shape of shapes) {
    const [tag = "", ...attributes] = shape.split(" ");
    assert(TAGS.has(tag), `${tag} in ${html} from ${source}`);
    for (const name of attributes) assert(ATTRIBUTES[tag]?.includes(name), `${tag} ${name} in ${html} from ${source}`);
  }
  assertEquals(strangers, 0, source);
  assert(depth <= 100, source);
  assertEquals(reduceHtml(html).html, html, source);
}

Deno.test("reduceHtml() removes well-known attacks", () => {
  const sources: readonly (readonly [source: string, html: string])[] = [
    ["<script>alert(1)</script>a", "a"],
    ["<scr<script>ipt>alert(1)</script>a", "ipt&gt;alert(1)a"],
    ["<svg onload=alert(1)>a", "a"],
    ["<svg><script>alert(1)</script><a href='https://e.org' xlink:href='javascript:x'>a</a></svg>", "a"],
    ["<svg><style><img src=x onerror=alert(1)></style>a", "a"],
    ["<img src=x onerror=alert(1)>a", "a"],
    ["<img src='mxc://e.org/m\" onerror=\"alert(1)'>a", '<img src="mxc://e.org/m&quot; onerror=&quot;alert(1)">a'],
    ["<a href=javascript:alert(1)>a</a>", "a"],
    ["<a href='JaVaScRiPt:alert(1)'>a</a>", "a"],
    ["<a href='java&#10;script&colon;alert(1)'>a</a>", "a"],
    ["<a href=' &#1;&#x6A;avascript:alert(1)'>a</a>", "a"],
    ["<a href='data:text/html,<script>alert(1)</script>'>a</a>", "a"],
    ["<a href='vbscript:x'>a</a>", "a"],
    ["<a href='https://e.org/\" onclick=\"x'>a</a>", '<a href="https://e.org/&quot; onclick=&quot;x">a</a>'],
    ["<p style='background:url(javascript:x)' onmouseover=x>a</p>", "<p>a</p>"],
    ["<iframe srcdoc='<script>x</script>'></iframe>a", "a"],
    ["<base href=//e.org><link rel=stylesheet href=x><meta http-equiv=refresh content=0>a", "a"],
    ["<form action=javascript:x><input autofocus onfocus=x>a</form>", "<div>a</div>"],
    ["<!--><img src=x onerror=x>-->a", "--&gt;a"],
    ["<![CDATA[<img src=x onerror=x>]]>a", "]]&gt;a"],
  ];
  for (const [source, html] of sources) {
    assertEquals(reduceHtml(source).html, html, source);
    assertReduced(html, source);
  }
});

Deno.test("reduceHtml() leaves nothing that becomes active when it is parsed again", () => {
  const sources = [
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">',
    '<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">a',
    "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<math><annotation-xml encoding="text/html"><style><img src=x onerror=alert(1)></style>a',
    "<svg><foreignObject><p><textarea></svg><img src=x onerror=x></textarea>a",
    '<table><a href="https://e.org">a<table><a href="https://e.net">b<td>c',
    "<select><template><style><!--</style></select><img title='--><img src=x onerror=x>'>",
    "<xmp><p title='</xmp><img src=x onerror=x>'>a",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&amp;lt;img src=x onerror=x&amp;gt;",
    "<plaintext><script>alert(1)</script>",
  ];
  for (const source of sources) assertReduced(reduceHtml(source).html, source);
});

Deno.test("reduceHtml() does not change its own result, for random sources", () => {
  const roll = dice(20261122);
  for (let round = 0; round < 4000; round++) {
    const source = randomHtml(roll, round % 50 === 0 ? 400 : 30);
    const { html, text } = reduceHtml(source);
    assertReduced(html, source);
    assertEquals(reduceHtml(html).text, text, source);
  }
});

Deno.test("renderMarkdown() returns reduced HTML for random sources", () => {
  const roll = dice(20261123);
  for (let round = 0; round < 2000; round++) {
    const source = randomMarkdown(roll, 30);
    const { html, text } = renderMarkdown(source);
    assertReduced(html, source);
    assertEquals(text, source);
    assert(html !== "" || source.trim() === "", source);
  }
});

/** The length of a hostile source: the maximum size of an event. */
const SOURCE_CHARS = 64 * 1024;

function fill(piece: string): string {
  return piece.repeat(Math.floor(SOURCE_CHARS / piece.length));
}

/**
 * Sources that need quadratic time, the whole stack or a huge output in some parsers. The test
 * checks that rendering ends.
 */
const PATHOLOGICAL: readonly string[] = [
  ..."[ ] ![ [a]( [a](<b [a][ [` [[a]](b) > < <a </ <!-- <? <![CDATA[ * _ *a_ _a* a* a**b **a *~a ~~a ` `a | \\ & # - ="
    .split(" ").map(fill),
  ...["> ", "- ", "1. ", "> - ", "*a ", "**a ", "a_a ", "- a\n", "[\n", "a \n", "> a\nb\n", "|a\n", "```\n", "<b>\n\n"]
    .map(fill),
  ...["http://a?!", "a@a.", "www.", "\0", "\ud800", "\r", "😀*"].map(fill),
  ...["<div>", "<b>", "<b><p>", "<a><div>", "<table><tr><td>", "<ul><li>", "<svg>", "<template>", "<nobr>"].map(fill),
  ...["<b><p></b></p>", "<button>", "<li>", "&amp;", "<dd><span>", "<select><option>"].map(fill),
  "*a ".repeat(10000) + "a* ".repeat(10000),
  "[".repeat(30000) + "a" + "](b)".repeat(8000),
  `a${" ".repeat(SOURCE_CHARS)}b`,
  `<a ${" ".repeat(SOURCE_CHARS)}`,
  `http://a${")".repeat(SOURCE_CHARS)}`,
  Array.from({ length: 300 }, (_, level) => `${"  ".repeat(level)}- a\n`).join("").slice(0, SOURCE_CHARS),
  `<a${Array.from({ length: 10000 }, (_, n) => ` ${n}`).join("")}>`,
  Array.from({ length: 400 }, (_, n) => `<b id=${n}>`).join("") + "<p>a".repeat(15000),
  Array.from({ length: 4000 }, (_, n) => `<p><b id=${n}></p>`).join(""),
  Array.from({ length: 400 }, (_, n) => `<b id=${n}>`).join("") + "<p>" + "<br>".repeat(10000) + "</b>".repeat(400),
  `<p><a href="https://e.org/${"a".repeat(30000)}">` + "<p>a".repeat(8000),
  `<table>${"a<br>".repeat(13000)}`,
  `| a | b |\n|---|---|\n${"|".repeat(60000)}a`,
  `| a |\n|---|\n${"| | |\n".repeat(10000)}`,
  "<ul><li>".repeat(90) + `<pre>${"a\n".repeat(30000)}`,
  "<ul><li>".repeat(90) + `<pre>${"a\n".repeat(15000)}` + "<a href=http://a>x</a>".repeat(1500),
];

Deno.test("reduceHtml() and renderMarkdown() end for hostile sources", () => {
  for (const source of PATHOLOGICAL) {
    for (const { html, text } of [reduceHtml(source), renderMarkdown(source)]) {
      assert(html.length + text.length < 64 * SOURCE_CHARS, source.slice(0, 40));
      assert(inspect(html.slice(0, SOURCE_CHARS)).strangers === 0, source.slice(0, 40));
    }
  }
});

Deno.test("reduceHtml() and renderMarkdown() show megabytes without parsing them", () => {
  for (const piece of ["[", ">", "<div>", "*a ", "a"]) {
    const source = piece.repeat(2 * 1024 * 1024 / piece.length);
    const shown = piece.replaceAll("<", "&lt;").replaceAll(">", "&gt;").repeat(3);
    for (const { html, text } of [reduceHtml(source), renderMarkdown(source)]) {
      assert(html.startsWith(shown) && html.length >= source.trim().length, piece);
      assertEquals(text.length, source.length, piece);
    }
  }
});
