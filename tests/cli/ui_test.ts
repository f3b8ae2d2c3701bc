import { assertEquals, assertMatch } from "@std/assert";
import { toJson, Ui } from "../../src/cli/ui.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** C0, DEL, C1, bidirectional marks, a line separator, and a tag character outside of the BMP. */
const HOSTILE = "a\x1b]0;x\x07b\x7fc\x9b31md\u202ee\u2066f\u2028g\u{e0041}h";

function printed(isTerminal: boolean, print: (ui: Ui) => void): string {
  let output = "";
  using runtime = fakeRuntime();
  const stdio = {
    ...runtime.stdio,
    stdoutIsTerminal: () => isTerminal,
    stdout: (text: string) => void (output += text),
  };
  print(new Ui(stdio, () => undefined));
  return output;
}

Deno.test("Ui.data() prints no control character of other texts", () => {
  for (const isTerminal of [false, true]) {
    assertEquals(printed(isTerminal, (ui) => ui.data(`${HOSTILE}\tx\x07\n€`)), "a ]0;x b c 31md e f g h\tx \n€\n");
  }
});

Deno.test("Ui.data() prints the colours of this program on a terminal", () => {
  assertEquals(
    printed(true, (ui) => ui.data(`${ui.paint("ok", "green")} \x1b[5mblink`)),
    "\x1b[32mok\x1b[0m  [5mblink\n",
  );
  assertEquals(printed(false, (ui) => ui.data("\x1b[32mforeign\x1b[0m")), " [32mforeign [0m\n");
});

Deno.test("Ui.note() and Ui.tell() print no control character of other texts to standard error", () => {
  using runtime = fakeRuntime();
  const ui = new Ui(runtime.stdio, () => undefined);
  ui.note(HOSTILE);
  ui.tell(HOSTILE);
  assertEquals(runtime.err(), "a ]0;x b c 31md e f g h\na ]0;x b c 31md e f g h\n");
});

Deno.test("Ui.json() escapes control characters, and loses none", () => {
  const line = printed(true, (ui) => ui.json({ subject: HOSTILE }));
  assertMatch(line, /^[\x20-\x7e]+\n$/);
  assertEquals(JSON.parse(line), { subject: HOSTILE });
  assertEquals(JSON.parse(toJson([HOSTILE], 2)), [HOSTILE]);
});
