/**
 * Parses the arguments of a command. The options that the command declares define the syntax.
 *
 * A word that begins with `-` is not always an option. It can be text, such as `-5 °C` or a line of
 * `ls -l`:
 *
 * - A word that does not have the form of an option is an operand.
 * - The word after an option that needs a value is the value, unless this word is a declared
 *   option.
 *
 * @module
 */

import { parseDuration } from "../base/duration.ts";
import { nearest } from "../base/nearest.ts";
import { UsageError } from "./errors.ts";
import { GENERAL_OPTIONS, type OptionSpec } from "./options.ts";

/**
 * The parsed arguments of a command. The type parameters list the names of the declared options.
 * Reading an undeclared option is a type error.
 */
export class Arguments<in Text extends string, in List extends string, in Switch extends string> {
  /** The words that are not options, in their original order. */
  readonly operands: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor({ operands, values }: ParsedWords) {
    this.operands = operands;
    this.#values = values;
  }

  /**
   * Returns the value of an option, or undefined if the option is not given or its value is empty.
   */
  text(name: Text): string | undefined {
    return this.#values.get(name)?.[0] || undefined;
  }

  /**
   * Returns the value of an option, which can be empty. Returns undefined if the option is not
   * given.
   */
  rawText(name: Text): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /**
   * Returns the value of an option with a fixed list of values, or undefined if the option is not
   * given.
   */
  choice<Choice extends string>(name: Text, choices: readonly Choice[]): Choice | undefined {
    const text = this.text(name);
    return choices.find((choice) => choice === text);
  }

  /** Returns all values of an option that the user can give several times. */
  list(name: List): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** Returns true if a switch (an option without a value) is given. */
  has(name: Switch): boolean {
    return this.#values.has(name);
  }

  /** Returns true if an option is given, even with an empty value. */
  isGiven(name: Text | List | Switch): boolean {
    return this.#values.has(name);
  }

  /**
   * Returns the value of a duration option in milliseconds, or undefined if it is not given.
   *
   * @throws {UsageError} if the value is not a duration
   */
  durationMs(name: Text): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    throw new UsageError(`Cannot use --${name} "${text}": it is not a duration`, "write it as 30s, 15m, 2h or 14d");
  }
}

type WithValue<Option> = Extract<Option, { readonly value: string }>;
type ListName<Option extends OptionSpec> = Extract<WithValue<Option>, { readonly repeats: true }>["name"];
type TextName<Option extends OptionSpec> = Exclude<WithValue<Option>, { readonly repeats: true }>["name"];
type SwitchName<Option extends OptionSpec> = Exclude<Option, { readonly value: string }>["name"];

/**
 * The parsed arguments of a command that declares `Options`. The general options, such as `--help`,
 * are included.
 */
export type ArgumentsFor<Options extends readonly OptionSpec[]> = ArgumentsOf<
  Options[number] | typeof GENERAL_OPTIONS[number]
>;
type ArgumentsOf<Option extends OptionSpec> = Arguments<TextName<Option>, ListName<Option>, SwitchName<Option>>;

/** The syntax of a command's arguments. */
export interface Grammar {
  /**
   * The operands in the format of the usage line: `SUBJECT [BODY]`, `[ID...]`. The parser derives
   * the permitted number of operands from this text.
   */
  readonly operands: string;
  readonly options: readonly OptionSpec[];
  /**
   * Set if some words of the command line are for another program. Undefined if all words are for
   * matrix-notify.
   *
   * - `own`: only the long options at the beginning are for matrix-notify. The command has its own
   *   parser for all later words, as `sendmail` does.
   * - `command`: the operands are the command line of another program, as in `run -- PROGRAM`.
   *   Short options of matrix-notify must be before the program.
   */
  readonly foreignWords?: "own" | "command";
}

