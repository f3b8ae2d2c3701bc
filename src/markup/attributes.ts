/**
 * Which attributes may be in a message, from the Client-Server API, section "m.room.message msgtypes" (v1.18).
 *
 * @module
 */

import { cleanText } from "./escape.ts";

/** An attribute of an element. */
export interface Attribute {
  /** In lower case. */
  readonly name: string;
  /** Without any escaping. */
  readonly value: string;
}

/** Gives the value to write, or nothing for a value that may not be. */
type Check = (value: string) => string | undefined;

const CHECKS: ReadonlyMap<string, Readonly<Record<string, Check>>> = new Map<string, Record<string, Check>>([
  ["span", {
    "data-mx-bg-color": color,
    "data-mx-color": color,
    "data-mx-spoiler": cleanText,
    "data-mx-maths": cleanText,
  }],
  ["a", { href, target }],
  ["img", { width: digits, height: digits, alt: cleanText, title: cleanText, src }],
  ["ol", { start: integer }],
  ["code", { class: languages }],
  ["div", { "data-mx-maths": cleanText }],
]);

/** Schemes with an authority: without their two slashes a browser would take them as relative to its own page. */
const HREF_STARTS = ["https://", "http://", "ftp://", "mailto:", "magnet:"];

/**
 * Keeps what the specification permits for this element, in its order, whatever order the attributes came in.
 *
 * @param tag an element in lower case
 * @param attributes what was found there; of two with one name the parser kept the first
 * @returns what may be written; none for an element that the specification gives no attributes
 */
export function permittedAttributes(tag: string, attributes: readonly Attribute[]): readonly Attribute[] {
  const kept: Attribute[] = [];
  for (const [name, check] of Object.entries(CHECKS.get(tag) ?? {})) {
    const found = attributes.find((attribute) => attribute.name === name);
    const value = found === undefined ? undefined : check(found.value);
    if (value !== undefined) kept.push({ name, value });
  }
  return kept;
}

/** Finds one attribute's value. */
export function attributeValue(attributes: readonly Attribute[], name: string): string | undefined {
  return attributes.find((attribute) => attribute.name === name)?.value;
}

function color(value: string): string | undefined {
  return /^#[0-9a-f]{6}$/i.test(value) ? value : undefined;
}

function digits(value: string): string | undefined {
  return /^[0-9]{1,5}$/.test(value) ? value : undefined;
}

function integer(value: string): string | undefined {
  return /^-?[0-9]{1,9}$/.test(value) ? value : undefined;
}

function languages(value: string): string | undefined {
  const names = cleanText(value).split(/\s+/).filter((name) => name.startsWith("language-") && name !== "language-");
  return names.length === 0 ? undefined : names.join(" ");
}

/** Other targets could replace the page of the client that shows the message. */
function target(value: string): string | undefined {
  return value === "_blank" ? value : undefined;
}

/** The address as a browser reads it: without what stands around it, and without the tabs and line breaks within. */
function address(value: string): string {
  return cleanText(value).trim().replaceAll("\n", "").replaceAll("\t", "");
}

function href(value: string): string | undefined {
  const url = address(value);
  const start = HREF_STARTS.find((start) => url.toLowerCase().startsWith(start));
  // Clients compare the scheme letter by letter.
  return start !== undefined && URL.canParse(url) ? start + url.slice(start.length) : undefined;
}

/** A Matrix content URI, `mxc://server/media`. */
function src(value: string): string | undefined {
  const url = address(value);
  const [scheme, empty, server, media, ...more] = url.split("/");
  return scheme === "mxc:" && empty === "" && server && media && more.length === 0 ? url : undefined;
}
