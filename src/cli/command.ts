/** Commands are data: help, completions and the README's table come from the same entries. */

import type { Runtime } from "../runtime/runtime.ts";
import type { Arguments } from "./arguments.ts";
import type { Ui } from "./ui.ts";

/** An option: `--name`, with a value if it has a placeholder. */
export interface OptionSpec {
  readonly name: string;
  /** How its value is called in help; without it the option is a switch. */
  readonly value?: string;
  /** The values that it may have. */
  readonly oneOf?: readonly string[];
  /** Whether it may be given several times. */
  readonly repeats?: boolean;
  readonly summary: string;
}

/** What a command is run with. */
export interface CommandContext {
  readonly args: Arguments;
  readonly runtime: Runtime;
  readonly ui: Ui;
  /** Runs another command line in this process, with another outside world. */
  main(argv: readonly string[], runtime: Runtime): Promise<number>;
}

/** Runs a command and returns the exit code; nobody exits from within. */
export type RunCommand = (context: CommandContext) => Promise<number>;

/** A command. */
export interface Command {
  /** One word, or two: `queue list`. */
  readonly name: string;
  readonly summary: string;
  /** What stands behind the name in the usage line. */
  readonly operands: string;
  /** How many operands it takes, at least and at most. */
  readonly operandCount: readonly [least: number, most: number];
  readonly options: readonly OptionSpec[];
  /** Whether the command reads for itself what stands behind its long options: it has a grammar of its own. @default {false} */
  readonly readsWords?: boolean;
  /** Paragraphs below the options. */
  readonly details?: readonly string[];
  readonly examples?: readonly string[];
  /** Loads what runs it: each command loads only what it needs. */
  readonly load: () => Promise<RunCommand>;
}
