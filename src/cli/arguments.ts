/** The arguments of a command, and what is wrong with them. */

import { parseDuration } from "../base/duration.ts";
import { HintedError } from "../base/errors.ts";

/** The command line is wrong. */
export class UsageError extends HintedError {
  override name = "UsageError" as const;

  constructor(message: string, hint?: string) {
    super(message, { hint });
  }
}

/** The arguments of a command, checked against its table. */
export class Arguments {
  /** What is not an option, in order. */
  readonly operands: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(operands: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.operands = operands;
    this.#values = values;
  }

  /** The value of an option, undefined when it was not given. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** The values of an option that may be given several times. */
  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** Whether a switch was given. */
  has(name: string): boolean {
    return this.#values[name] === true;
  }

  /** A duration in milliseconds. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    throw new UsageError(`Cannot use --${name} "${text}": it is not a duration`, "write it as 30s, 15m, 2h or 14d");
  }
}
