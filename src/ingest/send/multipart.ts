/**
 * Splits a multipart form (RFC 7578). The parts are views of the body, so the memory holds a file
 * once. `Response.formData()` holds several copies of each file.
 */

/** A part of a form. */
export interface FormPart {
  readonly name: string;
  /** Undefined if the part is not a file. */
  readonly fileName?: string;
  /** The media type; empty if the part has none. */
  readonly type: string;
  /** The value or the content of the file: a view of the body. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** How much of a body is converted to text at once, in bytes. */
const WINDOW_BYTES = 2 ** 20;

/** The maximum length of the head of a part, in bytes. */
const MAX_HEAD_BYTES = 16 * 1024;

/** The maximum length of a boundary, in characters (RFC 2046, section 5.1.1). */
const MAX_BOUNDARY_CHARS = 70;

/**
 * Reads the parts of a form.
 *
 * @param contentType the header `Content-Type`, with the boundary
 * @throws {SyntaxError} if the body is not a complete form
 */
export function* readFormParts(body: Uint8Array<ArrayBuffer>, contentType: string): Iterable<FormPart> {
  const [, quoted, token] = /;\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? token ?? "";
  if (boundary === "" || boundary.length > MAX_BOUNDARY_CHARS) throw new SyntaxError("The boundary is missing");
  const delimiter = `\r\n--${boundary}`;
  const isFirst = textOf(body, 0, delimiter.length - 2) === delimiter.slice(2);
  let at = isFirst ? delimiter.length - 2 : find(body, delimiter, 0) + delimiter.length;
  while (textOf(body, at, at + 2) !== "--") {
    const headStart = at, headEnd = find(body, "\r\n\r\n", headStart, MAX_HEAD_BYTES);
    const end = find(body, delimiter, headEnd + 2);
    // A part without content has only one line break between its head and the delimiter.
    const start = Math.min(headEnd + 4, end);
    yield { ...readHead(body.subarray(headStart, headEnd)), bytes: body.subarray(start, end) };
    at = end + delimiter.length;
  }
}

function readHead(bytes: Uint8Array): Omit<FormPart, "bytes"> {
  const head = new TextDecoder().decode(bytes);
  const disposition = /^content-disposition:\s*form-data\b(.*)$/im.exec(head)?.[1] ?? "";
  const parameters = new Map<string, string>();
  for (const [, name, quoted, token] of disposition.matchAll(PARAMETER_REGEXP)) {
    parameters.set(name.toLowerCase(), quoted === undefined ? token : unescape(quoted));
  }
  const name = parameters.get("name");
  if (name === undefined) throw new SyntaxError("A part has no name");
  const type = /^content-type:(.*)$/im.exec(head)?.[1].trim().toLowerCase() ?? "";
  return { name, fileName: parameters.get("filename"), type };
}

/** Matches one parameter. */
const PARAMETER_REGEXP = /;\s*([\w*]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g;

/** Decodes a value in quotes. Browsers encode quotes and line breaks as in a URL; old curl uses `\`. */
function unescape(quoted: string): string {
  return quoted.replace(/\\(["\\])/g, "$1").replace(/%(?:22|0D|0A)/gi, (code) => decodeURIComponent(code));
}

/**
 * Finds a text of ASCII characters.
 *
 * @param maxBytes how many bytes are searched
 * @throws {SyntaxError} if the body does not contain the text
 */
function find(body: Uint8Array, text: string, start: number, maxBytes: number = body.length): number {
  const end = Math.min(body.length, start + maxBytes);
  for (let at = start; at < end; at += WINDOW_BYTES) {
    const found = textOf(body, at, Math.min(at + WINDOW_BYTES + text.length - 1, end)).indexOf(text);
    if (found >= 0) return at + found;
  }
  throw new SyntaxError("The form is not complete");
}

/** Returns a part of a body as a text with one character for each byte. */
function textOf(body: Uint8Array, start: number, end: number): string {
  return new TextDecoder("latin1").decode(body.subarray(start, end));
}
