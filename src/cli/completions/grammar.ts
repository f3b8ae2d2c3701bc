/**
 * The data about commands in the completion scripts. It is read from the definitions of the
 * commands.
 */

import type { Command, CommandEntry } from "../command.ts";
import { GENERAL_OPTIONS, type OptionSpec } from "../options.ts";

/**
 * How a shell completes a word.
 *
 * - an array: one of these words
 * - `channels`, `rooms`, `entries`: the program prints the words
 * - `files`, `directories`: a path
 * - `names`: the name of a command of matrix-notify
 * - `command line`: another program and its arguments
 * - `text`: the shell cannot complete the word
 */
export type Values =
  | readonly string[]
  | "channels"
  | "rooms"
  | "entries"
  | "files"
  | "directories"
  | "names"
  | "command line"
  | "text";

/** What the completion scripts need to know about an option. */
export interface CompletedOption extends Pick<OptionSpec, "short" | "summary" | "repeats"> {
  /** The long form: `--dry-run`. */
  readonly long: string;
  /** The values of the option. Undefined for a switch. */
  readonly values?: Values;
}

/** The data about a command in the scripts. */
export interface CompletedCommand {
  readonly name: string;
  readonly options: readonly CompletedOption[];
  /** The operands. The last operand can be given several times if `isLastRepeated` is true. */
  readonly operands: readonly Values[];
  readonly isLastRepeated: boolean;
}

/** A word, and its description. */
export type DescribedWord = readonly [word: string, summary: string];

/** The data about all commands in the scripts. */
export interface Grammar {
  readonly commands: readonly CompletedCommand[];
  /**
   * The first words of the commands. If a first word alone is not a command, its description lists
   * the second words: `list, show, retry`.
   */
  readonly firstWords: readonly DescribedWord[];
  /** The words that can begin a command line, but are not commands: `help`, `--version`. */
  readonly otherFirstWords: readonly DescribedWord[];
  /** The second words, by the first word: `queue list`, `setup router`. */
  readonly secondWords: readonly (readonly [first: string, words: readonly DescribedWord[]])[];
}

/** Reads the definitions of all commands. */
export async function readGrammar(entries: readonly CommandEntry[]): Promise<Grammar> {
  const commands = await Promise.all(entries.map(async ({ name, load }) => {
    const command = await load();
    const options = [...command.options, ...GENERAL_OPTIONS].map((each) => toOption(each, command));
    return { name, options, ...readOperands(command) };
  }));
  return {
    commands,
    firstWords: firstWordsOf(entries),
    otherFirstWords: OTHER_FIRST_WORDS,
    secondWords: secondWordsOf(entries),
  };
}

const OTHER_FIRST_WORDS: readonly DescribedWord[] = [
  ["help", "Print the help of a command"],
  ["--help", "Print the help"],
  ["--version", "Print the version"],
];

function toOption(option: OptionSpec, { foreignWords }: Command): CompletedOption {
  const { name, short, summary, repeats } = option;
  const values = option.value === undefined ? undefined : option.oneOf ?? VALUES_OF_OPTION[option.value] ?? "text";
  return { long: `--${name}`, short: foreignWords === "own" ? undefined : short, summary, repeats, values };
}

/** The values of an option, by its placeholder. */
const VALUES_OF_OPTION: Readonly<Record<string, Values>> = {
  CHANNEL: "channels",
  DIR: "directories",
  FILE: "files",
  ROOM: "rooms",
};

/** The values of an operand, by its placeholder. */
const VALUES_OF_OPERAND: Readonly<Record<string, Values>> = { FILE: "files", ID: "entries", ROOM: "rooms" };

/** Reads the operands in the format of the usage line: `SUBJECT [BODY]`, `[ID...]`, `bash|zsh`. */
function readOperands({ operands, foreignWords }: Command): Pick<CompletedCommand, "operands" | "isLastRepeated"> {
  if (foreignWords === "command") return { operands: ["command line"], isLastRepeated: false };
  const words = operands.split(" ").filter((word) => word !== "").map((word) => word.replace(/^\[(.*)\]$/, "$1"));
  if (words[0] === "COMMAND") return { operands: ["names"], isLastRepeated: true };
  // For example `[-t] [-i] [RECIPIENT...]`: the options of sendmail can be in any order.
  const letters = words.filter((word) => word.startsWith("-"));
  if (letters.length > 0) return { operands: [letters], isLastRepeated: true };
  return {
    operands: words.map((word) => {
      const name = word.replace("...", "");
      return name.includes("|") ? name.split("|") : VALUES_OF_OPERAND[name] ?? "text";
    }),
    isLastRepeated: operands.includes("..."),
  };
}

/** Lists the first words of the commands. Commands with the same first word have one row. */
function firstWordsOf(entries: readonly CommandEntry[]): readonly DescribedWord[] {
  return Array.from(byFirstWord(entries), ([first, members]) => {
    const [{ name, summary }] = members;
    return [first, name === first ? summary : members.map(secondWordOf).join(", ")];
  });
}

/** Lists the second words of the commands, by their first word. */
function secondWordsOf(entries: readonly CommandEntry[]): Grammar["secondWords"] {
  return Array.from(byFirstWord(entries.filter(({ name }) => name.includes(" "))), ([first, members]) => {
    return [first, members.map((entry) => [secondWordOf(entry), entry.summary])];
  });
}

function byFirstWord(entries: readonly CommandEntry[]): ReadonlyMap<string, readonly CommandEntry[]> {
  return Map.groupBy(entries, ({ name }) => name.split(" ")[0]);
}

function secondWordOf({ name }: CommandEntry): string {
  return name.split(" ")[1];
}
