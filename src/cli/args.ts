/** From argv to the arguments of one command, by its table. */

import { parseArgs } from "./deps.ts";
import { nearest } from "../base/nearest.ts";
import { Arguments, UsageError } from "./arguments.ts";
import type { Command, OptionSpec } from "./command.ts";

/**
 * Parses what stands behind a command's name.
 *
 * @throws {UsageError} that names the nearest thing that would have been right
 */
export function parseCommandLine(command: Command, options: readonly OptionSpec[], argv: readonly string[]): Arguments {
  const valued = options.filter((option) => option.value !== undefined).map((option) => option.name);
  const { words, switches } = takeSwitches(command.readsWords ? closeOptions(argv, options) : argv, options);
  const parsed = parseArgs(words, {
    string: ["_", ...valued],
    collect: valued,
    unknown: (arg: string, key?: string) => {
      if (key === undefined) return true;
      throw unknownOption(command, options, arg);
    },
  });
  const values: Record<string, unknown> = {};
  for (const option of options) {
    const given = parsed[option.name];
    values[option.name] = option.value === undefined
      ? switches.has(option.name)
      : optionValue(option, Array.isArray(given) ? given : []);
  }
  const operands = parsed._.map(String);
  if (!switches.has("help")) checkCount(command, operands);
  return new Arguments(operands, values);
}

/**
 * Takes the switches out, and writes every other option with its value in one word: else a switch would take a "true" or "false" behind it for its own, and
 * an option would not take a "-" for its value.
 */
function takeSwitches(
  argv: readonly string[],
  options: readonly OptionSpec[],
): { words: string[]; switches: Set<string> } {
  const byName = new Map(options.map((option) => [`--${option.name}`, option]));
  const words: string[] = [], switches = new Set<string>();
  const isValue = (word: string | undefined) => word !== undefined && (word === "-" || !word.startsWith("-"));
  for (let at = 0; at < argv.length; at++) {
    if (argv[at] === "--") return { words: [...words, ...argv.slice(at)], switches };
    const option = byName.get(argv[at] === "-h" ? "--help" : argv[at]);
    if (option?.value === undefined && option !== undefined) switches.add(option.name);
    else if (option !== undefined && isValue(argv[at + 1])) words.push(`${argv[at]}=${argv[++at]}`);
    else words.push(argv[at]);
  }
  return { words, switches };
}

/** Puts the mark that ends options before the first word that is no long option of ours, nor the value of one. */
function closeOptions(argv: readonly string[], options: readonly OptionSpec[]): readonly string[] {
  let at = 0;
  for (; argv[at] !== undefined && /^--[a-z]/.test(argv[at]); at++) {
    const option = options.find(({ name }) => argv[at] === `--${name}`);
    if (option?.value !== undefined) at++;
  }
  return argv[at] === "--" ? argv : [...argv.slice(0, at), "--", ...argv.slice(at)];
}

function optionValue(option: OptionSpec, given: readonly unknown[]): unknown {
  const values = given.map(String);
  for (const value of values) {
    if (value === "") {
      throw new UsageError(`Cannot use --${option.name}: it needs a value`, `write --${option.name} ${option.value}`);
    }
    if (option.oneOf && !option.oneOf.includes(value)) {
      const near = nearest(value, option.oneOf);
      throw new UsageError(
        `Cannot use --${option.name} "${value}": it must be one of ${option.oneOf.join(", ")}`,
        near && `did you mean ${near}?`,
      );
    }
  }
  if (option.repeats) return values;
  if (values.length > 1) throw new UsageError(`Cannot use --${option.name} twice: it takes one value`);
  return values.at(0);
}

function unknownOption(command: Command, options: readonly OptionSpec[], arg: string): UsageError {
  const given = arg.split("=")[0];
  const near = nearest(given.replace(/^-+/, ""), options.map((option) => option.name));
  return new UsageError(
    `Cannot use ${given}: there is no such option`,
    near
      ? `did you mean --${near}?`
      : `see matrix-notify ${command.name} --help; what begins with - and is no option goes behind --`,
  );
}

function checkCount(command: Command, operands: readonly string[]): void {
  const [least, most] = command.operandCount;
  const usage = `usage: matrix-notify ${command.name} ${command.operands}`.trimEnd();
  if (operands.length < least) {
    throw new UsageError(
      `Cannot run ${command.name}: ${command.operands.split(" ")[operands.length]} is missing`,
      usage,
    );
  }
  if (operands.length > most) {
    throw new UsageError(
      `Cannot run ${command.name}: "${operands[most]}" is one word too many`,
      `${usage}; quote what holds spaces`,
    );
  }
}
