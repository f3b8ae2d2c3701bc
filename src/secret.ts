/** Secrets: values that appear in no output, and that are read at the moment of use, so that a new token needs no restart. */

/** A password or token that shows as `[secret]` wherever it is printed or serialised. */
export class Secret {
  readonly #read: () => string;

  /** @param read gives the value at the moment of use; what it throws reaches the one who asked */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** The value now. */
  reveal(): string {
    return this.#read();
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [Symbol.for("Deno.customInspect")](): string {
    return "[secret]";
  }
}
