/** Formats the help texts from the definitions of the commands, in lines of at most 80 columns. */

import type { CommandEntry, CommandHelp } from "./command.ts";
import { EXIT_MEANINGS } from "./exit_codes.ts";
import { GENERAL_OPTIONS, type OptionSpec } from "./options.ts";

const MAX_COLUMNS = 80;

/** The maximum width of the left column. A longer text gets a separate line. */
const MAX_LEFT_COLUMNS = 26;

/** What the program does. */
export const PROGRAM_TEXT =
  "matrix-notify sends notifications to Matrix rooms, ntfy and other services. Each service that you configure is a channel. " +
  "If a service cannot be reached, matrix-notify stores the notification in a queue on disk and tries again " +
  "until the notification is delivered or expires.";

/** Example command lines of the program. */
export const PROGRAM_EXAMPLES: readonly string[] = [
  'matrix-notify send "Backup failed" "No space left on /dev/sda1"',
  "matrix-notify run --only-on-failure -- /usr/local/bin/backup",
];

/** Returns the help of the program. */
export function programHelp(commands: readonly CommandEntry[]): string {
  return [
    ...wrap(PROGRAM_TEXT),
    "",
    "usage: matrix-notify COMMAND [OPTIONS]",
    "",
    "commands:",
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    "",
    "options of every command:",
    ...columns(GENERAL_OPTIONS.map(optionRow)),
    "",
    "environment:",
    ...wrap(
      "To send without a configuration file, set MATRIX_HOMESERVER, MATRIX_ACCESS_TOKEN (or " +
        "MATRIX_ACCESS_TOKEN_FILE) and MATRIX_ROOM. To send with ntfy, set NTFY_SERVER, NTFY_TOPIC and " +
        "NTFY_TOKEN (or NTFY_TOKEN_FILE).",
      "  ",
    ),
    "",
    "exit codes:",
    ...columns(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning])),
    "",
    "examples:",
    ...PROGRAM_EXAMPLES.map((example) => `  ${example}`),
    "",
    "matrix-notify COMMAND --help prints the help of a command.",
    "matrix-notify --version (-v, -V) prints the version.",
  ].join("\n");
}

/** Returns the help of all commands that have the same first word, such as `queue`. */
export function familyHelp(first: string, commands: readonly CommandEntry[]): string {
  return [
    `usage: matrix-notify ${first} COMMAND [OPTIONS]`,
    "",
    "commands:",
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    "",
    `matrix-notify ${first} COMMAND --help prints the help of a command.`,
  ].join("\n");
}

/** Returns the help of one command. */
export function commandHelp({ name, summary }: Omit<CommandEntry, "load">, command: CommandHelp): string {
  const { details = [], exitCodes } = command;
  const rows = visibleOptions(command).map(optionRow);
  return [
    `${summary}.`,
    "",
    `usage: ${usageLine(name, command)}`,
    ...(rows.length === 0 ? [] : ["", "options:", ...columns(rows)]),
    "",
    "options of every command:",
    ...columns(GENERAL_OPTIONS.map(optionRow)),
    ...details.flatMap((paragraph) => ["", ...wrap(paragraph)]),
    ...(exitCodes === undefined
      ? []
      : ["", `${exitCodes.title}:`, ...columns(exitCodes.meanings.map(([code, meaning]) => [String(code), meaning]))]),
    "",
    "examples:",
    ...command.examples.flatMap((example) => example.split("\n").map((line) => `  ${line}`)),
  ].join("\n");
}

/** Formats the usage line: `matrix-notify send [OPTIONS] SUBJECT [BODY]`. */
export function usageLine(name: string, { operands }: Pick<CommandHelp, "operands">): string {
  return `matrix-notify ${name} [OPTIONS] ${operands}`.trimEnd();
}

/**
 * Returns the options for the help of a command. A command with its own parser does not accept the
 * short forms of matrix-notify, so its help does not show them.
 */
export function visibleOptions({ options, foreignWords }: CommandHelp): readonly OptionSpec[] {
  return foreignWords === "own" ? options.map((option) => ({ ...option, short: undefined })) : options;
}

/** Returns the row of an option in the help: `-q, --silent` and the description. */
export function optionRow({ name, short, value, oneOf, summary, repeats }: OptionSpec): [string, string] {
  const about = [summary, oneOf && `possible values: ${oneOf.join(", ")}`, repeats && "may be repeated"];
  return [
    `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
    about.filter((part) => part).join("; "),
  ];
}

/** Formats rows as two aligned columns. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(MAX_LEFT_COLUMNS, Math.max(...rows.map(([left]) => left.length)));
  const indent = " ".repeat(width + 4);
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right, indent);
    if (left.length > width) return [`  ${left}`, ...lines];
    return [`  ${left.padEnd(width)}  ${lines[0].slice(indent.length)}`, ...lines.slice(1)];
  });
}

/** Splits a text into lines. Breaks only between words. */
function wrap(text: string, indent = ""): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1) ?? ""} ${word}`;
    if (lines.length > 0 && longer.length <= MAX_COLUMNS) lines[lines.length - 1] = longer;
    else lines.push(indent + word);
  }
  return lines;
}
