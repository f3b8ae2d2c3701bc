/**
 * Whoever answers the questions of the wizard: a person at a terminal, or nobody. Each question says which option answers it too, so that nobody who is not
 * there is asked in vain.
 *
 * @module
 */

import { HintedError, InterruptedError } from "../../base/errors.ts";
import type { Stdio } from "../../runtime/runtime.ts";
import { UsageError } from "../arguments.ts";
import { askLine } from "../prompt.ts";
import { printable, type Ui } from "../ui.ts";

/** A question, and what its answer means. */
export interface Question<Answer> {
  /** What stands before the colon. */
  readonly text: string;
  /** What can be chosen by its number. */
  readonly choices?: readonly string[];
  /** The option that answers it: `--user @bot:example.org`. */
  readonly option: string;
  /** What an empty line, or nobody, answers; without it there must be an answer. */
  readonly usual?: string;
  /**
   * Makes something of an answer.
   *
   * @throws {HintedError} that says why it cannot be used; then a person is asked again
   */
  read(answer: string): Answer | Promise<Answer>;
}

/** Who answers. */
export interface Prompter {
  /** Whether somebody sits there, and can answer once more. */
  readonly isPerson: boolean;
  /**
   * Asks until there is an answer that can be used.
   *
   * @throws {InterruptedError} when a person stops it, or the input ends
   * @throws {UsageError} that names the option, when nobody is there
   */
  ask<Answer>(question: Question<Answer>): Promise<Answer>;
}

/** A person at a terminal. */
export function personAt(stdio: Stdio, { ui, signal }: { readonly ui: Ui; readonly signal: AbortSignal }): Prompter {
  return {
    isPerson: true,
    async ask({ text, choices, usual, option, read }) {
      const last = choices === undefined ? text : "Number";
      const question = `${printable(usual === undefined ? last : `${last} [${usual}]`)}: `;
      for (;;) {
        if (choices !== undefined) {
          ui.tell(
            "",
            `${text}:`,
            ...choices.map((title, index) => `  ${index + 1}  ${title}`),
          );
        }
        const line = await askLine(question, stdio, { signal });
        if (line === undefined) {
          throw new InterruptedError("Stopped: the input has ended", { hint: `without a terminal, write ${option}` });
        }
        const answer = line.trim() || usual;
        if (answer === undefined) continue;
        try {
          return await read(answer);
        } catch (error) {
          if (!(error instanceof HintedError) || error instanceof InterruptedError) throw error;
          ui.fail(error.message, error.hint);
        }
      }
    },
  };
}

/** Nobody: what is usual is taken, and all else must be said by options. */
export const NON_INTERACTIVE: Prompter = {
  isPerson: false,
  async ask({ text, usual, option, read }) {
    if (usual !== undefined) return await read(usual);
    throw new UsageError(`Cannot ask "${text}": nobody is there to answer`, `write ${option}`);
  },
};

/** Something that can be chosen from a list. */
export interface Choice<Value> {
  readonly title: string;
  readonly value: Value;
}

/** A question whose answers are numbered. */
export function choiceOf<Value, Answer>(
  choices: readonly Choice<Value>[],
  { read, ...question }: Pick<Question<Answer>, "text" | "option" | "usual"> & {
    readonly read: (value: Value) => Answer | Promise<Answer>;
  },
): Question<Answer> {
  return {
    ...question,
    choices: choices.map(({ title }) => title),
    read(answer) {
      const chosen = /^\d+$/.test(answer) ? choices[Number(answer) - 1] : undefined;
      if (chosen !== undefined) return read(chosen.value);
      throw new UsageError(
        `Cannot use "${answer}": it is none of the numbers`,
        `write one from 1 to ${choices.length}`,
      );
    },
  };
}
