import { assertEquals } from "@std/assert";
import { toTelegramHtml } from "../../../src/channels/telegram/html.ts";
import { reduceHtml } from "../../../src/markup/html.ts";
import { textToHtml } from "../../../src/markup/markup.ts";
import { parseHtml } from "../../../src/testing/telegram_messages.ts";
import { dice, randomHtml } from "../../markup/random_html.ts";

Deno.test("toTelegramHtml() writes blocks as lines, and keeps the tags that Telegram supports", () => {
  const cases: readonly (readonly [matrix: string, telegram: string])[] = [
    ["<strong>a</strong><br>b &amp; c", "<b>a</b>\nb &amp; c"],
    ["<p>a</p><p><em>b</em></p>", "a\n\n<i>b</i>"],
    ["<h1>T</h1><p>a</p>", "<b>T</b>\n\na"],
    ["<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>d", "• a\n• b\n  1. c\nd"],
    ['<ol start="3"><li>a</li><li>b</li></ol>', "3. a\n4. b"],
    ["<pre><code>a\n  b\n</code></pre>c", "<pre><code>a\n  b</code></pre>\n\nc"],
    ['<pre><code class="language-sh">ls</code></pre>', '<pre><code class="language-sh">ls</code></pre>'],
    ['<a href="https://x/?a=1&amp;b=2">y</a>', '<a href="https://x/?a=1&amp;b=2">y</a>'],
    ["<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>", "<b>a</b> | <b>b</b>\n1 | 2"],
    ['<span data-mx-spoiler="">s</span><span data-mx-color="#ff0000">r</span>', "<tg-spoiler>s</tg-spoiler>r"],
    ['a<hr><img src="mxc://x/y" alt="cat"><del>x</del>', "a\n———\ncat<s>x</s>"],
    ["a\u00a0 b<br>\u00a0\u00a0c", "a  b\n  c"],
    ["<sub>a</sub> \n <details><summary>b</summary>c</details>", "a \n<b>b</b>\nc"],
  ];
  for (const [matrix, telegram] of cases) assertEquals(toTelegramHtml(matrix).html, telegram, matrix);
});

Deno.test("toTelegramHtml() shows plain text as it was written", () => {
  const text = "total 2\n  a   b\n\n\n    c d  e";
  assertEquals(toTelegramHtml(textToHtml(text)), { html: text, length: text.length });
});

Deno.test("toTelegramHtml() makes only HTML that Telegram accepts, and counts like Telegram, for random input", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const { html, length } = toTelegramHtml(reduceHtml(randomHtml(dice(seed), 40)).html);
    const parsed = parseHtml(html);
    assertEquals("error" in parsed ? parsed.error : parsed.text.length, length, `seed ${seed}: ${html}`);
  }
});
