/**
 * Draws QR codes for terminals. This file and its library are loaded only for a login with a code.
 *
 * @module
 */

import { encode } from "npm:uqr@0.1.3";

/**
 * The width of the light frame around the code, in modules (the small squares of a QR code, ISO/IEC
 * 18004). Phones need the frame.
 */
const QUIET_ZONE = 4;

/**
 * White text on a black background. Light modules (squares of the QR code) are drawn with white
 * block characters, and dark modules with spaces.
 */
const COLOURS = "\x1b[97;40m";
const RESET = "\x1b[0m";

/**
 * Draws a QR code. Each character shows two modules (squares), one above the other.
 *
 * @param options `colours`: true to print white on black. If false, the code has the colours of the
 *   terminal, which can swap light and dark. Most phones can also read such a code.
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
