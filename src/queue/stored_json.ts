/**
 * JSON values of the journal that are parsed only when they are needed. With a long queue, a
 * command reads thousands of entries, but needs the notifications of only a few entries.
 *
 * The bytes of several values share a block. The garbage collector frees a block when none of its
 * values is used any more. One value in use keeps its whole block in memory, so blocks are small.
 *
 * @module
 */

/** The size of a block, in bytes. A longer value gets a block of its own. */
const BLOCK_BYTES = 2048;

const decoder = new TextDecoder();

/** A JSON value that is stored as text. */
export class StoredJson {
  /** Undefined after the value was parsed. */
  #block: Uint8Array | undefined;
  readonly #start: number;
  readonly #end: number;
  #value: unknown;

  constructor(block: Uint8Array, start: number, end: number) {
    this.#block = block;
    this.#start = start;
    this.#end = end;
  }

  /** The text in UTF-8; undefined after the value was parsed. */
  get text(): Uint8Array | undefined {
    return this.#block?.subarray(this.#start, this.#end);
  }

  /** The value; undefined if the text is not JSON. */
  get value(): unknown {
    if (this.#block !== undefined) {
      this.#value = parse(decoder.decode(this.text));
      this.#block = undefined;
    }
    return this.#value;
  }

  /** Called by `JSON.stringify`. */
  toJSON(): unknown {
    return this.value;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Stores JSON values, and texts that many entries have. */
export class JsonStore {
  #block = new Uint8Array();
  #used = 0;
  readonly #shared = new Map<string, string>();

  /**
   * Returns the same text object for all equal texts. This saves memory, because thousands of
   * entries can have the same destination.
   */
  share(text: string): string {
    const known = this.#shared.get(text);
    if (known === undefined) this.#shared.set(text, text);
    return known ?? text;
  }

  /** Copies the UTF-8 text of a value. */
  add(text: Uint8Array): StoredJson {
    if (this.#used + text.length > this.#block.length) {
      this.#block = new Uint8Array(Math.max(BLOCK_BYTES, text.length));
      this.#used = 0;
    }
    const start = this.#used;
    this.#block.set(text, start);
    this.#used += text.length;
    return new StoredJson(this.#block, start, this.#used);
  }
}
