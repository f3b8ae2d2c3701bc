/** `status`: prints the state of the queue as text, as JSON, or for a monitoring system. */

import { formatBytes, formatCount } from "../../base/count.ts";
import { formatDuration } from "../../base/duration.ts";
import type { Health, JudgedNumber, OtherProblem, Threshold } from "../../notifier/health.ts";
import type { Ages, Status } from "../../notifier/status.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { CHECK_EXIT, CHECK_MEANINGS, EXIT } from "../exit_codes.ts";
import { toStatusJson } from "../json.ts";
import { JSON_OPTION } from "../options.ts";
import { formatNextTry } from "../outcomes.ts";
import { printable } from "../../base/printable.ts";
import type { Runtime } from "../../runtime/runtime.ts";

const OPTIONS = [
  JSON_OPTION,
  { name: "check", summary: "print one line for a monitoring system (exit codes below)" },
  { name: "max-age", value: "DURATION", summary: "with --check: maximum waiting time of an entry (default 15m)" },
] as const;

type StatusContext = ContextFor<typeof OPTIONS>;

export const status: Command = defineCommand({
  operands: "",
  options: OPTIONS,
  details: [
    "Dead letters cause a warning until you retry or drop them with matrix-notify queue. Damaged lines in the file " +
    "of the queue cause a warning, too. Torn lines (their write was interrupted) and possible duplicates are shown, " +
    "but they cause no warning.",
    "The user who runs status must be able to read the queue. Run status as the owner of the state directory. If " +
    "the queue is not in the default state directory of this owner, add --state-dir.",
  ],
  exitCodes: { title: "exit codes of status --check", meanings: CHECK_MEANINGS },
  examples: [
    "matrix-notify status",
    "matrix-notify status --check --max-age 30m --state-dir /var/lib/matrix-notify",
  ],
  run,
});

async function run(context: StatusContext): Promise<number> {
  const { args, runtime, ui } = context;
  if (args.has("check")) return await check(context);
  if (args.text("max-age") !== undefined) {
    throw new UsageError("Cannot use --max-age without --check: only --check uses the age", "add --check");
  }
  const { openOwnQueue } = await import("../notifier.ts");
  await using notifier = await openOwnQueue(context);
  const figures = notifier.status();
  if (args.has("json")) {
    ui.json(toStatusJson(figures));
    return EXIT.ok;
  }
  for (const line of formatStatus(figures, runtime.now(), notifier.stateDir)) ui.data(line);
  if (figures.held > 0) {
    ui.fail(
      "A channel is held (paused)",
      "see: matrix-notify queue list; fix the problem, then run: matrix-notify flush",
    );
  }
  return EXIT.ok;
}

function formatStatus(figures: Status, now: number, stateDir: string): string[] {
  const { queued, deferred, held, dead, bytes, maxBytes, oldestSeconds, waitingFor, until, lastDelivery } = figures;
  const { ages, fallbacks, fileBytes, spooled, quarantined, torn, possibleDuplicates } = figures;
  const lines = [
    `queue: ${queued} queued, ${deferred} deferred, ${held} held, ${dead} dead ` +
    `(${formatBytes(bytes)} of ${formatBytes(maxBytes)} in ${stateDir})`,
  ];
  // The age is 0 if no entry waits, or if quiet hours or a rate limit delay all entries.
  if (oldestSeconds > 0) lines.push(`oldest: ${formatDuration(oldestSeconds * 1000)}`);
  if (queued + deferred + held > 0) lines.push(`ages: ${formatAges(ages)}`);
  if (waitingFor !== undefined) {
    lines.push(`waiting for: ${printable(waitingFor)}${formatNextTry(until, now)}`);
  }
  lines.push(`last delivery: ${lastDelivery === undefined ? "never" : `${formatDuration(now - lastDelivery)} ago`}`);
  if (fallbacks > 0) {
    lines.push(`fallbacks: ${fallbacks} pending, sent if another channel does not deliver in time`);
  }
  if (fileBytes > 0) lines.push(`files: ${formatBytes(fileBytes)} in ${stateDir}/attachments`);
  if (spooled > 0) {
    lines.push(
      `spool: ${
        formatCount(spooled, "queued entry", "queued entries")
      } not in the journal yet, added by the next delivery`,
    );
  }
  if (quarantined > 0) {
    lines.push(`quarantined: ${formatCount(quarantined, "damaged line")}, in ${stateDir}/queue/quarantine`);
  }
  if (torn > 0) lines.push(`torn: ${formatCount(torn, "half-written line")}, never accepted as a notification`);
  if (possibleDuplicates > 0) lines.push(`possible duplicates: ${possibleDuplicates}`);
  return lines;
}

/**
 * Formats the number of entries of each age: `3 under 1m, 12 under 15m`. Omits ages without
 * entries.
 */
