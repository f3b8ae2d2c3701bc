/**
 * The one file that prints. The rules:
 *
 * - stdout is data: one line, a table that was asked for, or `--json`, one object a line. A script may read it.
 * - stderr is for people: `matrix-notify: …`, no capital at the beginning, no full stop at the end.
 * - what failed is followed by a hint that says what to do next, where there is something to do.
 * - colour only on a terminal, and not where NO_COLOR is set; only to tell good from bad at a glance.
 * - what came from elsewhere is printed without its control characters: a subject must not move the cursor.
 *
 * @module
 */

import type { Stdio } from "../runtime/runtime.ts";

/** Colours that a terminal may show. */
export type Colour = "red" | "green" | "yellow" | "dim" | "bold";

const CODES: Readonly<Record<Colour, number>> = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 };

/** Prints for people and programs. */
export class Ui {
  readonly #stdio: Stdio;
  readonly #colours: boolean;

  constructor(stdio: Stdio, env: (name: string) => string | undefined) {
    this.#stdio = stdio;
    this.#colours = stdio.stdoutIsTerminal() && !env("NO_COLOR") && env("TERM") !== "dumb";
  }

  /** A line of data. */
  data(line: string): void {
    this.#stdio.stdout(`${line}\n`);
  }

  /** An object of data, on one line. */
  json(value: unknown): void {
    this.data(JSON.stringify(value));
  }

  /** Something that people should know; the work goes on. */
  warn(text: string): void {
    this.#stdio.stderr(`matrix-notify: ${lowerFirst(printable(text))}\n`);
  }

  /** What failed, and what to do. */
  fail(text: string, hint?: string): void {
    this.warn(text);
    if (hint) this.#stdio.stderr(`  hint: ${printable(hint)}\n`);
  }

  /** Something for people, as it is: a drawing, a line with colours. */
  picture(text: string): void {
    this.#stdio.stderr(`${text}\n`);
  }

  /** Lines for whoever sits there and does what they say: an address to open, what to write where. */
  tell(...lines: readonly string[]): void {
    for (const line of lines) this.#stdio.stderr(`${printable(line)}\n`);
  }

  /** A text in a colour, where there are colours. */
  paint(text: string, colour: Colour): string {
    return this.#colours ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }
}

/** A text without control characters, so that it stays on its line and leaves the terminal alone. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ");
}

/** Leaves abbreviations as they are. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
}
