/**
 * Parses the headers of a mail (RFC 5322), encoded words (RFC 2047), and parameters (RFC 2045, RFC
 * 2231).
 *
 * @module
 */

import { decodeBase64, decodeQuotedPrintable } from "./transfer.ts";
import { decodeCharset, isSingleByte } from "./charset.ts";

/** The headers of a mail, or of a part of a mail: lower-case names and unfolded values. */
export type Headers = ReadonlyMap<string, string>;

/** A header with parameters, such as `text/plain; charset=utf-8`. */
export interface Structured {
  /** The value before the parameters, in lower case; empty if the header is missing. */
  readonly value: string;
  /** The values of the parameters by their lower-case names. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * Matches the name of a header: visible ASCII except the colon (RFC 5322, section 2.2). Blanks
 * before the colon are allowed, as in sendmail.
 */
const HEADER_REGEXP = /^([!-9;-~]+)[ \t]*:/;

/** The head (the headers) of a mail or of a part. */
export interface FoundHead {
  readonly headEnd: number;
  /** The position at which the body starts, after the empty line if there is one. */
  readonly bodyStart: number;
  /** The lower-case names of the headers. */
  readonly names: ReadonlySet<string>;
}

/** The maximum length of a head, in bytes. The rest of a longer head belongs to the body. */
export const MAX_HEAD_BYTES: number = 256 * 1024;

/** The maximum length of a line that is searched for a name or for an encoded word. */
const MAX_SEARCHED_CHARS = 2000;

/**
 * Finds the end of a head (the headers of a mail or of a part). The head ends before the first line
 * that is not part of a header, at the latest after {@linkcode MAX_HEAD_BYTES}.
 *
 * @param text the mail, with one character for each byte
 */
export function findHead(text: string, start = 0, end: number = text.length): FoundHead {
  const names = new Set<string>();
  const limit = Math.min(end, start + MAX_HEAD_BYTES);
  let at = start, last = "";
  const lineEnd = () => Math.min(limit, (text.indexOf("\n", at) + 1) || limit);
  for (; at < limit; at = lineEnd()) {
    const line = text.slice(at, lineEnd());
    const name = HEADER_REGEXP.exec(line.slice(0, MAX_SEARCHED_CHARS))?.[1];
    if (name !== undefined) names.add(name.toLowerCase());
    else if (names.size === 0 || !(isFolded(line) || isRestOfWord(last, line))) break;
    last = line;
  }
  if (at === limit && limit < end) return { headEnd: at, bodyStart: at, names };
  const isSeparator = text.slice(at, lineEnd()).trim() === "";
  return { headEnd: at, bodyStart: isSeparator ? lineEnd() : at, names };
}

/** Returns true if a line continues the header in the previous line. */
function isFolded(line: string): boolean {
  return (line.startsWith(" ") || line.startsWith("\t")) && line.trim() !== "";
}

/**
 * Returns true if a line continues an encoded word of the previous line. The program `base64`
 * breaks lines after 76 characters, and scripts write its output into `Subject: =?UTF-8?B?…?=`.
 */
function isRestOfWord(last: string, line: string): boolean {
  if (last.length > MAX_SEARCHED_CHARS || line.length > MAX_SEARCHED_CHARS) return false;
  return /(?:=\?[^?\s]+\?[Bb]\?|^)[A-Za-z0-9+/]{60,}\s*$/.test(last) && /^[A-Za-z0-9+/=]+(?:\?=.*)?\s*$/.test(line);
}

/**
 * Parses headers. If a header occurs twice, the first value counts. Headers in valid UTF-8 are
 * decoded as UTF-8. Other headers are decoded with the charset of `Content-Type`, if this charset
 * has one byte for each character. Otherwise they are decoded as Latin-1.
 */
export function parseHeaders(head: Uint8Array): Headers {
  const headers = parseLines(decodeCharset(head));
  const charset = parseStructured(headers.get("content-type")).parameters.get("charset") ?? "";
  return isSingleByte(charset) ? parseLines(decodeCharset(head, charset)) : headers;
}

function parseLines(head: string): Headers {
  const fields: [name: string, lines: string[]][] = [];
  for (const line of head.split(/\r?\n/)) {
    const [start, name] = HEADER_REGEXP.exec(line.slice(0, MAX_SEARCHED_CHARS)) ?? [];
    if (start !== undefined) fields.push([name.toLowerCase(), [line.slice(start.length)]]);
    else fields.at(-1)?.[1].push(line);
  }
  return new Map(fields.reverse().map(([name, lines]) => [name, lines.join("").trim()]));
}

/** Matches one encoded word. Its text may contain spaces, although the standard forbids spaces. */
const WORD = String.raw`=\?([^?\s]+)\?([QqBb])\?([^?]*)\?=`;
const WORD_REGEXP = new RegExp(WORD, "g");
/** Matches encoded words in a row. White space between them is ignored (RFC 2047, section 6.2). */
const WORDS_REGEXP = new RegExp(`${WORD}(?:\\s*${WORD})*`, "g");

/**
 * Decodes the encoded words in a text. Many programs split a character, or the four characters of a
 * base64 group, across two encoded words. Therefore neighbouring encoded words with the same
 * charset are decoded together.
 */
export function decodeWords(text: string): string {
  return text.replace(WORDS_REGEXP, (words) => {
    const groups: { charset: string; encoding: string; text: string }[][] = [];
    for (const [, name, letter, text] of words.matchAll(WORD_REGEXP)) {
      // An asterisk separates the charset from the language (RFC 2231, section 5).
      const charset = name.split("*")[0].toLowerCase(), encoding = letter.toUpperCase();
      const group = groups.at(-1), last = group?.at(-1);
      if (group === undefined || last?.charset !== charset) groups.push([{ charset, encoding, text }]);
      else if (last.encoding === encoding) last.text += text;
      else group.push({ charset, encoding, text });
    }
    return groups.map((group) => decodeCharset(concat(group.map(decodeWord)), group[0].charset)).join("");
  });
}

function decodeWord({ encoding, text }: { readonly encoding: string; readonly text: string }): Uint8Array {
  const bytes = new TextEncoder().encode(text.replaceAll("_", encoding === "Q" ? " " : "_"));
  return encoding === "Q" ? decodeQuotedPrintable(bytes) : decodeBase64(bytes);
}

function concat(arrays: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of arrays) {
    all.set(each, at);
    at += each.length;
  }
  return all;
}

