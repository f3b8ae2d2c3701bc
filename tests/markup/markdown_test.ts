import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAX_MARKDOWN_CHARS, renderMarkdown } from "../../src/markup/markdown.ts";

function check(rows: readonly (readonly [source: string, html: string])[]): void {
  for (const [source, html] of rows) assertEquals(renderMarkdown(source).html, html, source);
}

Deno.test("renderMarkdown() renders GitHub flavoured Markdown", () => {
  check([
    ["# a\n\nb", "<h1>a</h1><p>b</p>"],
    ["**a** *b* ~~c~~ `d`", "<strong>a</strong> <em>b</em> <del>c</del> <code>d</code>"],
    ["- a\n- b\n  1. c", "<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>"],
    ["3. a\n4. b", '<ol start="3"><li>a</li><li>b</li></ol>'],
    ["> a\n> > b", "<blockquote><p>a</p><blockquote><p>b</p></blockquote></blockquote>"],
    ["```sh\nls <a>\n```", '<pre><code class="language-sh">ls &lt;a&gt;\n</code></pre>'],
    ["| a |\n|---|\n| b |", "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>"],
    ["[a](https://e.org 't')", '<a href="https://e.org">a</a>'],
    ["https://e.org/x a@e.org", '<a href="https://e.org/x">https://e.org/x</a> <a href="mailto:a@e.org">a@e.org</a>'],
    ["a\n\n---\n\nb", "<p>a</p><hr><p>b</p>"],
    ["![a graph](mxc://e.org/m)", '<img alt="a graph" src="mxc://e.org/m">'],
    ["![a graph](https://e.org/p.png)", '<a href="https://e.org/p.png">a graph</a>'],
    ["AT&T &copy; 1 < 2", "AT&amp;T © 1 &lt; 2"],
  ]);
});

Deno.test("renderMarkdown() shows the surplus cells of a table in the last cell of the row", () => {
  const header = "| a | b |\n|---|---|\n";
  const cellsOf = (row: string) => {
    const { html } = renderMarkdown(header + row);
    return [...html.matchAll(/<td>(.*?)<\/td>/g)].map(([, cell]) => cell);
  };
  assertEquals(cellsOf("| c | d | e | f |"), ["c", "d | e | f"]);
  assertEquals(cellsOf("c|**d**|e"), ["c", "<strong>d</strong>|e"]);
  assertEquals(cellsOf("| c\\|d | e\\|f | g | | "), ["c|d", "e|f | g"]);
  assertEquals(cellsOf("| c | d |"), ["c", "d"]);
  assertEquals(cellsOf("| c | d |\t"), ["c", "d"]);
  assertEquals(cellsOf("| c |"), ["c", ""]);
  check([[`${header}| c | d | e |\n\n# f`, `${renderMarkdown(`${header}| c | d \\| e |`).html}<h1>f</h1>`]]);
});

Deno.test("renderMarkdown() keeps line breaks, and writes no p around a single paragraph", () => {
  check([
    ["a\nb", "a<br>b"],
    ["a\nb\n\nc", "<p>a<br>b</p><p>c</p>"],
    ["\n\na\n\n[x]: https://e.org\n", "a"],
  ]);
});

Deno.test("renderMarkdown() shows task boxes as characters", () => {
  check([["- [x] a\n- [ ] b", "<ul><li>☑ a</li><li>☐ b</li></ul>"]]);
});

Deno.test("renderMarkdown() reduces HTML in the Markdown", () => {
  check([
    ["a <u>b</u> <font color=red>c</font>", 'a <u>b</u> <span data-mx-color="#ff0000">c</span>'],
    ["<script>alert(1)</script>\n\na", "<p>a</p>"],
    ["[a](javascript:alert(1)) [b](data:text/html,x) [c](java\tscript:x)", "a b [c](java\tscript:x)"],
    ["[a](&#106;avascript:alert(1))", "a"],
    ["<span data-mx-spoiler>a</span>", '<span data-mx-spoiler="">a</span>'],
    ["<b>a\n\nb", "<p><b>a</b></p><b>\n<p>b</p></b>"],
    ["a <!-- b --> c", "a  c"],
  ]);
});

Deno.test("renderMarkdown().text is the source", () => {
  const source = "# a\r\n\n* **b** <u>c</u>\n\n    d\n";
  assertEquals(renderMarkdown(source).text, source.replaceAll("\r", ""));
  assertEquals(renderMarkdown("a\ud800\0b").text, "a\ufffdb");
});

Deno.test("renderMarkdown() shows the source when the result would be empty", () => {
  check([
    ["", ""],
    ["[a]: https://e.org", "[a]: https://e.org"],
    ["<!-- a -->", "&lt;!-- a --&gt;"],
    ["<script>a</script>", "&lt;script&gt;a&lt;/script&gt;"],
  ]);
});

Deno.test("renderMarkdown() shows only the paragraph as plain text that costs too much", () => {
  const { html } = renderMarkdown(`# **a**\n\n${"_b*\n".repeat(10000)}\n**c**`);
  assert(html.startsWith("<h1><strong>a</strong></h1><p>_b*<br>_b*<br>"), html.slice(0, 60));
  assert(html.endsWith("_b*</p><p><strong>c</strong></p>"), html.slice(-60));
});

Deno.test("renderMarkdown() limits the cost of all paragraphs together", () => {
  const paragraph = `**a**\n${"_b*\n".repeat(1100)}\n`;
  const { html } = renderMarkdown(paragraph.repeat(2));
  assert(html.startsWith("<p><strong>a</strong><br>"), html.slice(0, 60));
  assertStringIncludes(html, "</p><p>**a**<br>");
});

Deno.test("renderMarkdown() renders a long log", () => {
  const log = "2026-11-22T20:00:00Z host_a kernel: [ 12.3] usb_new_device: **ok**\n".repeat(100);
  assertStringIncludes(renderMarkdown(log).html, "usb_new_device: <strong>ok</strong><br>");
});

Deno.test("renderMarkdown() shows deeply nested parts as plain text", () => {
  const { html } = renderMarkdown(`${"> ".repeat(200)}a\n\n**b**`);
  assertEquals(html.split("<blockquote>").length - 1, 50);
  assertStringIncludes(html, "&gt; &gt; a");
  assertStringIncludes(html, "<strong>b</strong>");
});

Deno.test("renderMarkdown() shows the source when it is too long", () => {
  const source = "**a**\n\n\n".repeat(MAX_MARKDOWN_CHARS / 8);
  assert(renderMarkdown(source).html.startsWith("<p><strong>a</strong></p>"));
  assert(renderMarkdown(`${source} `).html.startsWith("**a**<br>"));
  // The HTML exceeds the limit for HTML, but not the limit for the result of Markdown.
  assert(renderMarkdown("- a\n".repeat(MAX_MARKDOWN_CHARS / 4)).html.startsWith("<ul><li>a</li><li>"));
});
