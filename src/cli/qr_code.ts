/**
 * QR codes for terminals. Only who logs in with a browser loads this file and the library behind it.
 *
 * @module
 */

import { encode } from "npm:uqr@0.1.3";

/** The light frame around a code, in modules (ISO/IEC 18004). Without it phones find nothing on a dark terminal. */
const QUIET_ZONE = 4;

/** White on black, whatever the terminal's own colours are: light modules are drawn, dark ones are left out. */
const COLOURS = "\x1b[97;40m";
const RESET = "\x1b[0m";

/**
 * Draws a QR code, two modules to a character, one above the other.
 *
 * @param options without colours the code is light on dark only where the terminal is; most phones read both
 */
export function drawQrCode(text: string, { colours }: { readonly colours: boolean }): string {
  const { data } = encode(text, { ecc: "L", border: QUIET_ZONE });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const line = data[row].map((isDark, column) => half(!isDark, !(data[row + 1]?.[column] ?? true))).join("");
    lines.push(colours ? `${COLOURS}${line}${RESET}` : line);
  }
  return lines.join("\n");
}

function half(upper: boolean, lower: boolean): string {
  return upper ? lower ? "█" : "▀" : lower ? "▄" : " ";
}
