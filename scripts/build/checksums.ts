/** A file name with the SHA-256 of its content. */
export interface Checksum {
  readonly name: string;
  readonly hex: string;
}

/** Formats `SHA256SUMS` as `sha256sum --check` reads it, sorted by name. */
export function checksumLines(checksums: readonly Checksum[]): string {
  return checksums
    .toSorted((a, b) => a.name < b.name ? -1 : 1)
    .map(({ name, hex }) => `${hex}  ${name}\n`)
    .join("");
}

/** Computes the SHA-256 of bytes, in hexadecimal. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
