/**
 * Formats the entries of the queue for people: a list by lane, and one entry in full. A lane has
 * the entries of one channel and destination.
 *
 * ```text
 * matrix Alerts (!abc:example.org)
 *   Cannot connect to matrix.example.org: Connection refused; next try at 20:15:08 UTC+1 (in 1 s)
 *     019ab3f2  deferred     2 h 5 min  ❌ Backup failed
 *     019ab3f3  queued           4 min  Link up
 * ```
 *
 * @module
 */

import { formatBytes, formatCount } from "../base/count.ts";
import { formatDuration } from "../base/duration.ts";
import { formatTime } from "../base/time.ts";
import { withResolution } from "../notification/incident.ts";
import {
  type Attachment,
  createNotification,
  isNotification,
  type Notification,
} from "../notification/notification.ts";
import { severitySymbol } from "../notification/title.ts";
import type { QueuedEntry } from "../notifier/outcomes.ts";
import { laneKey } from "../queue/entry.ts";
import { formatNextTry, formatWhen, type View } from "./outcomes.ts";
import { formatTarget } from "./plan.ts";
import { printable } from "../base/printable.ts";

/**
 * Formats entries, grouped by lane (channel and destination). In a lane, entries that wait for the
 * same reason are listed below this reason.
 */
export function formatList(entries: readonly QueuedEntry[], view: View): string[] {
  const lanes = [...Map.groupBy(entries, laneKey).values()];
  return lanes.flatMap((lane) => [
    view.ui.paint(printable(formatTarget(lane[0], view.destinations)), "bold"),
    ...[...Map.groupBy(lane, (entry) => formatWait(entry, view)).entries()].flatMap(([wait, entries]) => [
      `  ${printable(wait)}`,
      ...entries.map((entry) => `    ${formatLine(entry, view)}`),
    ]),
  ]);
}

/**
 * Returns the notification of an entry. Another version of matrix-notify may have stored it in an
 * unknown format. The entry is shown anyway, so that the user can drop it.
 */
function notificationOf({ notification, time }: QueuedEntry): Notification {
  return isNotification(notification) ? notification : createNotification({ subject: "(not readable)" }, time);
}

/**
 * Formats one entry and its notification: a line for each value, with its name in the left column.
 */
export function formatEntry(entry: QueuedEntry, view: View): string[] {
  const { now } = view;
  const { members = [], fallbackFor = [] } = entry;
  const notification = notificationOf(entry);
  const { attachments, file, mentions } = notification;
  const files = file ? [file] : attachments ?? [];
  const values: readonly (readonly [name: string, value: string | undefined])[] = [
    ["id", entry.id],
    ["to", formatTarget(entry, view.destinations)],
    ["state", `${entry.state}, ${formatCount(entry.attempts, "attempt")}`],
    ["reason", entry.reason],
    ["next try", formatNextTry(entry.state === "dead" ? undefined : entry.next, now).replace("; next try ", "")],
    ["queued", `${formatTime(entry.time, { now })} (${formatDuration(now - entry.time)} ago)`],
    ["expires", entry.state === "dead" ? undefined : formatWhen(entry.expires, now).replace(/^at /, "")],
    ["fallback", fallbackFor.length === 0 ? undefined : `for ${fallbackFor.join(", ")}`],
    ["severity", notification.severity],
    ["origin", notification.origin],
    ["key", entry.key],
    ["sender", entry.sender],
    ["link", notification.link],
    ["mentions", mentions?.join(", ")],
    ["files", files.length === 0 ? undefined : files.map(formatFile).join(", ")],
    ["subject", formatSubject(notification)],
  ];
  return [
    ...values.flatMap(([name, value]) => value ? [formatValue(name, value)] : []),
    ...members.length === 0 ? formatMessage(notification) : members.map((member) => `  ${formatLine(member, view)}`),
  ];
}

function formatValue(name: string, value: string): string {
  return `${name.padEnd(10)}${printable(value)}`;
}

/** Formats the reason why an entry waits or is dead, and the time of its next attempt. */
function formatWait(entry: QueuedEntry, { now }: View): string {
  if (entry.state === "dead") return entry.reason;
  return `${entry.reason ?? "Not tried yet"}${formatNextTry(entry.next, now)}`;
}

function formatLine(entry: QueuedEntry, { now, ui }: View): string {
  const { id, state, time, members } = entry;
  const notification = notificationOf(entry);
  const isWaiting = state === "queued" || state === "deferred";
  const paintedState = ui.paint(state.padEnd(8), isWaiting ? "yellow" : "red");
  const { attachments = [], file } = notification;
  // A file that is sent separately has its name as the subject, so the name is not added again.
  const files = (file ? [] : attachments).map(({ name }) => name).join(", ");
  const title = [
    [severitySymbol(notification), formatSubject(notification)].join(" ").trimStart(),
    ...files === "" ? [] : [`📎 ${files}`],
    ...members === undefined ? [] : [`(one message; see: matrix-notify queue show ${id.slice(0, 8)})`],
  ].join("  ");
  return `${id.slice(0, 8)}  ${paintedState}  ${formatDuration(now - time).padStart(11)}  ${printable(title)}`;
}

function formatSubject(notification: Notification): string {
  return withResolution(notification).subject;
}

function formatFile({ name, size }: Attachment): string {
  return `${name} (${formatBytes(size)})`;
}

/**
 * Formats a message: its format and its lines. Replaces control characters, except line breaks and
 * tabs.
 */
function formatMessage({ message, format }: Notification): string[] {
  if (message === "") return [];
  const lines = message.split("\n").map((line) => `  ${line.split("\t").map(printable).join("\t")}`);
  return [formatValue("message", format), ...lines];
}