/**
 * Matches one parameter. A value without quotes may contain spaces, although the standard forbids
 * spaces.
 */
const PARAMETER_REGEXP = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))/g;

/** The maximum length of a header with parameters, in UTF-16 code units. */
const MAX_STRUCTURED_CHARS = 10_000;

/**
 * A section of a parameter: `name*1*=b%20` has the index 1 and is encoded (RFC 2231, section 3).
 */
interface Section {
  readonly index: number;
  readonly isEncoded: boolean;
  readonly text: string;
}

/** Parses a header with parameters. Comments in parentheses are removed. */
export function parseStructured(header = ""): Structured {
  const source = header.slice(0, MAX_STRUCTURED_CHARS);
  const value = source.split(";")[0].replace(/\([^()]*\)/g, "").replaceAll('"', "").trim().toLowerCase();
  const sections = new Map<string, Section[]>();
  for (const [, key, quoted, token = ""] of source.matchAll(PARAMETER_REGEXP)) {
    const [, name = "", index, star] = /^(.*?)(?:\*(\d+))?(\*?)$/.exec(key.toLowerCase()) ?? [];
    const text = quoted?.replace(/\\(["\\])/g, "$1") ?? token.replace(/(?:^|\s)\([^()]*\)/g, "").trim();
    const all = sections.get(name) ?? [];
    all.push({ index: Number(index ?? -1), isEncoded: star === "*", text });
    sections.set(name, all);
  }
  return { value, parameters: new Map([...sections].map(([name, all]) => [name, joinSections(all)])) };
}

/** Joins the sections of a parameter. If a section occurs twice, the first one counts. */
function joinSections(sections: readonly Section[]): string {
  // If a header has `name=` and `name*=`, use only `name*=`: it has the same value with a charset.
  const extended = sections.filter(({ index, isEncoded }) => index >= 0 || isEncoded);
  if (extended.length === 0) return decodeWords(sections[0].text);
  const sorted = extended.toSorted((a, b) => a.index - b.index)
    .filter(({ index }, at, all) => at === 0 || index !== all[at - 1].index);
  const [, charset, first] = sorted[0].isEncoded ? /^([^']*)'[^']*'([^]*)$/.exec(sorted[0].text) ?? [] : [];
  const bytes = sorted.map(({ isEncoded, text }, at) => {
    const source = new TextEncoder().encode(at === 0 ? first ?? text : text);
    return isEncoded ? decodeQuotedPrintable(source, "%") : source;
  });
  return decodeCharset(concat(bytes), charset);
}
