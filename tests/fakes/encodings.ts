/** The ways in which a lying server writes a secret. */

/**
 * Returns a text in every encoding, by the name of the encoding. No encoding has an end in common
 * with `>`.
 */
export function encodings(text: string): Readonly<Record<string, string>> {
  const bytes = new TextEncoder().encode(text);
  const each = (format: (hex: string, byte: number) => string) =>
    Array.from(bytes, (byte) => format(byte.toString(16).padStart(2, "0"), byte)).join("");
  const units = (format: (hex: string, unit: number) => string) =>
    Array.from(text, (_, at) => text.charCodeAt(at)).map((unit) => format(unit.toString(16).padStart(4, "0"), unit))
      .join("");
  const base64 = (before: string, after: string) => new TextEncoder().encode(before + text + after).toBase64();
  const middle = Math.floor(text.length / 2);
  return {
    raw: text,
    "capitals of another size": text.toLowerCase(),
    "percent encoding": encodeURIComponent(text),
    "percent encoding of each byte, lower case": each((hex) => `%${hex}`),
    "percent encoding of each byte, upper case": each((hex) => `%${hex.toUpperCase()}`),
    "percent encoding, twice": encodeURIComponent(encodeURIComponent(text)),
    "a form": new URLSearchParams({ "": text }).toString().slice(1),
    "base64 at alignment 0": base64("", ""),
    "base64 at alignment 1": base64("a", "bc"),
    "base64 at alignment 2": base64("ab", "c"),
    "base64 after three bytes": base64("abc", "d"),
    base64url: base64("", "").replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
    "base64 in percent encoding": encodeURIComponent(base64("", "")),
    "base64 over several lines": base64("", "").replace(/.{8}(?=.)/g, "$&\r\n"),
    "AUTH PLAIN": base64("\0bot\0", ""),
    "Basic credentials": base64("bot:", ""),
    "escapes of JSON": units((hex) => `\\u${hex}`),
    "escapes of JSON in JSON": units((hex) => `\\\\u${hex}`),
    "escapes of bytes": each((hex) => `\\x${hex}`),
    hex: each((hex) => hex),
    "hex in capitals": each((hex) => hex.toUpperCase()),
    "hex with colons": each((hex) => `${hex}:`).slice(0, -1),
    "hex with 0x": each((hex) => `0x${hex}, `).slice(0, -2),
    "HTML entities": units((_, unit) => `&#${unit};`),
    "HTML entities in hex": units((hex) => `&#x${hex};`),
    "HTML entities in JSON": units((hex) => `\\u0026#x${hex};`),
    "quoted-printable": each((hex) => `=${hex.toUpperCase()}`),
    "quoted-printable over two lines": `${text.slice(0, middle)}=\r\n${text.slice(middle)}`,
    "a folded header": `${text.slice(0, middle)}\r\n\t${text.slice(middle)}`,
    "invisible characters": [...text].join("\u200b"),
  };
}
