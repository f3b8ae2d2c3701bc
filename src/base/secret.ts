/**
 * Secrets: values that never appear in output. A secret is read each time it is used, so that a new
 * token works without a restart.
 *
 * @module
 */

/** A password or a token. In output and in JSON, a secret appears as `[secret]`. */
export class Secret {
  readonly #read: () => string;

  /**
   * @param read a function that reads the value each time the value is used. `reveal()` throws the
   * errors of `read`.
   */
  constructor(read: () => string) {
    this.#read = read;
  }

  /** Reads and returns the secret value. */
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
