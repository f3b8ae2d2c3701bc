/**
 * Converts text to the rows that a terminal would show. Some escape sequences move the cursor or
 * erase text. This file carries out these sequences. The height and the width of the terminal are
 * unknown, so the terminal has as many rows and columns as the text needs. No side effects.
 *
 * @module
 */

/**
 * Returns true if a text contains no carriage returns, backspaces or escapes. The caller has
 * already removed the other control characters, except tabs and line feeds.
 */
export function isPlaced(text: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/[\r\b\x1b]/.test(text);
}

/**
 * Matches an escape sequence that can affect more than one row: every sequence except "erase in
 * line".
 */
// deno-lint-ignore no-control-regex
const MOVE_REGEXP = /\x1b(?!\[[0-9;]*K)/;

/**
 * The maximum length of a text that contains a match of {@linkcode MOVE_REGEXP}, in UTF-16 code
 * units. In a longer text, escape sequences are only removed, not carried out.
 */
const MAX_MOVED_CHARS = 1024 * 1024;

/** The work that counts for one sequence, and for one new row; see {@linkcode Budget}. */
const SEQUENCE_WORK = 2, ROW_WORK = 16;

/** The maximum work for a text; see {@linkcode Budget}. It takes about a tenth of a second. */
const MAX_WORK = 4 * 1024 * 1024;

/**
 * Limits the work: the number of cells that are written, erased or moved. Without a limit, a
 * hostile text would need quadratic time, and would block all other work of `serve`.
 */
class Budget {
  #left: number;

  constructor(text: string) {
    this.#left = Math.min(1024 * 1024 + 8 * text.length, MAX_WORK);
  }

  /** @throws {RangeError} if there was too much work */
  spend(work: number): void {
    this.#left -= work;
    if (this.#left < 0) throw new RangeError("Cannot place the text: it needs too much work");
  }
}

/**
 * Carries out the cursor movements and erasures in a text, and returns the resulting rows. If the
 * text is too long or needs too much work, this function only removes the sequences. In this case,
 * no text is overwritten.
 */
export function placeText(text: string): string {
  const budget = new Budget(text);
  try {
    if (!MOVE_REGEXP.test(text)) return placeEachRow(text, budget);
    if (text.length <= MAX_MOVED_CHARS) return placeRows(text, budget);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  // deno-lint-ignore no-control-regex
  return breakLines(text.replace(/\x1b(?:\[[0-9;]{0,1000}[@-~]?|[^])?|\x08/g, ""));
}

/**
 * Turns carriage returns into line feeds. Works on bytes: V8 needs half a second to replace
 * millions of characters in a text.
 */
function breakLines(text: string): string {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at++) if (bytes[at] === 0x0d) bytes[at] = 0x0a;
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * Carries out the sequences of each row separately. The text must not contain sequences that affect
 * other rows. Rows without control characters do not change.
 */
function placeEachRow(text: string, budget: Budget): string {
  const parts: string[] = [];
  // deno-lint-ignore no-control-regex
  const controls = /[\r\x08\x1b]/g;
  let done = 0;
  for (let found = controls.exec(text); found !== null; found = controls.exec(text)) {
    const start = text.lastIndexOf("\n", found.index) + 1;
    const end = text.indexOf("\n", found.index);
    const rowEnd = end < 0 ? text.length : end;
    parts.push(text.slice(done, start), placeRows(text.slice(start, rowEnd), budget));
    done = controls.lastIndex = rowEnd;
  }
  return [...parts, text.slice(done)].join("");
}

/** Matches visible text, a sequence, or another character. */
// deno-lint-ignore no-control-regex
const TOKEN_REGEXP = /[^\r\n\b\x1b\t]{1,10000}|\x1b\[([0-9;]*)([@-~])|\x1b.|[^]/g;

function placeRows(text: string, budget: Budget): string {
  const terminal = new Terminal(budget);
  for (const [token, parameters, final] of text.matchAll(TOKEN_REGEXP)) {
    budget.spend(SEQUENCE_WORK);
    if (final !== undefined) terminal.control(final, parameters.split(";").map(Number));
    else if (token.startsWith("\x1b")) terminal.escape(token[1] ?? "");
    else if (token === "\n") terminal.newLine();
    else if (token === "\r") terminal.moveTo(0);
    else if (token === "\b") terminal.moveTo(terminal.column - 1);
    else if (token === "\t") terminal.tab();
    else terminal.write(token);
  }
  return terminal.toString();
}

/**
 * The largest row number to which a sequence can move the cursor. Also the largest number of
 * columns by which a sequence can move the cursor beyond the end of a row.
 */
const MAX_DISTANCE = 300;

/**
 * The largest total number of blanks that are added, so that a short text cannot become very long.
 */
const MAX_PADDING = 64 * 1024;

const TAB_WIDTH = 8;

/** One row: the characters of its columns. */
interface Row {
  cells: string[];
  /**
   * True if the cursor was moved in this row. Tabs then become blanks, and blanks at the end of the
   * row are removed.
   */
  isMoved: boolean;
}

/**
 * A terminal without a fixed size. The terminal has two areas. The flow contains the text line by
 * line. The screen contains the rows that a program addressed by their number. The screen is shown
 * below the flow. On a real terminal, both areas share the same rows. Which rows they share depends
 * on the height, which is unknown here. Therefore the areas are separate.
 */
class Terminal {
  column = 0;
  readonly #flow: Row[] = [newRow()];
  #screen: Row[] = [];
  #isOnScreen = false;
  #row = 0;
  #padding = MAX_PADDING;
  readonly #budget: Budget;
  #saved = { isOnScreen: false, row: 0, column: 0 };

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** Writes text at the cursor, and overwrites the text that is already there. */
  write(text: string): void {
    this.#budget.spend(text.length);
    const row = this.#current();
    while (row.cells.length < this.column && this.#padding-- > 0) row.cells.push(" ");
    this.column = Math.min(this.column, row.cells.length);
    for (const character of text) {
      // These characters have no column of their own. They belong to the character before them.
      if (character >= "\u0300" && this.column > 0 && /[\p{Mn}\p{Me}\u200d]/u.test(character)) {
        row.cells[this.column - 1] += character;
      } else row.cells[this.column++] = character;
    }
  }

  tab(): void {
    const row = this.#current();
    const width = TAB_WIDTH - this.column % TAB_WIDTH;
    if (row.isMoved || this.column < row.cells.length) this.moveTo(this.column + width);
    else {
      row.cells.push("\t", ...Array(width - 1).fill(""));
      this.column += width;
    }
  }

  newLine(): void {
    this.#budget.spend(ROW_WORK);
    this.#row++;
    this.column = 0;
    if (!this.#isOnScreen && this.#row === this.#flow.length) this.#flow.push(newRow());
  }

  /** Moves the cursor within its row. */
  moveTo(column: number): void {
    const row = this.#current();
    if (!row.isMoved) {
      this.#budget.spend(row.cells.length);
      row.isMoved = true;
      row.cells = row.cells.map((cell) => cell === "\t" || cell === "" ? " " : cell);
    }
    this.column = Math.max(0, Math.min(column, row.cells.length + MAX_DISTANCE));
  }

  /** Carries out an escape sequence of one character. */
  escape(final: string): void {
    if (final === "7") this.#save();
    else if (final === "8") this.#restore();
    else if (final === "D") this.#moveRows(1);
    else if (final === "E") this.newLine();
    else if (final === "M") this.#moveRows(-1);
    else if (final === "c") this.#startPage();
  }

  /** Carries out a control sequence. A missing parameter is 0. */
  control(final: string, [first = 0, second = 0]: readonly number[]): void {
    const count = Math.max(1, first);
    switch (final) {
      case "A":
        return this.#moveRows(-count);
      case "B":
        return this.#moveRows(count);
      case "C":
        return this.moveTo(this.column + count);
      case "D":
        return this.moveTo(this.column - count);
      case "E":
      case "F":
        this.#moveRows(final === "E" ? count : -count);
        return this.moveTo(0);
      case "G":
      case "`":
        return this.moveTo(count - 1);
      case "d":
        return this.#moveToScreen(count, this.column);
      case "H":
      case "f":
        return this.#moveToScreen(count, Math.max(1, second) - 1);
      case "J":
        return first === 0 ? this.#eraseBelow() : first === 1 ? undefined : this.#startPage();
      case "s":
        return this.#save();
      case "u":
        return this.#restore();
    }
    this.#edit(final, first);
  }

  /** Erases, deletes or inserts characters in the row of the cursor. */
  #edit(final: string, first: number): void {
    this.moveTo(this.column);
    const { cells } = this.#current(), { column } = this;
    this.#budget.spend(final === "K" && first > 0 ? cells.length : Math.max(0, cells.length - column));
    const count = Math.max(1, Math.min(first, MAX_DISTANCE));
    if (final === "P") cells.splice(column, count);
    else if (final === "X") cells.fill(" ", column, column + count);
    else if (final === "@" && column < cells.length && this.#padding > count) {
      this.#padding -= count;
      cells.splice(column, 0, ...Array(count).fill(" "));
    } else if (final === "K" && first === 0) cells.splice(column);
    else if (final === "K") cells.fill(" ", 0, first === 1 ? column + 1 : cells.length);
  }

  #eraseBelow(): void {
    this.#edit("K", 0);
    (this.#isOnScreen ? this.#screen : this.#flow).splice(this.#row + 1);
  }

  /**
   * Moves the cursor by several rows. Moving down past the last row adds only one row, so that a
   * short text cannot become very long.
   */
  #moveRows(count: number): void {
    const { column } = this;
    this.#budget.spend(ROW_WORK);
    if (this.#isOnScreen) this.#row = Math.min(this.#row + count, Math.max(this.#row, MAX_DISTANCE));
    else {
      this.#row = Math.min(this.#row + count, this.#flow.length);
      if (this.#row === this.#flow.length) this.#flow.push(newRow());
    }
    this.#row = Math.max(0, this.#row);
    this.moveTo(column);
  }

  #moveToScreen(row: number, column: number): void {
    this.#isOnScreen = true;
    this.#row = Math.min(row, MAX_DISTANCE);
    this.moveTo(column);
  }

  /** Clears the screen. The text of the screen is moved to the flow, so that no text is lost. */
  #startPage(): void {
    this.#budget.spend(this.#screen.length + ROW_WORK);
    const rows = shownRows(this.#screen);
    for (const row of rows) this.#flow.push(row);
    if (this.#flow.at(-1)?.cells.length) this.#flow.push(newRow());
    this.#screen = [];
    if (this.#isOnScreen) return;
    this.#row = this.#flow.length - 1;
    this.column = 0;
  }

  #save(): void {
    this.#saved = { isOnScreen: this.#isOnScreen, row: this.#row, column: this.column };
  }

  #restore(): void {
    this.#isOnScreen = this.#saved.isOnScreen;
    this.#row = this.#isOnScreen ? this.#saved.row : Math.min(this.#saved.row, this.#flow.length - 1);
    this.moveTo(this.#saved.column);
  }

  #current(): Row {
    return this.#isOnScreen ? this.#screen[this.#row] ??= newRow() : this.#flow[this.#row];
  }

  toString(): string {
    const screen = shownRows(this.#screen);
    const flow = screen.length > 0 && this.#flow.at(-1)?.cells.length === 0 ? this.#flow.slice(0, -1) : this.#flow;
    return [...flow, ...screen].map(({ cells, isMoved }) => isMoved ? cells.join("").trimEnd() : cells.join("")).join(
      "\n",
    );
  }
}

function newRow(): Row {
  return { cells: [], isMoved: false };
}

function shownRows(screen: readonly Row[]): Row[] {
  return screen.filter((row) => row?.cells.some((cell) => cell.trim() !== ""));
}
