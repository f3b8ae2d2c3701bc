import { assert, assertEquals } from "@std/assert";
import { encode } from "npm:uqr@0.1.3";
import { drawQrCode } from "../../src/cli/qr_code.ts";

const TEXT = "https://account.example.org/link?code=WDJB-MJHT";

/** Converts a drawing to rows of modules. Light modules are true. Each line contains two rows. */
function lightModules(drawing: string): boolean[][] {
  return drawing.split("\n").flatMap((line) => [
    [...line].map((half) => half === "█" || half === "▀"),
    [...line].map((half) => half === "█" || half === "▄"),
  ]);
}

Deno.test("drawQrCode() draws each module and the quiet zone", () => {
  const { data, size } = encode(TEXT, { ecc: "L", border: 4 });
  const drawn = lightModules(drawQrCode(TEXT, { colours: false })).slice(0, size);
  assertEquals(drawn, data.map((row) => row.map((isDark) => !isDark)));
  assert(drawn.slice(0, 4).every((row) => row.every((isLight) => isLight)));
  assert(drawn.every((row) => row.slice(0, 4).every((isLight) => isLight)));
  // The finder pattern in the corner begins with seven dark modules in a row.
  assertEquals(drawn[4].slice(4, 12), [...Array(7).fill(false), true]);
});

Deno.test("drawQrCode() sets both colours in each line when colours are on", () => {
  for (const line of drawQrCode(TEXT, { colours: true }).split("\n")) {
    assert(line.startsWith("\x1b[97;40m") && line.endsWith("\x1b[0m"));
  }
  assert(!drawQrCode(TEXT, { colours: false }).includes("\x1b"));
});
