/**
 * The only file that prints. Its rules:
 *
 * 1. Standard output is data: a line, a requested table, or with `--json` one object a line.
 * 2. Standard error is for people: `matrix-notify: …`, first letter small, no full stop.
 * 3. An error says what cannot be done, then a colon, then why.
 * 4. A hint follows on its own line if the reader can do something.
 * 5. Colours show good and bad, only on a terminal, and never if NO_COLOR is set.
 * 6. Foreign text is printed without control characters: a subject must not move the cursor.
 * 7. `sendmail` prints nothing on success, `run` only the output of its command.
 * 8. Exit codes are in `exit_codes.ts`. Only `main.ts` turns errors into messages and codes.
 *
 * @module
 */

import type { Stdio } from "../runtime/runtime.ts";

/** The colours of the output. */
export type Colour = "red" | "green" | "yellow" | "dim" | "bold";

const CODES: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

/** Prints for people and programs. */
export class Ui {
  readonly #stdio: Stdio;
  readonly #hasColours: boolean;

  constructor(stdio: Stdio, env: (name: string) => string | undefined) {
    this.#stdio = stdio;
    this.#hasColours = stdio.stdoutIsTerminal() && !env("NO_COLOR") && env("TERM") !== "dumb";
  }

  /** Prints a line of data. */
  data(line: string): void {
    this.#stdio.stdout(`${line}\n`);
  }

  /** Prints an object as a line of data. */
  json(value: unknown): void {
    this.data(JSON.stringify(value));
  }

  /** Prints a warning: the command continues. */
  warn(text: string): void {
    this.#stdio.stderr(`matrix-notify: ${lowerFirst(printable(text))}\n`);
  }

  /** Prints an error and its hint. */
  fail(text: string, hint?: string): void {
    this.warn(text);
    if (hint) this.#stdio.stderr(`  hint: ${printable(hint)}\n`);
  }

  /** Prints our own text for people as it is: a QR code, a line with colours. */
  picture(text: string): void {
    this.#stdio.stderr(`${text}\n`);
  }

  /** Prints instructions for people: an address to open, a line for the configuration. */
  tell(...lines: readonly string[]): void {
    for (const line of lines) this.#stdio.stderr(`${printable(line)}\n`);
  }

  /** Colours a text, if there are colours. */
  paint(text: string, colour: Colour): string {
    return this.#hasColours ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }
}

/** Replaces control characters and line breaks, so that a text stays on its line. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

/** Makes the first letter small, except in abbreviations. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}
