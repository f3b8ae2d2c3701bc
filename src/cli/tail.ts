/** The end of what a program says, however much that is. */

/** How many lines are kept. */
const MAX_LINES = 50;

/** How many bytes are kept; what is longer than anybody reads in a notification is in the program's own log. */
const MAX_BYTES = 8 * 1024;

/** What a terminal is told in between: colours, cursor movements, titles (ECMA-48, section 5). */
// deno-lint-ignore no-control-regex
const ESCAPE_REGEXP = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])/g;

/** Keeps the end of a stream of bytes. */
export class Tail {
  #bytes = new Uint8Array();
  #isCut = false;

  /** Adds what was said next. */
  push(chunk: Uint8Array): void {
    const all = new Uint8Array(this.#bytes.length + chunk.length);
    all.set(this.#bytes);
    all.set(chunk, this.#bytes.length);
    this.#isCut ||= all.length > MAX_BYTES;
    this.#bytes = all.slice(-MAX_BYTES);
  }

  /** The last lines as a terminal would show them, and whether something before them is missing. */
  toString(): string {
    // Where the beginning was cut, half a character may be left of it.
    const start = this.#isCut ? this.#bytes.findIndex((byte) => (byte & 0xc0) !== 0x80) : 0;
    const text = new TextDecoder().decode(this.#bytes.subarray(Math.max(0, start))).replace(ESCAPE_REGEXP, "");
    const lines = text.replaceAll("\r\n", "\n").trimEnd().split("\n").map((line) =>
      line.slice(line.lastIndexOf("\r") + 1)
    );
    const isCut = this.#isCut || lines.length > MAX_LINES;
    return [...(isCut ? ["✂ Only the end of the output:"] : []), ...lines.slice(-MAX_LINES)].join("\n");
  }
}
