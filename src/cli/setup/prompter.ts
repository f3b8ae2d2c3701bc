/**
 * Asks the questions of `setup`. On a terminal, the user answers the questions. Without a terminal,
 * or with `--yes`, each question gets its default answer. A question without a default answer is an
 * error, and the error suggests an option.
 *
 * @module
 */

import { HintedError, InterruptedError } from "../../base/errors.ts";
import type { Stdio } from "../../runtime/runtime.ts";
import { UsageError } from "../errors.ts";
import { askLine } from "../prompt.ts";
import type { Ui } from "../ui.ts";
import { printable } from "../../base/printable.ts";

/** A question with its default answer and a function that checks the answer. */
export interface Question<Answer> {
  /** The text of the question, without the colon. */
  readonly text: string;
  /** The choices. They are printed with numbers. */
  readonly choices?: readonly string[];
  /** An option that the user can give instead of an answer: `--user @bot:example.org`. */
  readonly option: string;
  /**
   * The answer if the user enters an empty line or there is no terminal. Without a default, the
   * user must answer.
   */
  readonly defaultAnswer?: string;
  /**
   * Checks the answer and uses it, for example for a login.
   *
   * @throws {HintedError} if the answer cannot be used; then the user is asked again
   */
  accept(answer: string): Answer | Promise<Answer>;
}

/** Asks the questions of `setup`. */
export interface Prompter {
  /** True if a user at a terminal answers the questions. */
  readonly isInteractive: boolean;
  /**
   * Asks until an answer is accepted.
   *
   * @throws {InterruptedError} if the user presses Ctrl-C or the input ends
   * @throws {UsageError} if there is no terminal and no default; the hint suggests an option
   */
  ask<Answer>(question: Question<Answer>): Promise<Answer>;
}

/** Creates the prompter for a terminal, or the prompter that does not ask. */
export function createPrompter(
  stdio: Stdio,
  { hasYes, ui, signal }: { readonly hasYes: boolean; readonly ui: Ui; readonly signal: AbortSignal },
): Prompter {
  if (hasYes) return createSilentPrompter("--yes is set");
  if (!stdio.stdinIsTerminal()) return createSilentPrompter("there is no terminal");
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
          throw new InterruptedError("Stopped: the input ended", {
            hint: `to answer without a terminal, add ${option}`,
          });
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

/** Creates a prompter that uses the default answers. `reason` tells why it does not ask. */
function createSilentPrompter(reason: string): Prompter {
  return {
    isInteractive: false,
    async ask({ text, defaultAnswer, option, accept }) {
      if (defaultAnswer !== undefined) return await accept(defaultAnswer);
      throw new UsageError(`Cannot ask "${text}": ${reason}`, `add ${option}`);
    },
  };
}

/** A choice in a list. */
export interface Choice<Value> {
  readonly title: string;
  readonly value: Value;
}

/** Creates a question with a list of choices. The user answers with the number of a choice. */
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
