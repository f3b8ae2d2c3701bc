/** The checksum CRC-32. */

/**
 * The eight lookup tables of {@linkcode crc32} in one array. One step of the computation processes
 * eight bytes and uses one table for each byte: table 7 for the first byte, table 0 for the last.
 */
const TABLE: Int32Array = createCrcTable();

function createCrcTable(): Int32Array {
  const table = new Int32Array(8 * 256);
  // The CRC of `a ^ b` is the CRC of `a` xor the CRC of `b`. So the entries of the powers of two
  // determine all other entries.
  for (let bit = 128, value = 1; bit > 0; bit >>= 1) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    for (let at = 0; at < 256; at += 2 * bit) table[at + bit] = table[at] ^ value;
  }
  for (let at = 256; at < table.length; at++) {
    const before = table[at - 256];
    table[at] = (before >>> 8) ^ table[before & 0xff];
  }
  return table;
}

/**
 * Computes the CRC-32 (IEEE 802.3, as in zlib and gzip) of bytes, as eight lower-case hex digits.
 * The module `node:zlib` also has a CRC-32, but it needs 25 ms to load.
 *
 * The speed is important: at each start of the program, every byte of the journal (the queue file)
 * is checked. Each step processes eight bytes ("slicing-by-8": Kounavis and Berry, "Novel Table
 * Lookup-Based Algorithms for High-Performance CRC Generation", 2008). This is seven times as fast
 * as one byte per step. The code uses signed integers, because they are the fastest in V8.
 */
export function crc32(bytes: Uint8Array): string {
  return crc32Value(bytes, bytes.length).toString(16).padStart(8, "0");
}

/** Computes the CRC-32 of the first `length` bytes, as an unsigned number. */
export function crc32Value(bytes: Uint8Array, length: number): number {
  const whole = length - length % 8;
  let value = -1, at = 0;
  for (; at < whole; at += 8) {
    value ^= bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
    value = TABLE[0x700 | value & 0xff] ^ TABLE[0x600 | value >>> 8 & 0xff] ^ TABLE[0x500 | value >>> 16 & 0xff] ^
      TABLE[0x400 | value >>> 24] ^ TABLE[0x300 | bytes[at + 4]] ^ TABLE[0x200 | bytes[at + 5]] ^
      TABLE[0x100 | bytes[at + 6]] ^ TABLE[bytes[at + 7]];
  }
  for (; at < length; at++) value = value >>> 8 ^ TABLE[(value ^ bytes[at]) & 0xff];
  return ~value >>> 0;
}
