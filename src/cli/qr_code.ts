/**
 * QR codes for terminals. This file and its library are loaded only for a login with a code.
 *
 * @module
 */

import { encode } from "npm:uqr@0.1.3";

/** The width of the light frame, in modules (ISO/IEC 18004). Phones need it on a dark terminal. */
const QUIET_ZONE = 4;

/** White on black: light modules are drawn, dark ones are blanks. */
const COLOURS = "\x1b[97;40m";
const RESET = "\x1b[0m";

/**
 * Draws a QR code. Each character shows two modules, one above the other.
 *
 * @param options `colours`: sets white on black. Without it the terminal's colours are used; most
 *   phones also read an inverted code.
 */
export function drawQrCode(text: string, { colours }: { readonly colours: boolean }): string {
  const { data } = encode(text, { ecc: "L", border: QUIET_ZONE });
  const lines: string[] = [];
  for (let row = 0; row < data.length; row += 2) {
    const line = data[row].map((isDark, column) => toBlock(!isDark, !(data[row + 1]?.[column] ?? true))).join("");
    lines.push(colours ? `${COLOURS}${line}${RESET}` : line);
  }
  return lines.join("\n");
}

function toBlock(upper: boolean, lower: boolean): string {
  return upper ? lower ? "█" : "▀" : lower ? "▄" : " ";
}
