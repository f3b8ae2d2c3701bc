/**
 * Detects the media type of a file from its first bytes. If the first bytes are ambiguous, uses the
 * file name.
 */

/** The media type of unknown content. */
const UNKNOWN = "application/octet-stream";

/**
 * The first bytes of file formats. Each character means one byte. A question mark matches any byte.
 */
const BEGINNINGS: readonly (readonly [beginning: string, type: string])[] = [
  ["\x89PNG\r\n\x1a\n", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["RIFF????WEBP", "image/webp"],
  ["RIFF????WAVE", "audio/wav"],
  ["%PDF-", "application/pdf"],
  ["\x1f\x8b", "application/gzip"],
  ["BZh", "application/x-bzip2"],
  ["\xfd7zXZ\0", "application/x-xz"],
  ["\x28\xb5\x2f\xfd", "application/zstd"],
  ["OggS", "audio/ogg"],
  ["ID3", "audio/mpeg"],
  ["fLaC", "audio/flac"],
  ["\x1a\x45\xdf\xa3", "video/webm"],
  ["????ftyp", "video/mp4"],
];

/**
 * Archive formats such as ZIP, on which many other formats are based. The file name extension shows
 * the actual format.
 */
const CONTAINERS: readonly (readonly [beginning: string, type: string])[] = [
  ["PK\x03\x04", "application/zip"],
  ["PK\x05\x06", "application/zip"],
];

/** The media types by file name extension, for files whose content does not determine the type. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  ...{ csv: "text/csv", htm: "text/html", html: "text/html", md: "text/markdown", ics: "text/calendar" },
  ...{ json: "application/json", xml: "application/xml", yaml: "application/yaml", yml: "application/yaml" },
  ...{ svg: "image/svg+xml", pcap: "application/vnd.tcpdump.pcap", tar: "application/x-tar" },
  ...{ zip: "application/zip", jar: "application/java-archive", epub: "application/epub+zip" },
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  odt: "application/vnd.oasis.opendocument.text",
  ods: "application/vnd.oasis.opendocument.spreadsheet",
  ...{ mp3: "audio/mpeg", ogg: "audio/ogg", avif: "image/avif", heic: "image/heic" },
};

/**
 * Detects a media type. An image, audio or video type is never detected from the file name alone.
 *
 * @param beginning the first bytes of the content, a few KiB
 */
export function detectMediaType(beginning: Uint8Array, name: string): string {
  const found = findType(BEGINNINGS, beginning);
  const named = EXTENSIONS[/\.([^.]+)$/.exec(name)?.[1].toLowerCase() ?? ""];
  // AVIF and HEIC images have almost the same first bytes as MP4 videos.
  if (found === "video/mp4") return named?.startsWith("image/") ? named : found;
  if (found !== undefined) return found;
  const container = findType(CONTAINERS, beginning);
  if (container !== undefined) return isKind(named, "application") ? named : container;
  if (isText(beginning)) {
    return isKind(named, "text", "application") || named === "image/svg+xml" ? named : "text/plain";
  }
  return isKind(named, "application") ? named : UNKNOWN;
}

function isKind(type: string | undefined, ...kinds: string[]): type is string {
  return type !== undefined && kinds.includes(type.split("/")[0]);
}

function findType(table: typeof BEGINNINGS, bytes: Uint8Array): string | undefined {
  const matches = (beginning: string) =>
    bytes.length >= beginning.length &&
    Array.from(beginning, (character, at) => character === "?" || character.charCodeAt(0) === bytes[at]).every(Boolean);
  return table.find(([beginning]) => matches(beginning))?.[1];
}

/** Returns true for UTF-8 without control characters. The last character may be incomplete. */
function isText(bytes: Uint8Array): boolean {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
    // deno-lint-ignore no-control-regex
    return !/[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text);
  } catch {
    return false;
  }
}
