/** Reads the width and height of an image from the beginning of its file. */

/** The size of an image, in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/**
 * Reads the size of a PNG, JPEG, GIF or WebP image.
 *
 * @param bytes the beginning of the file. In a JPEG file, there may be hundreds of KiB of metadata
 * before the size.
 * @param type the media type
 * @returns undefined if the file has another type, or if the size is missing or zero
 */
export function readImageSize(bytes: Uint8Array, type: string): ImageSize | undefined {
  const read = READERS.get(type);
  if (read === undefined) return undefined;
  try {
    const { width, height } = read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)) ?? NONE;
    return width > 0 && height > 0 ? { width, height } : undefined;
  } catch (error) {
    // The given bytes do not contain the size, because they end too early.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const NONE: ImageSize = { width: 0, height: 0 };

type Read = (view: DataView) => ImageSize | undefined;

const READERS: ReadonlyMap<string, Read> = new Map<string, Read>([
  ["image/png", (view) => ({ width: view.getUint32(16), height: view.getUint32(20) })],
  ["image/gif", (view) => ({ width: view.getUint16(6, true), height: view.getUint16(8, true) })],
  ["image/jpeg", jpegSize],
  ["image/webp", webpSize],
]);

/**
 * Reads the size of a JPEG image (ISO/IEC 10918-1, annex B). The file consists of segments. One of
 * the segments contains the size. If the EXIF segment contains a rotation by 90 degrees, width and
 * height are exchanged.
 */
function jpegSize(view: DataView): ImageSize | undefined {
  let isRotated = false;
  for (let at = 2;;) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      return isRotated ? { width: height, height: width } : { width, height };
    }
    const length = view.getUint16(at + 2);
    if (marker === 0xe1) isRotated ||= isRotatedByExif(view, at + 4, length - 2);
    at += 2 + length;
  }
}

/**
 * Checks if EXIF data contain a rotation by 90 degrees (EXIF 2.32, 4.6.4). Such a rotation is
 * stored as a value from 5 to 8 of the tag Orientation (0x0112) in the first directory.
 */
function isRotatedByExif(view: DataView, start: number, length: number): boolean {
  if (length < 16 || view.getUint32(start) !== 0x45786966) return false;
  const tiff = start + 6;
  const little = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, little);
  const count = view.getUint16(directory, little);
  for (let entry = 0; entry < count; entry++) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > start + length) return false;
    if (view.getUint16(at, little) === 0x0112) return view.getUint16(at + 8, little) >= 5;
  }
  return false;
}

/** Reads the size of a WebP image (RFC 9649): lossy, lossless or extended. */
function webpSize(view: DataView): ImageSize | undefined {
  const uint24 = (at: number) => view.getUint16(at, true) | view.getUint8(at + 2) << 16;
  switch (view.getUint32(12)) {
    case 0x56503820: // "VP8 "
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 0x5650384c: { // "VP8L"
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: (bits >>> 14 & 0x3fff) + 1 };
    }
    case 0x56503858: // "VP8X"
      return { width: uint24(24) + 1, height: uint24(27) + 1 };
  }
}
