import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reduceHtml } from "../../src/markup/html.ts";
import { MAX_HTML_CHARS } from "../../src/markup/markup.ts";

/** A source and the expected HTML. */
type Row = readonly [source: string, html: string];

function check(rows: readonly Row[]): void {
  for (const [source, html] of rows) assertEquals(reduceHtml(source).html, html, source);
}

Deno.test("reduceHtml() keeps every suggested element", () => {
  const inline = ["del", "sup", "sub", "b", "i", "u", "strong", "em", "s", "code"];
  const block = ["h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "p", "div", "pre", "details", "summary"];
  check([...inline, ...block].map((tag) => [`<${tag}>x</${tag}>`, `<${tag}>x</${tag}>`]));
  const list = '<ul><li>a</li></ul><ol start="3"><li>b</li></ol>';
  const table =
    "<table><caption>c</caption><thead><tr><th>h</th></tr></thead><tbody><tr><td>d</td></tr></tbody></table>";
  const alone =
    '<hr>a<br>b<img alt="d" src="mxc://e.org/m"><a href="https://e.org">l</a><span data-mx-spoiler="">s</span>';
  check([list, table, alone].map((html) => [html, html]));
});

Deno.test("reduceHtml() keeps the text of elements that it removes", () => {
  check([
    ["<font>a</font> <small>b</small> <no-such>c</no-such>", "a b c"],
    ["<strike>a</strike>", "<del>a</del>"],
    ["<section>a</section><section>b</section>", "<div>a</div><div>b</div>"],
    ["<dl><dt>a<dd>b</dl>", "<div><div>a</div><div>b</div></div>"],
    ["<xmp><b></xmp>", "<pre>&lt;b&gt;</pre>"],
    ["<table><tfoot><tr><td>a</table>", "<table><tbody><tr><td>a</td></tr></tbody></table>"],
    ["<button>a</button><label>b</label>", "ab"],
    // MathML tags with names of HTML elements make the parser leave the body.
    ["<math><tbody><mi><table></table><tr>a", "<table></table>a"],
    ["<span>a</span><span style='margin:0'>b</span>", "ab"],
  ]);
});

Deno.test("reduceHtml() drops elements whose content is not text of the message", () => {
  const tags = [
    "script",
    "style",
    "title",
    "template",
    "iframe",
    "object",
    "noscript",
    "textarea",
    "select",
    "mx-reply",
  ];
  check(tags.map((tag) => [`a<${tag}>gone</${tag}>b`, "ab"]));
  check([
    ["a<!-- gone -->b<!gone>c<?gone?>d", "abcd"],
    ["<!DOCTYPE html><html><head><title>gone</title><meta x></head><body class=x>a</body></html>", "a"],
    ["<frameset><frame></frameset>a", "a"],
    ["<mx-reply><blockquote><p>gone</p></blockquote></mx-reply>answer", "answer"],
  ]);
});

Deno.test("reduceHtml() turns colours and styles into permitted elements", () => {
  const red = (text: string) => `<span data-mx-color="#ff0000">${text}</span>`;
  check([
    ["<font color=red>a</font>", red("a")],
    ["<font color='#f00'><b>[FIRING]</b></font>", red("<b>[FIRING]</b>")],
    ["<font color=FF0000 size=5>a</font>", red("a")],
    ["<span style='color: Red !important; margin: 0'>a</span>", red("a")],
    ["<span style='color:rgb(255,0,0)'>a</span><span style='color:rgba(255 0 0 / 50%)'>b</span>", red("a") + red("b")],
    ["<p style='color:#ff0000ff'>a<div>b", `<p>${red("a")}</p><div>b</div>`],
    ["<strong style='color:red'>a</strong>", `<strong>${red("a")}</strong>`],
    [
      "<table><tr style='color:red'><td style='color:red'>a</table>",
      `<table><tbody><tr><td>${red("a")}</td></tr></tbody></table>`,
    ],
    [
      "<span style='background-color:crimson;color:white'>a</span>",
      '<span data-mx-bg-color="#dc143c" data-mx-color="#ffffff">a</span>',
    ],
    ["<mark>a</mark>", '<span data-mx-bg-color="#ffff00" data-mx-color="#000000">a</span>'],
    [
      "<span style='font-weight:700;font-style:italic;text-decoration:underline line-through'>a</span>",
      "<strong><em><u><del>a</del></u></em></strong>",
    ],
    [
      "<span style='font-family:&quot;Courier New&quot;,monospace'>a</span><tt>b</tt><kbd>c</kbd>",
      "<code>a</code><code>b</code><code>c</code>",
    ],
    ["<ins>a</ins><var>b</var><b style='font-weight:bold'>c</b>", "<u>a</u><em>b</em><b><strong>c</strong></b>"],
  ]);
});

Deno.test("reduceHtml() leaves out colours that some readers cannot see", () => {
  check([
    ["<font color=black>a</font><font color=white>b</font><span style='color:#222'>c</span>", "abc"],
    ["<a href='https://e.org' style='color:red'>a</a>", '<a href="https://e.org">a</a>'],
    ["<font color='no-colour'>a</font><font color=transparent>b</font><span style='color:#f000'>c</span>", "abc"],
    ["<font color=yellow>a</font>", '<span data-mx-color="#ffff00">a</span>'],
  ]);
});

Deno.test("reduceHtml() shows the templates of public receivers for Alertmanager", () => {
  check([
    [
      `<p>
        <strong><font color="orange">FIRING</font></strong>
        HostDown
        &gt;&gt; <a href="https://e.org/r">Runbook</a> |
      </p>`,
      `<p><strong><span data-mx-color="#ffa500">FIRING</span></strong>
        HostDown
        &gt;&gt; <a href="https://e.org/r">Runbook</a> |
      </p>`,
    ],
    [
      "<font color='red'><b>[FIRING - CRITICAL]</b></font> Load: 9 (<a href=\"https://e.org/g\">source</a>)<br/>",
      '<span data-mx-color="#ff0000"><b>[FIRING - CRITICAL]</b></span> Load: 9 (<a href="https://e.org/g">source</a>)<br>',
    ],
  ]);
});

Deno.test("reduceHtml() keeps permitted attributes in one order, and no others", () => {
  check([
    ["<p id=a class=b style=c onclick=d>x</p>", "<p>x</p>"],
    [
      '<span data-mx-maths="a&lt;b" data-mx-color="#ff00AA" data-mx-bg-color=red data-mx-spoiler>x</span>',
      '<span data-mx-bg-color="#ff0000" data-mx-color="#ff00aa" data-mx-spoiler="" data-mx-maths="a&lt;b">x</span>',
    ],
    ['<div data-mx-maths="x^2" data-mx-color="#ff0000">x</div>', '<div data-mx-maths="x^2">x</div>'],
    ['<code class="a language-sh b language-">x</code>', '<code class="language-sh">x</code>'],
    ['<ol start="7" type=a><li>x</ol>', '<ol start="7"><li>x</li></ol>'],
    ['<ol start="x"><li>x</ol>', "<ol><li>x</li></ol>"],
    [
      '<img src="mxc://e.org/m" onerror=x title=t alt="a&quot;b" height=2 width=1>',
      '<img width="1" height="2" alt="a&quot;b" title="t" src="mxc://e.org/m">',
    ],
    ['<img src="mxc://e.org/m" width="100%">', '<img src="mxc://e.org/m">'],
    ['<a href="https://e.org" target=_blank>x</a>', '<a href="https://e.org" target="_blank">x</a>'],
    ['<a href="https://e.org" target=_top rel=x>x</a>', '<a href="https://e.org">x</a>'],
  ]);
});

Deno.test("reduceHtml() keeps a link only to an absolute address of a permitted scheme", () => {
  const kept = ["https://e.org/a?b=1#c", "http://e.org", "ftp://e.org/f", "mailto:a@e.org", "magnet:?xt=urn:btih:0"];
  check(kept.map((url) => [`<a href="${url}">x</a>`, `<a href="${url}">x</a>`]));
  const refused = [
    "",
    "#a",
    "/a",
    "a",
    "//e.org",
    "https:e.org",
    "https:/e.org",
    "https://",
    "https:\\\\e.org",
    "tel:1",
  ];
  check(
    [...refused, "matrix:u/a:e.org", "file:///etc", "blob:https://e.org/x"].map((
      url,
    ) => [`<a href="${url}">x</a>`, "x"]),
  );
  check([
    ['<a href=" \n HT\tTPS://e.org/a\nb\n">x</a>', '<a href="https://e.org/ab">x</a>'],
    ["<a name=here>x</a>", "x"],
    ["<a href=https://e.org>a<a href=https://e.net>b", '<a href="https://e.org">a</a><a href="https://e.net">b</a>'],
  ]);
});

Deno.test("reduceHtml() shows an image of another server as a link, or its description", () => {
  check([
    ['a <img src="https://e.org/p.png" alt="a graph"> b', 'a <a href="https://e.org/p.png">a graph</a> b'],
    ['<img src="https://e.org/p.png">', '<a href="https://e.org/p.png">[Image]</a>'],
    ['<a href="https://e.org"><img src="https://e.org/p.png"></a>', '<a href="https://e.org">[Image]</a>'],
    ['a<img src="https://e.org/count" width=1 height=1>', "a"],
    ['<img alt="a < b">', "a &lt; b"],
    ['<img src="mxc://e.org">', ""],
    ['<img src="mxc://e.org/m/x">', ""],
    ['<img src="data:image/png;base64,AA==" alt=x>', "x"],
  ]);
});

Deno.test("reduceHtml() closes open elements and escapes text", () => {
  check([
    ["<b>a<i>b", "<b>a<i>b</i></b>"],
    ["<b>a<i>b</b>c</i>", "<b>a<i>b</i></b><i>c</i>"],
    ["<p>a<p>b<div>c", "<p>a</p><p>b</p><div>c</div>"],
    ["<ul><li>a<li>b", "<ul><li>a</li><li>b</li></ul>"],
    ["<table><tr><td>a<td>b", "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>"],
    ["<table>a<tr><td>b", "a<table><tbody><tr><td>b</td></tr></tbody></table>"],
    ['a < b && c > d &lt;e&gt; &copy; "f"', 'a &lt; b &amp;&amp; c &gt; d &lt;e&gt; © "f"'],
    ["</p></b></table>a</div>", "<p></p>a"],
    ["a<", "a&lt;"],
    ["a<b", "a"],
    ["a<br/>b</br>c<hr/>", "a<br>b<br>c<hr>"],
  ]);
});

Deno.test("reduceHtml() moves a block out of a paragraph, as parsers do", () => {
  check([
    ["<p>a<button><div>b</div></button>c", "<p>a</p><div>b</div>c"],
    ["<div><p>a<button><div>b</div></button></p>c</div>", "<div><p>a</p><div>b</div>c</div>"],
    ["<li>a<section><li>b", "<li>a<div></div></li><li>b</li>"],
    ["<h1>a<svg><desc></desc><foreignObject><h2>b", "<h1>a</h1><h2>b</h2>"],
    [
      "<a href=https://e.org>a<table><tr><td><a href=https://e.net>b",
      '<a href="https://e.org">a<table><tbody><tr><td>b</td></tr></tbody></table></a>',
    ],
  ]);
});

Deno.test("reduceHtml() drops white space between blocks, but not in preformatted text", () => {
  check([
    ["\n<p>a</p>\n\n<p>b</p>\n", "<p>a</p><p>b</p>"],
    ["<table>\n<tr>\n<td>a</td>\n</tr>\n</table>", "<table><tbody><tr><td>a</td></tr></tbody></table>"],
    ["<b>a</b> <i>b</i>", "<b>a</b> <i>b</i>"],
    ["<pre>\n  a\r\n   b\n</pre>", "<pre>  a\n   b\n</pre>"],
    ["<pre>\n\na</pre>", "<pre>\n\na</pre>"],
    ["<pre><span>\na</span></pre>", "<pre>\n\na</pre>"],
    ["<pre><div>a</div>\n<div>b</div></pre>", "<pre><div>a</div>\n<div>b</div></pre>"],
    ["<pre><table>\n<tr>\n<td>a</table></pre>", "<pre><table><tbody><tr><td>a</td></tr></tbody></table></pre>"],
  ]);
});

Deno.test("reduceHtml() writes only characters that are the same after parsing", () => {
  check([
    ["a\ud800b", "a\ufffdb"],
    ["a\0b&#0;c", "ab\ufffdc"],
    ["a&#13;b&#x1;c\x7fd\x1b", "a\nbcd"],
    ["<span data-mx-spoiler='a&#13;&#1;b'>c</span>", '<span data-mx-spoiler="a\nb">c</span>'],
    ["😀&nbsp;é", "😀\u00a0é"],
  ]);
});

Deno.test("reduceHtml() nests elements a hundred deep and keeps the text below", () => {
  const { html, text } = reduceHtml("<div>".repeat(150) + "a<p>b<br>c<table><tr><td>d<td>e");
  assertEquals(html, "<div>".repeat(100) + "a\nb\nc\nd\ne" + "</div>".repeat(100));
  assertEquals(text, "a b c d e");
  const table = reduceHtml("<div>".repeat(97) + "<table><tr><td>a<td>b");
  assertEquals(table.html, "<div>".repeat(97) + "a\nb" + "</div>".repeat(97));
  assertStringIncludes(reduceHtml("<div>".repeat(96) + "<table><tr><td>a").html, "<td>a</td>");
});

Deno.test("reduceHtml() shows the source when parsing costs too much", () => {
  assertEquals(reduceHtml("<div>".repeat(600) + "\na").html, "&lt;div&gt;".repeat(600) + "<br>a");
  const deep = reduceHtml('<b id="a">'.repeat(600) + "\n a").html;
  assertEquals(reduceHtml(deep).html, deep);
  const long = "<b>a</b>".repeat(MAX_HTML_CHARS / 8);
  assert(reduceHtml(long).html.startsWith("<b>a</b>"));
  assert(reduceHtml(`${long}\n`).html.startsWith("&lt;b&gt;a"));
  assertEquals(reduceHtml(`${long}\n`).text, `${long}\n`);
});

Deno.test("reduceHtml() returns empty forms for an empty source", () => {
  for (const source of ["", " \n", "<!-- a -->", "<script>a</script>"]) {
    assertEquals(reduceHtml(source), { html: "", text: "" }, source);
  }
});
