/** Commands are data: the help, the reference page and the parser read the same definitions. */

import type { Runtime } from "../runtime/runtime.ts";
import { Arguments, type ArgumentsFor, type Grammar, type ParsedWords } from "./arguments.ts";
import type { ExitMeanings } from "./exit_codes.ts";
import type { OptionSpec } from "./options.ts";
import type { Ui } from "./ui.ts";

/** What a command works with, besides its arguments. */
export interface Surroundings {
  readonly runtime: Runtime;
  readonly ui: Ui;
  /** Runs another command line in this process. */
  main(argv: readonly string[], runtime: Runtime): Promise<number>;
}

/** What a command is run with. Its type says which options the command declares. */
export interface CommandContext<Args = ArgumentsFor<readonly []>> extends Surroundings {
  readonly args: Args;
}

/** The context of a command that declares these options. */
export type ContextFor<Options extends readonly OptionSpec[]> = CommandContext<ArgumentsFor<Options>>;

/** What the help of a command shows. */
export interface CommandHelp extends Grammar {
  /** Paragraphs below the options. The help wraps them. */
  readonly details?: readonly string[];
  /** Exit codes of this command that differ from the general ones. */
  readonly exitCodes?: { readonly title: string; readonly meanings: ExitMeanings };
  /** Command lines, at least one. */
  readonly examples: readonly string[];
}

/** A command as its file declares it. */
export interface CommandDefinition<Options extends readonly OptionSpec[]> extends CommandHelp {
  readonly options: Options;
  /** Does the work and returns the exit code. It loads late what the help does not need. */
  run(context: ContextFor<Options>): Promise<number>;
}

/** A command. */
export interface Command extends CommandHelp {
  /** Runs it with its parsed arguments and returns the exit code. */
  run(words: ParsedWords, surroundings: Surroundings): Promise<number>;
}

/** Makes a command of its definition. The declared options give its arguments their type. */
export function defineCommand<const Options extends readonly OptionSpec[]>(
  { run, ...help }: CommandDefinition<Options>,
): Command {
  return { ...help, run: async (words, surroundings) => await run({ ...surroundings, args: new Arguments(words) }) };
}
