/** Decodes the content transfer encodings (RFC 2045, section 6). Ignores errors in the encoding. */

/**
 * Decodes base64. White space and other unexpected characters are ignored. Padding (`=`) may be
 * missing at the end, and may occur in the middle of the text.
 */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder("latin1").decode(bytes).replace(/[^A-Za-z0-9+/=]+/g, "");
  const decoded = new Uint8Array(Math.ceil(text.length * 3 / 4));
  let at = 0;
  for (const [unit] of text.matchAll(/[^=]+/g)) {
    // A single remaining character has only 6 bits, so it is ignored.
    const whole = unit.length % 4 === 1 ? unit.slice(0, -1) : unit;
    at += decoded.subarray(at).setFromBase64(whole).written;
  }
  return decoded.subarray(0, at);
}

/**
 * Decodes quoted-printable. For example, `=C3` becomes a byte, and `=` at the end of a line joins
 * the line with the next line. Other line breaks are not changed.
 *
 * @param sign the character before two hexadecimal digits
 */
export function decodeQuotedPrintable(bytes: Uint8Array, sign: "=" | "%" = "="): Uint8Array {
  const decoded = new Uint8Array(bytes.length);
  const code = sign.charCodeAt(0);
  let to = 0;
  for (let from = 0; from < bytes.length; from++) {
    if (bytes[from] !== code) {
      decoded[to++] = bytes[from];
      continue;
    }
    const value = 16 * hexDigit(bytes[from + 1]) + hexDigit(bytes[from + 2]);
    const next = sign === "=" ? skipSoftBreak(bytes, from + 1) : undefined;
    if (!Number.isNaN(value)) {
      decoded[to++] = value;
      from += 2;
    } else if (next !== undefined) from = next - 1;
    else decoded[to++] = code;
  }
  return decoded.subarray(0, to);
}

/**
 * Skips blanks and a line break, or blanks at the end of the text. Returns the position after them;
 * undefined if other characters follow.
 */
function skipSoftBreak(bytes: Uint8Array, start: number): number | undefined {
  let at = start;
  while (bytes[at] === 0x20 || bytes[at] === 0x09 || bytes[at] === 0x0d) at++;
  return at >= bytes.length ? at : bytes[at] === 0x0a ? at + 1 : undefined;
}

/** Returns the value of a hexadecimal digit; NaN for any other byte. */
function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : NaN;
}
