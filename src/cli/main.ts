/** The command line: finds the command, runs it, and is the one place that turns what was thrown into words and an exit code. */

import { HintedError } from "../base/errors.ts";
import { nearest } from "../base/nearest.ts";
import { denoRuntime, type Runtime } from "../runtime/runtime.ts";
import { VERSION } from "../base/version.ts";
import { parseArguments } from "./arguments.ts";
import { UsageError } from "./errors.ts";
import { type CommandEntry, COMMANDS } from "./commands.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";
import { commandHelp, programHelp } from "./help.ts";
import { Ui } from "./ui.ts";

/** Runs the program in the real world. */
export async function runSubprocess(argv: readonly string[]): Promise<number> {
  using runtime = denoRuntime();
  return await main(await withCommand(argv), runtime);
}

/** Where no command is given, the name that the program was called by may be one. */
async function withCommand(argv: readonly string[]): Promise<readonly string[]> {
  const [first] = argv;
  if (COMMANDS.some(({ name }) => name.split(" ")[0] === first) || /^(--?help|--version|help|version)$/.test(first)) {
    return argv;
  }
  const { wordsAsCalled } = await import("./called_as.ts");
  return await wordsAsCalled(argv);
}

/**
 * Runs the program.
 *
 * @param argv what stands behind the program's name
 * @returns the exit code
 */
export async function main(argv: readonly string[], runtime: Runtime): Promise<number> {
  const ui = new Ui(runtime.stdio, runtime.env);
  try {
    return await dispatch(argv, runtime, ui);
  } catch (error) {
    report(error, runtime, ui);
    return exitCodeOf(error);
  }
}

async function dispatch(argv: readonly string[], runtime: Runtime, ui: Ui): Promise<number> {
  const [first] = argv;
  if (first === "--version" || first === "-V" || first === "version") {
    ui.data(`matrix-notify ${VERSION}`);
    return EXIT.ok;
  }
  if (first === "--help" || first === "-h" || (first === "help" && argv.length === 1)) {
    ui.data(programHelp(COMMANDS));
    return EXIT.ok;
  }
  const words = first === "help" ? [...argv.slice(1), "--help"] : argv;
  const entry = findCommand(words);
  const command = await entry.load();
  const parsed = parseArguments(entry.name, command, words.slice(entry.name.split(" ").length));
  if (parsed.values.has("help")) {
    ui.data(commandHelp(entry, command));
    return EXIT.ok;
  }
  return await command.run(parsed, { runtime, ui, main });
}

/** @throws {UsageError} if there is no such command; its hint names the nearest one */
function findCommand(argv: readonly string[]): CommandEntry {
  const [first, second] = argv;
  const found = COMMANDS.find(({ name }) => name === first || name === `${first} ${second}`);
  if (found) return found;
  if (first === undefined) throw new UsageError("Cannot run: no command is given", "see matrix-notify --help");
  const family = COMMANDS.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (family.length > 0) {
    const near = second === undefined ? undefined : nearest(`${first} ${second}`, family);
    const problem = second === undefined || second.startsWith("-")
      ? "it needs another word"
      : `there is no "${second}"`;
    throw new UsageError(
      `Cannot run ${first}: ${problem}`,
      near ? `did you mean ${near}?` : `try one of: ${family.join(", ")}`,
    );
  }
  if (first.startsWith("-")) {
    throw new UsageError(
      `Cannot use ${first} here: options follow the command`,
      'write it as matrix-notify send "Subject" --link URL',
    );
  }
  const near = nearest(first, COMMANDS.map(({ name }) => name));
  throw new UsageError(
    `Cannot run "${first}": there is no such command`,
    near ? `did you mean ${near}?` : "see matrix-notify --help",
  );
}

function report(error: unknown, runtime: Runtime, ui: Ui): void {
  if (error instanceof HintedError) return ui.fail(error.message, error.hint);
  if (error instanceof Deno.errors.NotCapable) {
    return ui.fail(
      `Cannot go on without a permission: ${error.message.split(",")[0]}`,
      "see the README for the flags that deno run needs",
    );
  }
  const code = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code !== EXIT.software) return ui.fail(message);
  ui.fail(`This is a bug: ${message}`, "please report it, with what MATRIX_NOTIFY_DEBUG=1 adds");
  if (runtime.env("MATRIX_NOTIFY_DEBUG") && error instanceof Error) runtime.stdio.stderr(`${error.stack}\n`);
}
