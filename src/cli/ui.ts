/**
 * Prints all output of the program. The rules for output:
 *
 * 1. Data is printed to standard output. With `--json`, the data is one object per line.
 * 2. Messages for people are printed to standard error: `matrix-notify: …`, without a capital
 *    letter at the beginning and without a full stop.
 * 3. An error message consists of the failed action, a colon and the reason.
 * 4. A hint for the reader is printed on a separate line.
 * 5. Colours are used only on a terminal, and not if NO_COLOR is set.
 * 6. Text that is not from this program is printed without control characters. For example, a
 *    subject must not move the cursor.
 * 7. If there is no error, `sendmail` prints nothing, and `run` prints only the output of its
 *    command.
 * 8. Only `main.ts` converts errors to messages and exit codes.
 *
 * @module
 */

import { printable, replaceHidden } from "../base/printable.ts";
import type { Stdio } from "../runtime/runtime.ts";

/** The colours of the output. */
export type Colour = "red" | "green" | "yellow" | "dim" | "bold";

const CODES: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

/** Matches the escape sequences that {@linkcode Ui.paint} writes. */
const COLOUR_REGEXP = new RegExp(`(\x1b\\[(?:${["0", ...Object.values(CODES)].join("|")})m)`);

/** Prints data, messages and JSON. */
export class Ui {
  readonly #stdio: Stdio;
  readonly #hasColours: boolean;
  /** The warnings and errors that must not be printed again. */
  #printed: Set<string> | undefined;

  constructor(stdio: Stdio, env: (name: string) => string | undefined) {
    this.#stdio = stdio;
    this.#hasColours = stdio.stdoutIsTerminal() && !env("NO_COLOR") && env("TERM") !== "dumb";
  }

  /**
   * Prints lines to standard output. Only line breaks, tabs and the colours of {@linkcode Ui.paint}
   * are printed unchanged. Every other control character is replaced with a space.
   */
  data(lines: string): void {
    this.#stdio.stdout(`${this.#clean(lines)}\n`);
  }

  /** Prints a value as a line of JSON to standard output. */
  json(value: unknown): void {
    this.data(toJson(value));
  }

  /** Prints a warning. A warning does not stop the command. */
  warn(text: string): void {
    this.fail(text);
  }

  /** Prints an error, and its hint on the next line. */
  fail(text: string, hint?: string): void {
    if (this.#printed?.has(text)) return;
    this.#printed?.add(text);
    this.#stdio.stderr(`matrix-notify: ${lowerFirst(printable(text))}\n`);
    if (hint) this.#stdio.stderr(`  hint: ${printable(hint)}\n`);
  }

  /** Prints a line to standard error. The line may have the colours of {@linkcode Ui.paint}. */
  note(line: string): void {
    this.#stdio.stderr(`${this.#clean(line)}\n`);
  }

  #clean(text: string): string {
    const parts = this.#hasColours ? text.split(COLOUR_REGEXP) : [text];
    return parts.map((part, at) => at % 2 === 1 ? part : replaceHidden(part, () => " ")).join("");
  }

  /** From now on, prints each warning and each error only once. */
  skipRepeats(): void {
    this.#printed ??= new Set();
  }

  /**
   * Prints text unchanged to standard error. The text must be from this program, such as a QR code.
   */
  picture(text: string): void {
    this.#stdio.stderr(`${text}\n`);
  }

  /** Prints instructions to standard error, such as an address that the user must open. */
  tell(...lines: readonly string[]): void {
    for (const line of lines) this.#stdio.stderr(`${printable(line)}\n`);
  }

  /** Colours a text if colours are enabled. */
  paint(text: string, colour: Colour): string {
    return this.#hasColours ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }
}

/**
 * Formats a value as JSON. Control and format characters are escaped (such as `\u009b`), because a
 * terminal may obey them.
 *
 * @param indent the number of spaces for each level. By default, the JSON is one line.
 */
export function toJson(value: unknown, indent?: number): string {
  return replaceHidden(
    JSON.stringify(value, undefined, indent),
    (text) => text.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}

/** Converts the first letter to lower case, except in abbreviations. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}
