/**
 * Formats the results of deliveries (outcomes) as text, and determines the exit code of `send` and
 * `sendmail`.
 */

import { type ConfigError, StorageError } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import { formatTime } from "../base/time.ts";
import type { DeliveredOutcome, Outcome, PendingOutcome } from "../notifier/outcomes.ts";
import { EVERY_CHANNEL } from "../routing/rule.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";
import { toOutcomeJson } from "./json.ts";
import type { Destinations } from "./plan.ts";
import type { Ui } from "./ui.ts";
import { printable } from "../base/printable.ts";

/** The context for formatting outcomes and entries. */
export interface View {
  readonly now: number;
  readonly ui: Pick<Ui, "paint">;
  readonly destinations: Destinations;
}

/**
 * Formats each outcome as a line. Two examples:
 *
 * - `delivered $event to Alerts (!id)`
 * - `queued <id>: <reason>; next try at 20:15:07 UTC+1 (in 2 s)`
 *
 * If there are several outcomes, each line begins with the channel. If a channel has several
 * destinations, each of its lines also shows the destination.
 */
export function formatOutcomes(outcomes: readonly Outcome[], view: View): string[] {
  // If a rule muted the notification, all outcomes are equal, so one line is enough.
  const shown = outcomes.every(({ state }) => state === "muted") ? outcomes.slice(0, 1) : outcomes;
  return shown.map((outcome) => {
    const { channel, destination, file } = outcome;
    if (shown.length === 1) return formatOutcome(outcome, view, true);
    const isOnly = shown.every((other) => other.channel !== channel || other.destination === destination);
    const where = isOnly ? channel : `${channel} ${view.destinations.formatDestination(destination)}`;
    const prefix = printable(file === undefined ? where : `${where} 📎 ${file}`);
    return `${prefix}: ${formatOutcome(outcome, view, isOnly && channel !== destination)}`;
  });
}

/** @param isNamed true to print the destination after `delivered` */
function formatOutcome(outcome: Outcome, { now, ui, destinations }: View, isNamed: boolean): string {
  if (outcome.state === "delivered") {
    const to = isNamed ? ` to ${destinations.formatDestination(outcome.destination)}` : "";
    return `${ui.paint("delivered", "green")} ${printable(`${outcome.receipt}${to}`)}`;
  }
  const { state, id } = outcome;
  if (state === "muted") return `${ui.paint("muted", "yellow")}: ${printable(outcome.reason)}`;
  return `${ui.paint(state, state === "queued" ? "yellow" : "red")} ${id}${formatReason(outcome, now)}`;
}

/**
 * Formats the reason why a notification is not delivered, and the time of the next attempt:
 * `: <reason>; next try at …`.
 */
export function formatReason(outcome: Exclude<Outcome, DeliveredOutcome>, now: number): string {
  const { reason } = outcome;
  const next = "next" in outcome ? outcome.next : undefined;
  return `${reason === undefined ? "" : `: ${printable(reason)}`}${formatNextTry(next, now)}`;
}

/** Formats the time of the next attempt: `; next try at 20:15:07 UTC+1 (in 2 s)`. */
export function formatNextTry(next: number | undefined, now: number): string {
  return next === undefined || next <= now ? "" : `; next try ${formatWhen(next, now)}`;
}

/** Formats a future time: `at 20:15:07 UTC+1 (in 2 s)`. Adds the date if the time is not today. */
export function formatWhen(time: number, now: number): string {
  return `at ${formatTime(time, { now })} (in ${formatDuration(time - now)})`;
}

/** Returns true if the envelope of an outcome was not delivered, and never will be. */
export function isLost({ state }: Outcome): boolean {
  return state === "dead" || state === "dropped";
}

/** Returns true if the entry of an outcome is still in the queue. */
export function isLeft(outcome: Outcome): outcome is PendingOutcome {
  return outcome.state === "queued" || outcome.state === "held";
}

/**
 * Waits until a notification is delivered or stored in the queue.
 *
 * @param untrusted the exit code if another user can change the queue. The exit code for all other
 *   causes is 75 (the caller can try again later).
 * @throws {CommandError} if the notification can be neither stored nor delivered
 */
export async function requireAccepted<Result>(
  sending: Promise<Result>,
  untrusted: number = EXIT.noPerm,
): Promise<Result> {
  try {
    return await sending;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const exitCode = error.code === "untrusted" ? untrusted : EXIT.tempFail;
    throw new CommandError(error.message, exitCode, { hint: error.hint, cause: error });
  }
}

/** Prints the outcomes as JSON. */
export function printOutcomesJson(outcomes: readonly Outcome[], ui: Ui): void {
  for (const outcome of outcomes) ui.json(toOutcomeJson(outcome));
}

/**
 * Prints the failures that a person must fix, to standard error.
 *
 * @param problems the mistakes in the configuration that were already printed. They are not printed
 * again.
 */
export function reportTrouble(outcomes: readonly Outcome[], ui: Ui, problems: readonly ConfigError[]): void {
  const held = new Set<string>();
  for (const outcome of outcomes) {
    if (outcome.state === "delivered") continue;
    const { state, channel, reason, id } = outcome;
    // All destinations of a held channel have the same reason, so it is printed only once.
    if (state === "held" && held.size === held.add(`${channel}: ${reason}`).size) continue;
    if (state === "held" && problems.some(({ message }) => message === reason)) {
      const what = channel === EVERY_CHANNEL ? "The notification" : `The notification for channel ${channel}`;
      ui.fail(
        `${what} is on disk, and is held until the configuration is fixed`,
        "to see the mistake, run: matrix-notify config check; after the fix, run: matrix-notify flush",
      );
    } else if (state === "held") {
      ui.fail(
        `Channel ${channel} is held (paused): ${reason}`,
        "to find the cause, run: matrix-notify doctor; after the fix, run: matrix-notify flush, which tries again at once",
      );
    }
    if (state === "refused") {
      ui.fail(
        `Channel ${channel} did not deliver the notification, and it could not be stored on disk: ${reason}`,
        `make space for the queue, then send the notification again with --channel ${channel}`,
      );
    }
    if (state === "dropped") {
      ui.fail(
        `Channel ${channel} does not get the notification: another process dropped it from the queue`,
        "it ran matrix-notify queue drop or queue purge; if this was a mistake, send the notification again",
      );
    }
    if (state === "dead") {
      ui.fail(
        `The notification could not be delivered, and is kept as a dead letter: ${reason}`,
        `to see it: matrix-notify queue show ${id}; to remove it: matrix-notify queue drop ${id}`,
      );
    }
  }
}

/**
 * Returns the exit code of `send` and `sendmail`. The first condition that is true counts:
 *
 * - 75: a notification could not be stored
 * - 78: the configuration has a mistake
 * - 65: a channel rejected a notification, or another process dropped it
 * - 0: all other cases
 */
export function exitCodeForOutcomes(outcomes: readonly Outcome[], problems: readonly ConfigError[]): number {
  if (outcomes.some(({ state }) => state === "refused")) return EXIT.tempFail;
  if (problems.length > 0) return EXIT.config;
  return outcomes.some(isLost) ? EXIT.dataErr : EXIT.ok;
}
