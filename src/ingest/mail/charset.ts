/**
 * Decodes text with the charset that a mail declares. Many programs declare the charset of their
 * locale, but send text in another charset. For example, cron with `LANG=C` declares UTF-8 as
 * `ANSI_X3.4-1968`, and logwatch declares UTF-8 as `iso-8859-1`.
 */

import { decodeText } from "../../notification/text.ts";

/** Matches the encodings with one byte for each character. */
const SINGLE_BYTE_REGEXP = /^(?:iso-8859|windows-125|koi8|ibm866|macintosh)/;

/**
 * Decodes text. Detects the charset if the declared charset is unknown, missing, ASCII or UTF-8. If
 * the declared charset has one byte for each character, but the text is valid UTF-8, the text is
 * decoded as UTF-8.
 *
 * @param charset the name that the mail declares, such as `ISO-8859-1`
 */
export function decodeCharset(bytes: Uint8Array, charset = ""): string {
  const encoding = findEncoding(charset);
  if (encoding === undefined || encoding === "utf-8") return decodeText(bytes);
  if (SINGLE_BYTE_REGEXP.test(encoding)) {
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      // The text is not valid UTF-8, so the declared charset is used.
    }
  }
  return new TextDecoder(encoding).decode(bytes);
}

/** Returns true if a charset is known, is not ASCII, and has one byte for each character. */
export function isSingleByte(charset: string): boolean {
  return SINGLE_BYTE_REGEXP.test(findEncoding(charset) ?? "");
}

/**
 * Finds an encoding by the name of a charset. Returns undefined for unknown names. Also returns
 * undefined for ASCII, because the decoder would treat ASCII as windows-1252.
 */
function findEncoding(charset: string): string | undefined {
  const label = charset.trim().toLowerCase();
  if (/ascii|ansi_x3|646/.test(label)) return undefined;
  const short = label.replace(/^x-|[^a-z0-9]/g, "");
  for (const name of [label, short, short.replace(/^(?:cp|ms|win|windows)(?=125\d$)/, "windows-")]) {
    try {
      return new TextDecoder(name).encoding;
    } catch {
      // The decoder does not know this name. The next name is tried.
    }
  }
  return undefined;
}
