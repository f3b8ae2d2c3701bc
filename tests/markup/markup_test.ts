import { assertEquals } from "@std/assert";
import { textToHtml, toPlainMarkup } from "../../src/markup/markup.ts";

/** Shows no-break spaces as underscores. */
function shown(html: string): string {
  return html.replaceAll("\u00a0", "_");
}

Deno.test("textToHtml() shows blanks and line breaks as they were written", () => {
  const cases: readonly (readonly [text: string, html: string])[] = [
    ["a b", "a b"],
    ["a  b   c", "a_ b__ c"],
    [" a\n    b c", "_a<br>____b c"],
    ["a\n\n\nb", "a<br><br><br>b"],
    ["\ta\tb\n1234567\tb\n12345678\tb", "________a______ b<br>1234567 b<br>12345678_______ b"],
    ["😀\tb", "😀______ b"],
    ["a  <b> & c", "a_ &lt;b&gt; &amp; c"],
  ];
  for (const [text, html] of cases) assertEquals(shown(textToHtml(text)), html, text);
});

Deno.test("toPlainMarkup() shows the indentation of the first line", () => {
  assertEquals(shown(toPlainMarkup("\n \n  a\n b\n").html), "__a<br>_b");
});
