/**
 * Finds the facts that errors about a configuration file show: the line of each value, the keys
 * that are used twice, and the line and the reason of a syntax error. `JSON.parse` does not report
 * these facts reliably, so other code uses `JSON.parse` only to read the values.
 */

import { MAX_JSON_DEPTH } from "../base/fields.ts";
import { firstChars } from "../base/printable.ts";

/** The lines and the repeated keys of a valid JSON text. */
export interface JsonText {
  /** The lines of all values, by dotted path: `channels.ntfy.topic`, `routes[2].when`. */
  readonly lines: ReadonlyMap<string, number>;
  /**
   * The keys that are used twice in the same object: the path of the key, and the line of its
   * second use.
   */
  readonly repeated: readonly { readonly path: string; readonly line: number }[];
}

/** A syntax error, with its line. */
export class JsonSyntaxError extends Error {
  override name = "JsonSyntaxError" as const;
  /** The number of the line; the first line is 1. */
  readonly line: number;
  /** The text of the line, in which `…` replaces values that may be secrets. */
  readonly lineText: string;

  /** @param offset the position of the error in the text */
  constructor(reason: string, text: string, offset: number) {
    super(reason);
    const start = text.lastIndexOf("\n", offset - 1) + 1;
    this.line = text.slice(0, offset).split("\n").length;
    this.lineText = withoutValues(text.slice(start).split("\n", 1)[0]);
  }
}

/** The maximum length of a line in an error. A longer line is cut. */
const MAX_SHOWN_CHARS = 80;

/**
 * An error shows a line of the file without its values, because they may be secrets. This is the
 * maximum number of characters that are searched for values. The rest of the line is not shown.
 */
const MAX_SEARCHED_CHARS = 1000;

/**
 * Replaces string values and unknown words with `…`, because they may be secrets. Keeps the keys.
 */
function withoutValues(line: string): string {
  const shown = line.slice(0, MAX_SEARCHED_CHARS).trim().replace(
    /("(?:[^"\\]|\\.)*"\s*:)|("(?:[^"\\]|\\.)*"?)|([^\s"{}[\],:]+)/g,
    (word, name, text) => name ?? (text !== undefined ? '"…"' : LITERAL_REGEXP.test(word) ? word : "…"),
  );
  return shown.length > MAX_SHOWN_CHARS ? `${firstChars(shown, MAX_SHOWN_CHARS)}…` : shown;
}

/**
 * Reads JSON text.
 *
 * @throws {JsonSyntaxError} if the text is not valid JSON
 */
export function readJsonText(text: string): JsonText {
  return new Reader(text).read();
}

/** A word between punctuation: a number, `true`, or a text without quotes. */
const WORD_REGEXP = /[^\s"{}[\],:]+/y;
const STRING_REGEXP = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|[\x7f-\x9f])*"/uy;
const LITERAL_REGEXP = /^(true|false|null|-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?)$/;

class Reader {
  readonly #text: string;
  #at = 0;
  /** The end of the last token, where a missing comma belongs. */
  #end = 0;
  /** The line number of the position `#at`. */
  #line = 1;
  readonly #lines = new Map<string, number>();
  readonly #repeated: { path: string; line: number }[] = [];
  /** The number of open objects and arrays. */
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): JsonText {
    this.#skipSpace();
    if (this.#at === this.#text.length) throw this.#error("the file is empty");
    this.#readValue("");
    if (this.#at < this.#text.length) throw this.#error("there is text after the end of the configuration");
    return { lines: this.#lines, repeated: this.#repeated };
  }

  #readValue(path: string): void {
    this.#lines.set(path, this.#line);
    const next = this.#text[this.#at];
    if (next === "{") this.#readList("}", (keys) => this.#readMember(path, keys));
    else if (next === "[") {
      let index = 0;
      this.#readList("]", () => this.#readValue(`${path}[${index++}]`));
    } else if (next === '"') this.#readString();
    else this.#readWord();
  }

  /** Reads the members of an object, or the elements of an array. */
  #readList(close: "}" | "]", readPart: (keys: Set<string>) => void): void {
    const start = this.#at;
    const keys = new Set<string>();
    if (++this.#depth > MAX_JSON_DEPTH) throw this.#error(`values are nested deeper than ${MAX_JSON_DEPTH} levels`);
    this.#advance(1);
    if (this.#text[this.#at] === close) return this.#close();
    for (;;) {
      if (this.#at < this.#text.length) readPart(keys);
      const next = this.#text[this.#at];
      if (next === close) return this.#close();
      if (next === undefined) throw this.#error(`the ${this.#text[start]} of this line is not closed`, start);
      if (next !== ",") throw this.#error(this.#problemAfterValue(next), this.#end);
      this.#advance(1);
      if (this.#text[this.#at] === close) throw this.#error(`a comma must not be before ${close}`, this.#end - 1);
    }
  }

  #close(): void {
    this.#depth--;
    this.#advance(1);
  }

  /** Describes what is wrong if neither a comma nor the closing bracket follows a value. */
  #problemAfterValue(next: string): string {
    if (next === "}" || next === "]") return `the ${next} does not match its opening bracket`;
    return this.#findComment() ?? "a comma is missing";
  }

  #readMember(path: string, keys: Set<string>): void {
    if (this.#text[this.#at] !== '"') throw this.#error(this.#findComment() ?? "a name in double quotes is expected");
    const line = this.#line;
    const key: string = JSON.parse(this.#readString());
    const inner = path === "" ? key : `${path}.${key}`;
    if (keys.has(key)) this.#repeated.push({ path: inner, line });
    keys.add(key);
    if (this.#text[this.#at] !== ":") throw this.#error("a colon is missing after a name", this.#end);
    this.#advance(1);
    this.#readValue(inner);
    // The line of a member is the line of its key.
    this.#lines.set(inner, line);
  }

  #readString(): string {
    const found = this.#match(STRING_REGEXP);
    if (found !== undefined) return found;
    const [line] = this.#text.slice(this.#at + 1).split("\n", 1);
    if (!/^(?:[^"\\]|\\.)*"/.test(line)) throw this.#error('a closing " is missing');
    throw this.#error("a text contains a control character or a \\ that does not begin an escape; write \\ as \\\\");
  }

  #readWord(): void {
    const start = this.#at;
    const comment = this.#findComment();
    if (comment !== undefined) throw this.#error(comment);
    const word = this.#match(WORD_REGEXP);
    if (word !== undefined && LITERAL_REGEXP.test(word)) return;
    if (start === this.#text.length) throw this.#error("the file ends too early", this.#end);
    throw this.#error(
      word === undefined ? "a value is missing" : "a value is not valid; texts need double quotes",
      word === undefined ? this.#end : start,
    );
  }

  #findComment(): string | undefined {
    return /^(\/[/*]|#)/.test(this.#text.slice(this.#at, this.#at + 2)) ? "comments are not allowed" : undefined;
  }

  /**
   * Reads a token and the white space after the token. Returns undefined if the text does not
   * continue with this token.
   */
  #match(token: RegExp): string | undefined {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0];
    if (found !== undefined) this.#advance(found.length);
    return found;
  }

  #advance(count: number): void {
    this.#at += count;
    this.#end = this.#at;
    this.#skipSpace();
  }

  #skipSpace(): void {
    for (; /[ \t\r\n]/.test(this.#text[this.#at] ?? ""); this.#at++) if (this.#text[this.#at] === "\n") this.#line++;
  }

  #error(reason: string, offset = this.#at): JsonSyntaxError {
    return new JsonSyntaxError(reason, this.#text, offset);
  }
}
