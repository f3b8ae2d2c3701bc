/**
 * Finds the command of a command line and runs it. Converts every error to a message and an exit
 * code.
 *
 * @module
 */

import { HintedError, toPermissionError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { hideSecrets } from "../base/secret.ts";
import { VERSION } from "../base/version.ts";
import { denoRuntime, type Runtime } from "../runtime/runtime.ts";
import type { CommandEntry } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { UsageError } from "./errors.ts";
import { EXIT, exitCodeForError } from "./exit_codes.ts";
import { Ui } from "./ui.ts";

/** Runs a command line with the Deno runtime. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  using runtime = denoRuntime((text) => new Ui(runtime.stdio, runtime.env).warn(text));
  const words = hasCommand(argv) ? argv : await addProgramName(argv);
  return await main(words[0] !== "run" && words.some(isDamaged) ? await decodeWords(words) : words, runtime);
}

/** Returns true if a word may be damaged: Deno replaces bytes that are not UTF-8 with U+FFFD. */
function isDamaged(word: string): boolean {
  return word.includes("\ufffd");
}

async function decodeWords(words: readonly string[]): Promise<readonly string[]> {
  const { readArgumentBytes } = await import("../runtime/argument_bytes.ts");
  const { decodeText } = await import("../notification/text.ts");
  const given = (await readArgumentBytes())?.map(decodeText) ?? [];
  // If the program was started as `sendmail`, `words` begins with the added word `sendmail`. The
  // arguments of the process do not contain this word.
  return [...words.slice(0, words.length - given.length), ...given];
}

function hasCommand([first]: readonly string[]): boolean {
  return COMMANDS.some(({ name }) => name.split(" ")[0] === first) ||
    /^(--help(=.*)?|--version(=.*)?|-h|-v|-V|help|version)$/s.test(first);
}

async function addProgramName(argv: readonly string[]): Promise<readonly string[]> {
  const { addCommandOfName } = await import("./program_name.ts");
  return await addCommandOfName(argv);
}

/**
 * Runs a command line.
 *
 * @param argv the words after the name of the program
 * @returns the exit code
 */
export async function main(argv: readonly string[], runtime: Runtime): Promise<number> {
  const ui = new Ui(runtime.stdio, runtime.env);
  const code = await dispatch(argv, runtime, ui).catch((thrown) => {
    const error = toPermissionError("continue", thrown);
    report(error, runtime, ui);
    return exitCodeForError(error);
  });
  return await reportOutput(runtime, ui) || code !== EXIT.ok ? code : EXIT.ioErr;
}

/**
 * Reports output that could not be written.
 *
 * @returns true if all output was written, or if the reader stopped reading (`| head`)
 */
async function reportOutput({ stdio }: Runtime, ui: Ui): Promise<boolean> {
  const failures = stdio.failures();
  if (failures.length === 0) return true;
  const { formatOutputFailure } = await import("../runtime/file_errors.ts");
  for (const failure of failures) ui.fail(formatOutputFailure(failure));
  return false;
}

async function dispatch(argv: readonly string[], runtime: Runtime, ui: Ui): Promise<number> {
  // `--help` and `--version` ignore a value: `--help=1` is `--help`.
  const first = argv[0]?.replace(/^(--(?:help|version))=.*$/s, "$1");
  if (first === "--version" || first === "-v" || first === "-V" || first === "version") {
    ui.data(`matrix-notify ${VERSION}`);
    return EXIT.ok;
  }
  if (first === "--help" || first === "-h" || (first === "help" && argv.length === 1)) {
    const { programHelp } = await import("./help.ts");
    ui.data(programHelp(COMMANDS));
    return EXIT.ok;
  }
  const words = first === "help" ? [...argv.slice(1), "--help"] : argv;
  const family = findFamily(words);
  if (family.length > 0 && /^(-h|--help)$/.test(words[1])) {
    const { familyHelp } = await import("./help.ts");
    ui.data(familyHelp(words[0], family));
    return EXIT.ok;
  }
  const entry = findCommand(words, runtime.stdio);
  const command = await entry.load();
  const { parseArguments } = await import("./arguments.ts");
  const parsed = parseArguments(entry.name, command, words.slice(entry.name.split(" ").length));
  if (parsed.values.has("help")) {
    const { commandHelp } = await import("./help.ts");
    ui.data(commandHelp(entry, command));
    return EXIT.ok;
  }
  return await command.run(parsed, { runtime, ui, main, commands: COMMANDS });
}

/**
 * Matches the first words with which programs call sendmail, such as `-t`, `-oi`, `-FCronDaemon`
 * and `root@example.org`. If a link named `sendmail` points to a script, matrix-notify does not get
 * the name of the link. Then only such a word shows that sendmail was called.
 */
const SENDMAIL_WORD_REGEXP = /^(-t|-i|-[obB]\w+|-F.*|[^-\s@][^\s@]*@[^\s@]+)$/;

/**
 * Finds the commands of two words with this first word: `queue list`, `queue show` and so on.
 * Returns none if the first word alone is a command, such as `setup`.
 */
function findFamily([first]: readonly string[]): readonly CommandEntry[] {
  return COMMANDS.some(({ name }) => name === first) ? [] : COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
}

/**
 * Matches the name of a local user. Some programs call sendmail with only a recipient, such as
 * `root`, as an argument. The mail is on standard input.
 */
const USER_NAME_REGEXP = /^[a-z_][\w.-]*$/;

/** @throws {UsageError} if the command does not exist; the hint suggests a similar command */
function findCommand(
  argv: readonly string[],
  { stdinIsTerminal }: Pick<Runtime["stdio"], "stdinIsTerminal">,
): CommandEntry {
  const [first, second] = argv;
  const found = COMMANDS.find(({ name }) => name === `${first} ${second}`) ??
    COMMANDS.find(({ name }) => name === first);
  if (found) return found;
  if (first === undefined) throw new UsageError("Cannot run: no command is given", "see: matrix-notify --help");
  const family = findFamily(argv).map(({ name }) => name);
  if (family.length > 0) {
    const near = second === undefined ? undefined : nearest(`${first} ${second}`, family);
    throw new UsageError(
      second === undefined || second.startsWith("-")
        ? `Cannot run ${first}: the second word of the command is missing`
        : `Cannot run "${first} ${second}": there is no such command`,
      near ? `did you mean ${near}?` : `try one of: ${family.join(", ")}`,
    );
  }
  if (SENDMAIL_WORD_REGEXP.test(first)) {
    throw new UsageError(
      `Cannot use ${first} without the command sendmail: it looks like an argument of sendmail`,
      `run: matrix-notify sendmail ${first} …; in a script that replaces sendmail: exec matrix-notify sendmail "$@"`,
    );
  }
  if (first.startsWith("-")) {
    throw new UsageError(
      `Cannot use ${first} here: an option must come after the command`,
      'write it after the command, such as: matrix-notify send "Subject" --link URL',
    );
  }
  const near = nearest(first, COMMANDS.map(({ name }) => name));
  const sendmail = USER_NAME_REGEXP.test(first) && !stdinIsTerminal()
    ? `; if ${first} is a recipient of sendmail, run: matrix-notify sendmail ${first}`
    : "";
  throw new UsageError(
    `Cannot run "${first}": there is no such command`,
    near ? `did you mean ${near}?` : `see: matrix-notify --help${sendmail}`,
  );
}

function report(error: unknown, runtime: Runtime, ui: Ui): void {
  if (error instanceof HintedError) return ui.fail(error.message, error.hint);
  const message = error instanceof Error ? error.message : String(error);
  ui.fail(`This is a bug: ${hideSecrets(message)}`, "please report it with the output of MATRIX_NOTIFY_DEBUG=1");
  if (!runtime.env("MATRIX_NOTIFY_DEBUG") || !(error instanceof Error)) return;
  ui.tell(...hideSecrets(error.stack ?? "").split("\n"));
}
