import { assert, assertEquals } from "@std/assert";
import { reduceHtml } from "../../src/markup/html.ts";
import { estimateTextChars } from "../../src/markup/markup.ts";
import { dice, randomHtml } from "./random_html.ts";

function check(rows: readonly (readonly [source: string, text: string])[]): void {
  for (const [source, text] of rows) assertEquals(reduceHtml(source).text, text, source);
}

Deno.test("reduceHtml().text breaks lines at blocks and collapses white space elsewhere", () => {
  check([
    ["  a \n\t b  <b> c </b>d", "a b c d"],
    ["<div>a</div><div>b</div>c", "a\nb\nc"],
    ["<h1>a</h1><p>b<p>c", "a\n\nb\n\nc"],
    ["a<br>b<br><br>c<br><br><br>d", "a\nb\n\nc\n\nd"],
    ["a<hr>b", "a\n\n---\n\nb"],
    ["<details><summary>a</summary>b</details>", "a\nb"],
    ["<section>a</section><section>b</section>", "a\nb"],
    ["a&nbsp; b", "a\u00a0 b"],
    ["1 &lt; 2 &amp;&amp; x", "1 < 2 && x"],
  ]);
});

Deno.test("reduceHtml().text marks the items of lists", () => {
  check([
    ["a<ul><li>b<li>c</ul>d", "a\n\n- b\n- c\n\nd"],
    ["<ol><li>a<li>b</ol>", "1. a\n2. b"],
    ["<ol start=9><li>a<li>b<br>c</ol>", "9. a\n10. b\n    c"],
    ["<ul><li>a<ol><li>b</ol><li><p>c<p>d</ul>", "- a\n  1. b\n- c\n  d"],
    ["<li>a", "- a"],
    ["<ul><li><ul><li>a</ul></ul>", "- - a"],
    ["<ul><li></li><li>a</li></ul>", "- a"],
  ]);
});

Deno.test("reduceHtml().text marks quotations with >", () => {
  check([
    ["<blockquote>a<br>b</blockquote>c", "> a\n> b\n\nc"],
    ["<blockquote><p>a<p>b<blockquote>c</blockquote></blockquote>", "> a\n>\n> b\n>\n> > c"],
    ["<ul><li><blockquote>a<br>b</blockquote></ul>", "- > a\n  > b"],
  ]);
});

Deno.test("reduceHtml().text shows the address of a link that is not its text", () => {
  check([
    ['<a href="https://e.org">a <b>b</b></a> c', "a b (https://e.org) c"],
    ['<a href="https://e.org">https://e.org</a>', "https://e.org"],
    ['<a href="mailto:a@e.org">a@e.org</a>', "a@e.org"],
    ['a<br><a href="https://e.org">b</a>', "a\nb (https://e.org)"],
    ['a <a href="https://e.org"></a>', "a https://e.org"],
    ['<a href="javascript:x">a</a>', "a"],
  ]);
});

Deno.test("reduceHtml().text keeps preformatted text as it is", () => {
  check([
    ["a<pre><code>  b\n\n\n   c\t d\n</code></pre>e", "a\n\n  b\n\n\n   c\t d\n\ne"],
    ["<blockquote><pre>a\n b</pre></blockquote>", "> a\n>  b"],
    ["<pre>a<br>  b</pre>", "a\n  b"],
  ]);
});

Deno.test("reduceHtml().text separates the cells of a table", () => {
  check([
    ["<table><caption>t</caption><tr><th>a<th>b<tr><td>c<td>d</table>e", "t\na | b\nc | d\n\ne"],
    ["<table><tr><td><p>a</p><td><p>b</p></table>", "a | b"],
    ["<table><tr><td>a<br>b<td>c</table>", "a\nb | c"],
    ["x<table><tr><td><td>a<tr><td>b<td></table>", "x\n\n | a\nb |"],
    ["<table><tr><td>a<td><table><tr><td>b<td>c</table></table>", "a | b | c"],
  ]);
});

Deno.test("reduceHtml().text describes images and hides spoilers", () => {
  check([
    ['a <img src="mxc://e.org/m" alt="a graph">', "a a graph"],
    ['a <img src="mxc://e.org/m">', "a [Image]"],
    ["a <span data-mx-spoiler>b <b>c</b><br>d</span> e", "a [Spoiler] e"],
    ['a <span data-mx-spoiler="the end">b<ul><li>c</ul></span> d', "a [Spoiler for the end] d"],
    ['<span data-mx-maths="x">x</span>', "x"],
  ]);
});

Deno.test("estimateTextChars() is never less than the length of the text", () => {
  const sources = [
    "<hr>".repeat(50),
    "<img>".repeat(50),
    "<blockquote>".repeat(12) + `<pre>${"a\n".repeat(50)}`,
    "<ol start=-99999999><li>".repeat(12) + `<pre>${"a&#10;".repeat(50)}`,
    `<p><a href="https://e.org/${"a".repeat(300)}">` + "<p>a".repeat(50),
    ...Array.from({ length: 3000 }, (_, seed) => randomHtml(dice(seed + 1), 30)),
  ];
  for (const source of sources) {
    assert(reduceHtml(source).text.length <= estimateTextChars(source), source);
  }
});
