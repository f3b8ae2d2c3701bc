/**
 * The questions of `setup`. A person answers them at a terminal. Without a terminal, or with
 * `--yes`, each question takes its default, or fails with the option that answers it.
 *
 * @module
 */

import { HintedError, InterruptedError } from "../../base/errors.ts";
import type { Stdio } from "../../runtime/runtime.ts";
import { UsageError } from "../errors.ts";
import { askLine } from "../prompt.ts";
import { printable, type Ui } from "../ui.ts";

/** A question. */
export interface Question<Answer> {
  /** The text before the colon. */
  readonly text: string;
  /** Choices, printed with their numbers. */
  readonly choices?: readonly string[];
  /** The option that answers the question: `--user @bot:example.org`. */
  readonly option: string;
  /**
   * The answer to an empty line, and without a terminal. If there is none, an answer is required.
   */
  readonly defaultAnswer?: string;
  /**
   * Checks the answer and acts on it.
   *
   * @throws {HintedError} if the answer cannot be used; a person is then asked again
   */
  accept(answer: string): Answer | Promise<Answer>;
}

/** Asks questions. */
export interface Prompter {
  /** True if a person answers, who can correct an answer. */
  readonly isInteractive: boolean;
  /**
   * Asks until an answer is accepted.
   *
   * @throws {InterruptedError} if a person presses Ctrl-C or the input ends
   * @throws {UsageError} if there is no person and no default; its hint names the option
   */
  ask<Answer>(question: Question<Answer>): Promise<Answer>;
}

/** Creates a prompter that asks a person at the terminal. */
export function createTerminalPrompter(
  stdio: Stdio,
  { ui, signal }: { readonly ui: Ui; readonly signal: AbortSignal },
): Prompter {
  return {
    isInteractive: true,
    async ask({ text, choices, defaultAnswer, option, accept }) {
      const label = choices === undefined ? text : "Number";
      const question = `${printable(defaultAnswer === undefined ? label : `${label} [${defaultAnswer}]`)}: `;
      for (;;) {
        if (choices !== undefined) {
          ui.tell("", `${text}:`, ...choices.map((title, index) => `  ${index + 1}  ${title}`));
        }
        const line = await askLine(question, stdio, { signal });
        if (line === undefined) {
          throw new InterruptedError("Stopped: the input ended", { hint: `to run without a terminal, add ${option}` });
        }
        const answer = line.trim() || defaultAnswer;
        if (answer === undefined) continue;
        try {
          return await accept(answer);
        } catch (error) {
          if (!(error instanceof HintedError) || error instanceof InterruptedError) throw error;
          ui.fail(error.message, error.hint);
        }
      }
    },
  };
}

/** A prompter without a person: it takes defaults. */
export const NON_INTERACTIVE: Prompter = {
  isInteractive: false,
  async ask({ text, defaultAnswer, option, accept }) {
    if (defaultAnswer !== undefined) return await accept(defaultAnswer);
    throw new UsageError(`Cannot ask "${text}": there is no terminal, or --yes is set`, `add ${option}`);
  },
};

/** A choice of a list. */
export interface Choice<Value> {
  readonly title: string;
  readonly value: Value;
}

/** Creates a question whose answer is the number of a choice. */
export function createChoiceQuestion<Value, Answer>(
  choices: readonly Choice<Value>[],
  { accept, ...question }: Pick<Question<Answer>, "text" | "option" | "defaultAnswer"> & {
    readonly accept: (value: Value) => Answer | Promise<Answer>;
  },
): Question<Answer> {
  return {
    ...question,
    choices: choices.map(({ title }) => title),
    accept(answer) {
      const chosen = /^\d+$/.test(answer) ? choices[Number(answer) - 1] : undefined;
      if (chosen !== undefined) return accept(chosen.value);
      throw new UsageError(
        `Cannot use "${answer}": it is not one of the choices`,
        `type a number from 1 to ${choices.length}`,
      );
    },
  };
}
