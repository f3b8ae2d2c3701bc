/**
 * Reads the body of a request: JSON, a form, XML, or text. The format is mainly detected from the
 * content, because the `Content-Type` is often wrong. For example, RouterOS and curl declare a form
 * if the user does not set a type.
 *
 * @module
 */

import type { AttachmentInput } from "../../notification/notification.ts";
import { decodeText } from "../../notification/text.ts";
import { parseStructured } from "../mail/headers.ts";
import { parseMail } from "../mail/parts.ts";
import { decodeQuotedPrintable } from "../mail/transfer.ts";
import { headerText, type IncomingRequest, latin1Bytes } from "./request.ts";
import { decodeEntities, parseJson } from "./values.ts";

/** The content of a request. */
export interface Body {
  /** The values of a JSON object, of a form or of XML; undefined for any other body. */
  readonly fields?: ReadonlyMap<string, unknown>;
  /** The JSON value; undefined for any other body. */
  readonly json?: unknown;
  /** The text outside of fields. If the body has no fields, this is the whole body. */
  readonly text: string;
  /** The files of a multipart form or of XML. */
  readonly files: readonly AttachmentInput[];
}

/**
 * Reads a body. Accepts every input.
 *
 * @param isField returns true for the name of a known field. A form must have a known field. This
 * field must be the first, unless the `Content-Type` names a form and the form is encoded
 * correctly.
 */