/** A parsed command line. */
export interface ParsedWords {
  readonly operands: readonly string[];
  /** The values of the given options, by option name. A switch has empty values. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/**
 * Parses the words after a command's name.
 *
 * @param name the name of the command, for error messages
 * @throws {UsageError} if the words do not match the grammar; the hint suggests a correction
 */
export function parseArguments(name: string, grammar: Grammar, argv: readonly string[]): ParsedWords {
  const options: readonly OptionSpec[] = [...grammar.options, ...GENERAL_OPTIONS];
  const operands: string[] = [], values = new Map<string, readonly string[]>();
  const rest = [...grammar.foreignWords === "own" ? endOptions(argv, options) : argv];
  for (let word = rest.shift(); word !== undefined && word !== "--"; word = rest.shift()) {
    if (isOperand(word, options, grammar)) {
      operands.push(word);
    } else if (word.startsWith("--")) {
      const [given, attached] = splitLongForm(word);
      const option = options.find((each) => given === `--${each.name}`);
      if (option === undefined) throw unknownOption(name, options, word);
      const value = option.value === undefined
        ? noValue(option, attached)
        : attached ?? takeValue(option, options, rest);
      values.set(option.name, [...values.get(option.name) ?? [], value]);
    } else {
      if (operands.length > 0 && grammar.foreignWords === "command") throw misplacedOption(name, word);
      rest.unshift(...toLongForms(word, { name, options }));
    }
  }
  operands.push(...rest);
  for (const option of options) checkValues(option, values.get(option.name) ?? []);
  if (!values.has("help")) checkCount(name, grammar.operands, operands);
  return { operands, values };
}

/**
 * Returns true if a word is not an option: it has no leading `-`, is only `-`, or does not have the
 * form of an option. If the operands are the command line of another program, each longer word
 * with a leading `-` is an option.
 */
function isOperand(word: string, options: readonly OptionSpec[], { foreignWords }: Grammar): boolean {
  if (!word.startsWith("-") || word === "-") return true;
  if (/^--[A-Za-z][A-Za-z0-9-]*(=|$)/.test(word)) return false;
  return foreignWords !== "command" && !isShortForm(word, options);
}

/**
 * Returns true if a word has the form of short options, such as `-q` or `-qn`. A misspelt option
 * (`-x`, `-channel`) also has this form. A word with a space does not have this form: it is text,
 * such as a line of `ls -l`.
 */
function isShortForm(word: string, options: readonly OptionSpec[]): boolean {
  if (/^-[A-Za-z][A-Za-z0-9]*(=\S*)?$/.test(word)) return true;
  const letters = Array.from(word.slice(1), (letter) => options.find(({ short }) => short === letter));
  const at = letters.findIndex((option) => option === undefined || option.value !== undefined);
  const value = word.slice(at + 2);
  return letters[at] !== undefined && !/\s/.test(word) && (letters[at].oneOf?.includes(value) ?? true);
}

function splitLongForm(word: string): [given: string, value: string | undefined] {
  const at = word.indexOf("=");
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/**
 * Checks that a switch has no value. The switch `--help` may have a value, such as `--help=1`, so
 * that help is always printed.
 */
function noValue({ name }: OptionSpec, attached: string | undefined): string {
  if (attached === undefined || name === "help") return "";
  throw new UsageError(
    `Cannot use --${name}=${attached}: this option does not take a value`,
    `write --${name} without a value`,
  );
}

/** Takes the next word as the value of an option. */
function takeValue({ name, value }: OptionSpec, options: readonly OptionSpec[], rest: string[]): string {
  const next = rest.shift();
  const isOption = options.some((each) =>
    splitLongForm(next ?? "")[0] === `--${each.name}` || next === `-${each.short}`
  );
  if (next !== undefined && next !== "--" && !isOption) return next;
  throw new UsageError(
    `Cannot use --${name}: it needs a value`,
    isOption
      ? `write --${name} ${value}; if ${next} is the value, write --${name}=${next}`
      : `write --${name} ${value}`,
  );
}

/**
 * Converts short forms to long forms: `-qn` to `--silent --dry-run`, `-cntfy` to `--channel=ntfy`.
 * A separate word `-c` becomes `--channel`, and the next word is the value.
 */
function toLongForms(
  word: string,
  { name, options }: { readonly name: string; readonly options: readonly OptionSpec[] },
): readonly string[] {
  const long = options.find((each) => each.name.length > 1 && word.replace(/=.*/s, "") === `-${each.name}`);
  if (long) {
    throw new UsageError(`Cannot use -${long.name}: a long option begins with --`, `did you mean --${long.name}?`);
  }
  const forms: string[] = [];
  for (let at = 1; at < word.length; at++) {
    const option = options.find(({ short }) => short === word[at]);
    if (option === undefined) throw unknownOption(name, options, `-${word[at]}`);
    if (option.value !== undefined) {
      const value = word.slice(at + 1).replace(/^=/, "");
      return [...forms, at + 1 === word.length ? `--${option.name}` : `--${option.name}=${value}`];
    }
    forms.push(`--${option.name}`);
  }
  return forms;
}

/**
 * Inserts `--` after the long options at the beginning of the words. All later words are operands.
 */
function endOptions(argv: readonly string[], options: readonly OptionSpec[]): readonly string[] {
  let at = 0;
  for (; argv[at] !== undefined && /^--[a-z]/.test(argv[at]); at++) {
    const option = options.find(({ name }) => argv[at] === `--${name}`);
    if (option?.value !== undefined) at++;
  }
  return argv[at] === "--" ? argv : [...argv.slice(0, at), "--", ...argv.slice(at)];
}

/** Checks the values of an option. A switch has no values, and can be given several times. */
function checkValues(option: OptionSpec, values: readonly string[]): void {
  if (option.value === undefined) return;
  for (const value of values) {
    if (value === "" && option.allowsEmpty) continue;
    if (value === "") {
      throw new UsageError(`Cannot use --${option.name}: it needs a value`, `write --${option.name} ${option.value}`);
    }
    if (option.oneOf && !option.oneOf.includes(value)) {
      const near = nearest(value, option.oneOf);
      throw new UsageError(
        `Cannot use --${option.name} "${value}": ${
          option.oneOf.length === 1 ? "the only possible value is" : "it must be one of"
        } ${option.oneOf.join(", ")}`,
        near && `did you mean ${near}?`,
      );
    }
  }
  if (option.repeats || values.length <= 1) return;
  throw new UsageError(
    `Cannot use --${option.name} twice: it can be given only once`,
    "keep one of them",
  );
}

function unknownOption(name: string, options: readonly OptionSpec[], word: string): UsageError {
  const given = word.split("=")[0];
  const near = /^-.$/.test(given) ? withInitial(given[1], options) : nearestTo(given.replace(/^-+/, ""), options);
  return new UsageError(
    `Cannot use ${given}: there is no such option`,
    near ? `did you mean ${near}?` : `see: matrix-notify ${name} --help; write -- before words that begin with -`,
  );
}

function nearestTo(given: string, options: readonly OptionSpec[]): string | undefined {
  const name = nearest(given, options.map((option) => option.name));
  return name && `--${name}`;
}

/** Lists the options that begin with a letter: `--severity (-p) or --silent (-q)`. */
function withInitial(letter: string, options: readonly OptionSpec[]): string {
  const names = options.filter(({ name }) => name.startsWith(letter) && name !== "state-dir");
  return names.map(({ name, short }) => short === undefined ? `--${name}` : `--${name} (-${short})`).join(" or ");
}

function misplacedOption(name: string, word: string): UsageError {
  return new UsageError(
    `Cannot use ${word} after the command to run: it is unclear whether it is for this command or for matrix-notify`,
    `for the command: matrix-notify ${name} -- COMMAND ${word}; for matrix-notify: write ${word} before --`,
  );
}

function checkCount(name: string, usageOperands: string, operands: readonly string[]): void {
  const expected = usageOperands.split(" ").filter((word) => word !== "" && word !== "--");
  const least = expected.filter((word) => !word.startsWith("[")).length;
  const most = usageOperands.includes("...") ? Infinity : expected.length;
  const usage = `usage: matrix-notify ${name} ${usageOperands}`.trimEnd();
  if (operands.length < least) {
    throw new UsageError(`Cannot run ${name}: ${expected[operands.length]} is missing`, usage);
  }
  if (operands.length > most) {
    throw new UsageError(
      `Cannot run ${name}: "${operands[most]}" is unexpected`,
      `${usage}; quote text with spaces`,
    );
  }
}