function formatAges(ages: Ages): string {
  const classes = Object.entries(ages).filter(([, count]) => count > 0);
  return classes.map(([name, count]) => `${count} ${name.replace(/^under/, "under ")}`).join(", ");
}

/** The default of `--max-age`. A homeserver needs less time than this to restart. */
const DEFAULT_MAX_AGE_MS = 15 * 60_000;

/**
 * Prints one line for Nagios, Icinga and similar systems: `STATE - text | performance data`. The
 * format is defined in the Monitoring Plugins Development Guidelines. Errors are printed in the
 * same format.
 */
async function check(context: StatusContext): Promise<number> {
  const { args, runtime, ui } = context;
  if (args.has("json")) {
    throw new UsageError(
      "Cannot use --json together with --check: --check has its own format",
      "remove --json or --check",
    );
  }
  const maxAgeMs = args.durationMs("max-age") ?? DEFAULT_MAX_AGE_MS;
  try {
    const { openOwnQueue } = await import("../notifier.ts");
    const { judgeHealth, createThresholds } = await import("../../notifier/health.ts");
    await using notifier = await openOwnQueue(context);
    if (!notifier.hasQueue()) {
      // Without this message, a wrong --state-dir would look like an empty queue.
      ui.data(unknownLine(`there is no queue in ${notifier.stateDir}; the first notification creates it`));
      return CHECK_EXIT.unknown;
    }
    const figures = notifier.status();
    const health = judgeHealth(figures, maxAgeMs, await findDiskProblems(runtime, notifier.stateDir));
    ui.data(pluginLine(figures, health, { now: runtime.now(), limits: createThresholds(maxAgeMs, figures) }));
    return CHECK_EXIT[health.state];
  } catch (error) {
    ui.data(unknownLine(error));
    return CHECK_EXIT.unknown;
  }
}

/** The time limit for `stat`, in milliseconds. A monitoring system waits for about ten seconds. */
const DISK_TIMEOUT_MS = 3_000;

/** Finds the problems of the disk, as `doctor` does: on a full disk, the next alert may be lost. */
async function findDiskProblems(runtime: Runtime, stateDir: string): Promise<OtherProblem[]> {
  const { diskSpace } = await import("../../doctor/storage_checks.ts");
  const { denoHost } = await import("../../doctor/host.ts");
  const options = { stateDir, timeoutMs: DISK_TIMEOUT_MS };
  const found = await Array.fromAsync(diskSpace.look({ runtime, host: denoHost(), options }));
  return found.flatMap(({ state, message }): OtherProblem[] =>
    state === "failure" ? [{ state: "critical", text: message }] : state === "warning" ? [{ state, text: message }] : []
  );
}

type Limits = Readonly<Record<JudgedNumber, Threshold>>;

function pluginLine(
  figures: Status,
  health: Health,
  { now, limits }: { readonly now: number; readonly limits: Limits },
): string {
  const problems = health.problems.length > 0 ? health.problems : [summarize(figures, now)];
  return `${stateLine(health.state, problems.join("; "))} | ${performanceData(figures, limits)}`;
}

function unknownLine(error: unknown): string {
  return stateLine("unknown", error instanceof Error ? error.message : String(error));
}

/**
 * Formats the text before the bar (`|`). Replaces each bar in `text`, because a bar ends the text.
 */
function stateLine(state: string, text: string): string {
  return `${state.toUpperCase()} - ${printable(text).replaceAll("|", "/")}`;
}

function summarize({ queued, deferred, oldestSeconds, lastDelivery }: Status, now: number): string {
  const waiting = queued + deferred;
  const age = oldestSeconds === 0 ? "" : `, the oldest for ${formatDuration(oldestSeconds * 1000)}`;
  const depth = `${formatCount(waiting, "entry", "entries")} waiting${age}`;
  const last = lastDelivery === undefined
    ? "no delivery yet"
    : `last delivery ${formatDuration(now - lastDelivery)} ago`;
  return `${depth}; ${last}`;
}

/**
 * Formats the performance data. Each item has the format
 * `label=value[unit];warning;critical;min;max`. Empty parts at the end are omitted.
 */
function performanceData(figures: Status, limits: Limits): string {
  const item = (label: string, value: string, { warning, critical }: Threshold = {}, most?: number) =>
    `${label}=${value};${warning ?? ""};${critical ?? ""};0;${most ?? ""}`.replace(/;$/, "");
  const judged = (label: JudgedNumber) => item(label, String(figures[label]), limits[label]);
  return [
    item("queued", String(figures.queued)),
    item("deferred", String(figures.deferred)),
    judged("held"),
    judged("dead"),
    item("oldest", `${figures.oldestSeconds}s`, limits.oldestSeconds),
    item("bytes", `${figures.bytes}B`, limits.bytes, figures.maxBytes),
    judged("quarantined"),
    item("torn", String(figures.torn)),
    `possible_duplicates=${figures.possibleDuplicates}c`,
  ].join(" ");
}
