/**
 * Formats the results of deliveries (outcomes) as text, and determines the exit code of `send` and
 * `sendmail`.
 */

import { type ConfigError, StorageError } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import { formatTime } from "../base/time.ts";
import type { Outcome } from "../notifier/outcomes.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import { toOutcomeJson } from "./json.ts";
import { printable, type Ui } from "./ui.ts";

/** Formats an outcome: `queued <id>: <reason>; next try at 20:15:07 UTC+1 (in 2 s)`. */
export function formatOutcome(outcome: Outcome, now: number, ui: Ui): string {
  if (outcome.state === "delivered") return `${ui.paint("delivered", "green")} ${printable(outcome.receipt)}`;
  const { state, id, reason } = outcome;
  if (state === "muted") return `${ui.paint("muted", "yellow")}: ${printable(outcome.reason)}`;
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  const next = state === "queued" || state === "held" ? outcome.next : undefined;
  const when = next === undefined || next <= now ? "" : `; next try ${formatWhen(next, now)}`;
  return `${ui.paint(state, state === "queued" ? "yellow" : "red")} ${id}${why}${when}`;
}

/**
 * Formats the prefix of the line for an outcome (the result of a delivery). The prefix is empty if
 * there is only one outcome. The prefix contains the destination only if the channel has several
 * destinations.
 */
export function formatOutcomePrefix({ channel, destination, file }: Outcome, outcomes: readonly Outcome[]): string {
  if (outcomes.length === 1) return "";
  const isOnly = outcomes.every((other) => other.channel !== channel || other.destination === destination);
  const where = isOnly ? channel : `${channel} ${printable(destination)}`;
  return file === undefined ? `${where}: ` : `${where} 📎 ${printable(file)}: `;
}

/** Formats a future time: `at 20:15:07 UTC+1 (in 2 s)`. A time that is not today has its date. */
export function formatWhen(time: number, now: number): string {
  return `at ${formatTime(time, { now })} (in ${formatDuration(time - now)})`;
}

/** Returns true if the queue still has the entry of an outcome. */
export function isLeft({ state }: Outcome): boolean {
  return state === "queued" || state === "held";
}

/**
 * Waits for a notification to be sent.
 *
 * @throws {CommandError} if it could neither be stored nor delivered. The exit code is 75 for each
 * reason, because the caller can try again later.
 */
export async function requireAccepted<Result>(sending: Promise<Result>): Promise<Result> {
  try {
    return await sending;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    throw new CommandError(error.message, EXIT.tempFail, { hint: error.hint, cause: error });
  }
}

/** Prints the outcomes as JSON. */
export function printOutcomesJson(outcomes: readonly Outcome[], ui: Ui): void {
  for (const outcome of outcomes) ui.json(toOutcomeJson(outcome));
}

/**
 * Prints to standard error the problems that a person must fix.
 *
 * @param problems the mistakes in the configuration, which are already printed
 */
export function reportTrouble(outcomes: readonly Outcome[], ui: Ui, problems: readonly ConfigError[]): void {
  for (const outcome of outcomes) {
    if (outcome.state === "delivered") continue;
    const { state, channel, reason, id } = outcome;
    if (state === "held" && problems.some(({ message }) => message === reason)) {
      const what = channel === EVERY_CHANNEL ? "The notification" : `The notification for channel ${channel}`;
      ui.fail(
        `${what} is on disk, and is held until the configuration is fixed`,
        "fix the configuration, then run: matrix-notify flush",
      );
    } else if (state === "held") {
      ui.fail(
        `Channel ${channel} is held (paused): ${reason}`,
        "fix the problem, then run: matrix-notify flush",
      );
    }
    if (state === "refused") {
      ui.fail(
        `Channel ${channel} did not deliver the notification, and it could not be stored on disk: ${reason}`,
        `make space for the queue, then send the notification again with --channel ${channel}`,
      );
    }
    if (state === "dead") {
      ui.fail(`The notification is now a dead letter: ${reason}`, `see: matrix-notify queue show ${id}`);
    }
  }
}

/**
 * Returns the exit code of `send` and `sendmail`: 75 if a notification could not be stored, 78 if
 * the configuration has a mistake, 65 if a channel rejected a notification, 0 in all other cases.
 */
export function exitCodeForOutcomes(outcomes: readonly Outcome[], problems: readonly ConfigError[]): number {
  if (outcomes.some(({ state }) => state === "refused")) return EXIT.tempFail;
  if (problems.length > 0) return EXIT.config;
  return outcomes.some(({ state }) => state === "dead") ? EXIT.dataErr : EXIT.ok;
}
