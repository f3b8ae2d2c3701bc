/** The types of a command definition. The help, docs/cli.md and the parser use the definitions. */

import type { Runtime } from "../runtime/runtime.ts";
import { Arguments, type ArgumentsFor, type Grammar, type ParsedWords } from "./arguments.ts";
import type { ExitMeanings } from "./exit_codes.ts";
import type { OptionSpec } from "./options.ts";
import type { Ui } from "./ui.ts";

/** What every command gets besides its arguments. */
export interface Surroundings {
  readonly runtime: Runtime;
  readonly ui: Ui;
  /** Runs another command line in the same process. */
  main(argv: readonly string[], runtime: Runtime): Promise<number>;
  /** The list of all commands. */
  readonly commands: readonly CommandEntry[];
}

/** What a command gets when it runs. `Args` is the type of its arguments. */
export interface CommandContext<Args = ArgumentsFor<readonly []>> extends Surroundings {
  readonly args: Args;
}

/** The context of a command that declares `Options`. */
export type ContextFor<Options extends readonly OptionSpec[]> = CommandContext<ArgumentsFor<Options>>;

/** The parts of a command that its help shows. */
export interface CommandHelp extends Grammar {
  /** The paragraphs below the options, without line breaks. */
  readonly details?: readonly string[];
  /** The exit codes of the command, if they differ from the general exit codes. */
  readonly exitCodes?: { readonly title: string; readonly meanings: ExitMeanings };
  /** The example command lines. At least one is required. */
  readonly examples: readonly string[];
}

/** The part of a command that its source file defines. */
export interface CommandDefinition<Options extends readonly OptionSpec[]> extends CommandHelp {
  readonly options: Options;
  /**
   * Runs the command and returns the exit code. The command imports its modules in this method, so
   * that the help does not load these modules.
   */
  run(context: ContextFor<Options>): Promise<number>;
}

export interface Command extends CommandHelp {
  /** Runs the command with the parsed words and returns the exit code. */
  run(words: ParsedWords, surroundings: Surroundings): Promise<number>;
}

/** An entry in the list of commands. */
export interface CommandEntry {
  /** The name of the command: one word (`send`) or two words (`queue list`). */
  readonly name: string;
  /** The description of the command in the help, with fewer than 60 characters. */
  readonly summary: string;
  /** Imports the file of the command. */
  readonly load: () => Promise<Command>;
}

/** Creates a command from its definition. The declared options determine the type of `args`. */
export function defineCommand<const Options extends readonly OptionSpec[]>(
  { run, ...help }: CommandDefinition<Options>,
): Command {
  return { ...help, run: async (words, surroundings) => await run({ ...surroundings, args: new Arguments(words) }) };
}
