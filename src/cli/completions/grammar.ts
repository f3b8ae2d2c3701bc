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
export interface CompletedCommand extends Pick<CommandEntry, "name" | "summary"> {
  readonly options: readonly CompletedOption[];
  /** The operands. The last operand can be given several times if `isLastRepeated` is true. */
  readonly operands: readonly Values[];
  readonly isLastRepeated: boolean;
}

/** Reads the definitions of all commands. */
export async function readCommands(entries: readonly CommandEntry[]): Promise<readonly CompletedCommand[]> {
  return await Promise.all(entries.map(async ({ name, summary, load }) => {
    const command = await load();
    return {
      ...{ name, summary, options: [...command.options, ...GENERAL_OPTIONS].map((each) => toOption(each, command)) },
      ...readOperands(command),
    };
  }));
}

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

/** Groups the commands by their first word. */
export function byFirstWord(commands: readonly CompletedCommand[]): ReadonlyMap<string, readonly CompletedCommand[]> {
  return Map.groupBy(commands, ({ name }) => name.split(" ")[0]);
}

/** Selects the groups of commands that have a second word: `queue list`, `setup router`. */
export function withSecondWord(
  groups: ReadonlyMap<string, readonly CompletedCommand[]>,
): readonly (readonly [first: string, members: readonly CompletedCommand[]])[] {
  return [...groups].map(([first, members]) => [first, members.filter(({ name }) => name !== first)] as const)
    .filter(([, members]) => members.length > 0);
}

/**
 * Returns the description of the commands with the same first word: their second words, such as
 * `list, show, retry`. If the first word alone is a command, returns the summary of this command.
 */
export function describeFamily(commands: readonly CompletedCommand[]): string {
  const [{ name, summary }] = commands;
  return name.includes(" ") ? commands.map(({ name }) => name.split(" ")[1]).join(", ") : summary;
}

/** The possible first words of a command line that are not commands, with their descriptions. */
export const OTHER_FIRST_WORDS: readonly (readonly [word: string, summary: string])[] = [
  ["help", "Print the help of a command"],
  ["--help", "Print the help"],
  ["--version", "Print the version"],
];
