/** Help, from the table of commands. */

import type { Command, OptionSpec } from "./command.ts";
import { EXIT_MEANINGS } from "./exit_codes.ts";

/** Help for the whole program. */
export function programHelp(commands: readonly Command[], general: readonly OptionSpec[]): string {
  return [
    "Sends notifications to Matrix rooms, and to every other configured method. Nothing is lost on failure but sent later.",
    "",
    "usage: matrix-notify COMMAND [OPTIONS]",
    "",
    "commands:",
    ...columns(commands.map((command) => [`${command.name} ${command.operands}`.trimEnd(), command.summary])),
    "",
    "options of every command:",
    ...columns(general.map(optionRow)),
    "",
    "environment: MATRIX_HOMESERVER, MATRIX_ACCESS_TOKEN (or MATRIX_ACCESS_TOKEN_FILE) and MATRIX_ROOM are enough to send;",
    "NTFY_SERVER, NTFY_TOPIC and NTFY_TOKEN (or NTFY_TOKEN_FILE) add ntfy.",
    "",
    "exit codes:",
    ...columns(EXIT_MEANINGS.map(([code, meaning]) => [String(code), meaning])),
    "",
    "matrix-notify COMMAND --help tells more; matrix-notify --version tells the version.",
  ].join("\n");
}

/** Help for one command. */
export function commandHelp(command: Command, general: readonly OptionSpec[]): string {
  return [
    `${command.summary}.`,
    "",
    `usage: matrix-notify ${command.name} [OPTIONS] ${command.operands}`.trimEnd(),
    ...(command.options.length === 0 ? [] : ["", "options:", ...columns(command.options.map(optionRow))]),
    "",
    "options of every command:",
    ...columns(general.map(optionRow)),
    ...(command.details ?? []).flatMap((paragraph) => ["", paragraph]),
    ...(command.examples ? ["", "examples:", ...command.examples.map((example) => `  ${example}`)] : []),
  ].join("\n");
}

function optionRow({ name, value, oneOf, summary, repeats }: OptionSpec): [string, string] {
  const choices = oneOf ? oneOf.join("|") : value;
  return [
    choices === undefined ? `--${name}` : `--${name} ${choices}`,
    repeats ? `${summary}; may be repeated` : summary,
  ];
}

/** Two columns; a left cell that is too long stands on a line of its own. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.min(30, Math.max(...rows.map(([left]) => left.length)));
  return rows.flatMap(([left, right]) =>
    left.length > width ? [`  ${left}`, `  ${" ".repeat(width)}  ${right}`] : [`  ${left.padEnd(width)}  ${right}`]
  );
}
