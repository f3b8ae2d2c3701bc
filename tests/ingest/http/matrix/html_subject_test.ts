import { assertEquals } from "@std/assert";
import { splitHtml } from "../../../../src/ingest/http/matrix/html_subject.ts";

Deno.test("splitHtml() splits after the first line, and keeps the HTML of the rest", () => {
  const cases: readonly (readonly [html: string, subject: string, message: string])[] = [
    ["<h1>Title</h1><br/>it is <b>bold</b>", "Title", "it is <b>bold</b>"],
    ["<strong>[jump] ❌ Backup failed</strong><br>more<br>lines", "[jump] ❌ Backup failed", "more<br>lines"],
    ["<p>Title</p>\n<p>text</p>", "Title", "<p>text</p>"],
    ["Disk <b>full</b>", "Disk full", ""],
    ["Title<ul><li>a</li></ul>", "Title", "<ul><li>a</li></ul>"],
    ["<p>Title<br>rest</p>", "Title", "<p>rest</p>"],
    ["<div><p>Title</p><p>rest</p></div>", "Title", "<div><p>rest</p></div>"],
    ["a &lt;b&gt; &amp; &#228;&#x1F600;&nbsp;c", "a <b> & ä😀 c", ""],
    ["<br><br>late", "late", ""],
    ["two\nwords", "two words", ""],
  ];
  for (const [html, subject, message] of cases) assertEquals(splitHtml(html), { subject, message }, html);
});

Deno.test("splitHtml() leaves HTML as it is whose first line a subject cannot show", () => {
  const cases = [
    '<a href="https://example.org">link</a>',
    "Run <code>df</code><br>more",
    "<pre>code</pre>",
    "<del>old</del>",
    '<img src="mxc://a/b">',
    "<table><tr><td>1</td></tr></table>",
    "",
    "<br>",
    "a &unknown; b",
    "a < b",
    "<b>not <i>nested</b></i>",
    "x".repeat(201),
    `<p>${"<b></b>".repeat(1000)}late</p>`,
    "&#0;&#x110000;",
  ];
  for (const html of cases) assertEquals(splitHtml(html), undefined, html.slice(0, 50));
});
