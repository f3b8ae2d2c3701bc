/** CRC-32 (IEEE 802.3, as in zlib and gzip), by a table: `node:zlib` has one too, but costs 25 ms to load. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** The checksum of the bytes, as eight lower-case hex digits. */
export function crc32(bytes: Uint8Array): string {
  let value = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) value = (value >>> 8) ^ TABLE[(value ^ bytes[at]) & 0xff];
  return ((value ^ 0xffffffff) >>> 0).toString(16).padStart(8, "0");
}
