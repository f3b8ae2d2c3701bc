/** A file's name and the SHA-256 of its bytes. */
export interface Checksum {
  readonly name: string;
  readonly hex: string;
}

/** The text of `SHA256SUMS`, as `sha256sum --check` reads it, in the order of the names. */
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
