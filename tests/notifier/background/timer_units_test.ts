import { assertEquals } from "@std/assert";
import { quoteWord } from "../../../src/notifier/background/timer_units.ts";

Deno.test("quoteWord() writes a word so that systemd changes nothing in it", () => {
  const cases: Readonly<Record<string, string>> = {
    "/usr/bin/deno": "/usr/bin/deno",
    "--allow-sys=hostname,uid": "--allow-sys=hostname,uid",
    "%i": "%i",
    "/srv/my backups": '"/srv/my backups"',
    "50%": '"50%%"',
    "$HOME": '"$$HOME"',
    'a"b\\c': '"a\\"b\\\\c"',
    "a\nExecStart=/evil\rb\t": '"a\\x0aExecStart=/evil\\x0db\\x09"',
    "": '""',
  };
  for (const [word, quoted] of Object.entries(cases)) assertEquals(quoteWord(word), quoted);
  assertEquals(quoteWord("A=$b c", "environment"), '"A=$b c"');
  assertEquals(quoteWord("/srv/$b c", "path"), '"/srv/$b c"');
});