export function readBody({ headers, body }: IncomingRequest, isField: (name: string) => boolean): Body {
  const type = parseStructured(headerText(headers, "content-type"));
  if (type.value.startsWith("multipart/")) {
    const parts = readMultipart(headerText(headers, "content-type"), body);
    if (parts !== undefined) return parts;
  }
  const text = decodeText(body);
  if (/^[\s\ufeff]*[[{]/.test(text)) {
    const json = parseJson(text.replace(/^\ufeff/, ""));
    const fields = json === undefined || Array.isArray(json) ? [] : Object.entries(json as object);
    if (json !== undefined && (fields.length > MAX_FIELDS || Array.isArray(json))) return { json, text, files: [] };
    if (json !== undefined) return { json, fields: new Map(fields), text: "", files: [] };
  }
  const xml = /^\s*</.test(text) ? readXml(text, isField) : undefined;
  if (xml !== undefined) return xml;
  const fields = readForm(body, { isField, isDeclared: type.value === "application/x-www-form-urlencoded" });
  return fields === undefined ? { text, files: [] } : { fields, text: "", files: [] };
}

/** The maximum number of fields. A body with more fields counts as text. */
const MAX_FIELDS = 1000;

/**
 * Reads a form. If the `Content-Type` names a form, spaces are allowed: some clients send them, for
 * example `curl -d "message=Disk full"`. Returns undefined if the body is not a form.
 */
function readForm(
  body: Uint8Array,
  { isField, isDeclared }: { readonly isField: (name: string) => boolean; readonly isDeclared: boolean },
): ReadonlyMap<string, unknown> | undefined {
  const latin1 = new TextDecoder("latin1");
  // Most texts are not forms. This check of the beginning saves the memory for decoding all of it.
  if (!isDeclared && !isField(nameOf(latin1.decode(body.subarray(0, MAX_NAME_BYTES)).trimStart()))) return undefined;
  const raw = latin1.decode(body).trim();
  const isEncoded = !/\s/.test(raw);
  // An ampersand begins a field only before a name and `=`. So "message=a & b" is one field.
  const pairs = raw.split(/&(?=[^\s=&]{1,200}=)/, MAX_FIELDS + 1);
  const names = pairs.map(nameOf);
  const isForm = isField(names[0]) && (isDeclared || isEncoded) ||
    isDeclared && isEncoded && !names.includes("") && names.some(isField);
  if (!isForm) return undefined;
  if (pairs.length > MAX_FIELDS) return undefined;
  return new Map(pairs.map((pair) => {
    const at = pair.indexOf("=");
    return [decodeFormText(pair.slice(0, at)), decodeFormText(pair.slice(at + 1))];
  }));
}

/** The maximum length of the first name of a form and the spaces before it, in bytes. */
const MAX_NAME_BYTES = 1000;

/** Returns the name of a field of a form, in lower case; an empty text if the field has no name. */
function nameOf(pair: string): string {
  return /^([\w.:-]{1,100})=/.exec(pair)?.[1].toLowerCase() ?? "";
}

/** Decodes a name or a value of a form. The given text has one character for each byte. */
function decodeFormText(raw: string): string {
  return decodeText(decodeQuotedPrintable(latin1Bytes(raw.replaceAll("+", " ")), "%"));
}

/** Reads a multipart form. Returns undefined if the body has no parts. */
function readMultipart(contentType: string, body: Uint8Array): Body | undefined {
  const parts = readFormParts(contentType, body);
  if (parts.length === 0) return undefined;
  const fields = new Map<string, unknown>();
  const files: AttachmentInput[] = [];
  const texts: string[] = [];
  for (const { name, fileName, type, bytes } of parts) {
    if (fileName !== undefined) files.push({ name: fileName, bytes, type });
    else if (name === undefined) texts.push(decodeText(bytes));
    else fields.set(name, decodeText(bytes));
  }
  return { fields, text: texts.join("\n"), files };
}

/** A part of a multipart form. */
export interface FormPart {
  /** Undefined if the part has no name. */
  readonly name?: string;
  /** Undefined if the part is not a file. */
  readonly fileName?: string;
  /** The media type; undefined if the part has none. */
  readonly type?: string;
  /** The value, or the content of the file. */
  readonly bytes: Uint8Array;
}

/**
 * Reads the parts of a multipart form (RFC 7578). A form has the structure of a mail. The contents
 * are views of the body, so the memory holds a large file once. `Response.formData()` would make
 * several copies.
 *
 * @returns up to 1000 parts; an empty list if the body has no parts
 */
export function readFormParts(contentType: string, body: Uint8Array): readonly FormPart[] {
  const head = new TextEncoder().encode(`Content-Type: ${contentType}\n`);
  return parseMail({ head, body }).parts.map(({ headers, disposition, type, body: bytes }) => ({
    name: disposition.parameters.get("name"),
    fileName: disposition.parameters.get("filename")?.replace(/%(?:22|0D|0A)/gi, decodeURIComponent),
    type: headers.has("content-type") ? type.value : undefined,
    bytes,
  }));
}

/** Matches an element without children: its name, its attributes and its text. */
const LEAF_REGEXP = /<([A-Za-z][\w.-]{0,100})(\s[^<>]{0,1000})?>([^<]*)<\/\1\s*>/g;

/**
 * Reads the XML elements that have no child elements, at any depth. Returns undefined if no element
 * has a known name, or if a part of the text would be lost. Apprise sends a SOAP envelope
 * (NotifyXML-1.1.xsd), in which each element `Attachment` contains a file in base64.
 */
function readXml(text: string, isField: (name: string) => boolean): Body | undefined {
  const fields = new Map<string, unknown>(), files: AttachmentInput[] = [];
  for (const [, name, attributes = "", content] of text.matchAll(LEAF_REGEXP)) {
    if (fields.size + files.length >= MAX_FIELDS || fields.has(name)) return undefined;
    const file = name === "Attachment" ? readXmlFile(attributes, content) : undefined;
    if (file === undefined) fields.set(name, decodeEntities(content));
    else files.push(file);
  }
  if (![...fields.keys()].some((name) => isField(name.toLowerCase()))) return undefined;
  const between = text.replace(LEAF_REGEXP, "").replace(/<[^<>]{0,2000}>/g, "");
  return between.trim() === "" ? { fields, text: "", files } : undefined;
}

function readXmlFile(attributes: string, content: string): AttachmentInput | undefined {
  const attribute = (name: string) =>
    decodeEntities(new RegExp(`\\s${name}\\s*=\\s*"([^"]*)"`).exec(attributes)?.[1] ?? "");
  try {
    const type = attribute("mimetype");
    return {
      name: attribute("filename") || "attachment",
      bytes: Uint8Array.fromBase64(content),
      ...type === "" ? {} : { type },
    };
  } catch {
    return undefined;
  }
}
