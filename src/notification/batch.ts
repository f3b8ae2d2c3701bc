/**
 * Renders a batch: many notifications in one message. Each notification has a line, in order.
 * Identical notifications share one line, which shows the number of these notifications. If the
 * message becomes too long, its lines are shortened. `delivery/batching.ts` decides which entries
 * become a batch, and checks the length with {@linkcode hasLineForEach}. If the message is still
 * too long for a channel, some lines are left out, and the last line counts them. No side effects.
 *
 * @module
 */

import { bisectLargest } from "../base/bisect.ts";
import { formatClock, formatDay } from "../base/time.ts";
import type { Replaced } from "../queue/record.ts";
import { type Notification, SEVERITIES, type Severity } from "./notification.ts";
import { MAX_MENTIONS } from "./repair.ts";
import { escapeHtml } from "./render.ts";
import { byteLength } from "./cut.ts";
import { severitySymbol } from "./title.ts";

/** A notification that is part of a batch (many notifications in one message). */
export interface BatchItem {
  readonly notification: Notification;
  /** The earlier notifications that this notification replaced. */
  readonly replaced?: Replaced;
}

/**
 * A notification that combines other notifications. Its message is short enough for every service;
 * {@linkcode renderBatch} renders a message for a specific service.
 */
export interface Batch extends Notification {
  readonly items: readonly BatchItem[];
}

/** The message of a batch as plain text and as HTML. */
export interface RenderedBatch {
  readonly text: string;
  readonly html: string;
}

/** The maximum size of a batch that every service accepts, in UTF-8 bytes. */
const COMMON_BATCH_BYTES = 3500;

/**
 * The space for the subject and the notes of a batch (many notifications in one message), in UTF-8
 * bytes.
 */
export const AROUND_BATCH_BYTES = 1024;

/** The maximum length of a notification in a line, in characters. */
const MAX_WIDTH = 1000;
/**
 * The minimum length of a notification in a line, in characters. If the batch is still too long
 * with lines of this length, some lines are left out.
 */
const MIN_WIDTH = 32;
/** The minimum length of a shown message, in characters. A shorter message is left out. */
const MIN_MESSAGE = 8;

/** Returns true if a notification is a batch (it combines other notifications). */
export function isBatch(notification: Notification): notification is Batch {
  return "items" in notification;
}

/**
 * Converts a batch to an ordinary notification, by removing the list `items`. The message still
 * shows the items.
 */
export function withoutItems(notification: Notification): Notification {
  if (!isBatch(notification)) return notification;
  const { items: _, ...rest } = notification;
  return rest;
}

/**
 * Creates a batch. The batch has the highest severity and the oldest time of its items. It is
 * silent only if all items are silent. It mentions all users whom a non-silent item mentions.
 *
 * @param items the items; at least one
 */
export function createBatch(items: readonly BatchItem[]): Batch {
  const batch = batchOutline(items);
  return { ...batch, message: renderBatch(batch, fitsEverywhere).text };
}

/**
 * Creates a batch with an empty message. Rendering the message is slow, and not always necessary.
 *
 * @param items the items; at least one
 */
export function batchOutline(items: readonly BatchItem[]): Batch {
  const all = items.map(({ notification }) => notification);
  const mentions = [...new Set(all.flatMap((one) => one.silent ? [] : one.mentions ?? []))].slice(0, MAX_MENTIONS);
  return {
    subject: all.length === 1 ? "1 notification" : `${all.length} notifications`,
    message: "",
    format: "text",
    silent: all.every(({ silent }) => silent),
    severity: SEVERITIES.findLast((severity) => all.some((one) => one.severity === severity)) ?? "info",
    time: all.reduce((oldest, { time }) => Math.min(oldest, time), Infinity),
    expires: all.reduce((latest, { expires }) => Math.max(latest, expires), 0),
    ...(mentions.length === 0 ? {} : { mentions }),
    items,
  };
}

/** Returns true if a batch is short enough for every service. */
export function fitsEverywhere({ text }: RenderedBatch): boolean {
  return byteLength(text) <= COMMON_BATCH_BYTES;
}

/** Returns true if a batch is short enough when it shows one shortened line for each item. */
export function hasLineForEach({ items }: Batch, fits: (rendered: RenderedBatch) => boolean): boolean {
  return fits(renderLines(toLines(items), { width: MIN_WIDTH, formatTime: timeFormat(items) }));
}

/**
 * Renders a batch with lines as long as the limit allows.
 *
 * @param fits returns true if a rendered batch is short enough. If a batch is short enough, every
 * shorter batch must also be short enough.
 */
export function renderBatch({ items }: Batch, fits: (rendered: RenderedBatch) => boolean): RenderedBatch {
  const lines = toLines(items);
  const formatTime = timeFormat(items);
  const atWidth = (width: number) => renderLines(lines, { width, formatTime });
  if (fits(atWidth(MIN_WIDTH))) return atWidth(bisectLargest(MIN_WIDTH, MAX_WIDTH, (width) => fits(atWidth(width))));
  // If not all lines fit, the lines with the highest severity are shown. Among lines of equal
  // severity, earlier lines are shown first.
  const bySeverity = lines.toSorted((a, b) => SEVERITIES.indexOf(severityOf(b)) - SEVERITIES.indexOf(severityOf(a)));
  const withCount = (count: number) =>
    renderLines(lines, { width: MIN_WIDTH, formatTime, shown: new Set(bySeverity.slice(0, count)) });
  return withCount(bisectLargest(0, lines.length, (count) => fits(withCount(count))));
}

/** One line of a batch, for one or more identical notifications. */
interface Line {
  readonly first: BatchItem;
  /** The beginning of the message, long enough for the longest line. */
  readonly excerpt: string;
  readonly count: number;
  readonly last: Notification;
}

interface Layout {
  /** The maximum length of a notification in a line, in characters. */
  readonly width: number;
  readonly formatTime: (time: number) => string;
  /** The lines that are shown. @default all */
  readonly shown?: ReadonlySet<Line>;
}

function toLines(items: readonly BatchItem[]): Line[] {
  const groups = Map.groupBy(
    items,
    ({ notification: { origin, severity, subject, message }, replaced }) =>
      JSON.stringify([origin, severity, subject, message, replaced]),
  );
  return [...groups.values()].map((group) => ({
    first: group[0],
    excerpt: excerptOf(group[0].notification),
    count: group.length,
    last: group[group.length - 1].notification,
  }));
}

function severityOf({ first }: Line): Severity {
  return first.notification.severity;
}

function renderLines(lines: readonly Line[], layout: Layout): RenderedBatch {
  const { shown, formatTime } = layout;
  const parts = lines.filter((line) => shown === undefined || shown.has(line)).map((line) => formatLine(line, layout));
  const missing = lines.filter((line) => shown !== undefined && !shown.has(line));
  const last = missing.length === 0 ? [] : [formatMissing(missing, formatTime)];
  return {
    text: [...parts.map(({ head, subject, tail }) => `- ${head} ${subject}${tail}`), ...last].join("\n"),
    html: [
      ...parts.length === 0 ? [] : [`<ul>${parts.map(toListItem).join("")}</ul>`],
      ...last.map((text) => `<p>${escapeHtml(text)}</p>`),
    ].join(""),
  };
}

interface LineParts {
  readonly head: string;
  readonly subject: string;
  readonly tail: string;
}

/**
 * Formats a line in three parts: `20:15:03 ❌ Link down: ether1 lost its carrier 🔗 https://… (×3,
 * first 20:15:03, last 20:17:44)`.
 */
function formatLine(
  { first: { notification, replaced }, excerpt, count, last }: Line,
  { width, formatTime }: Layout,
): LineParts {
  const { subject, link, time } = notification;
  const room = width - Array.from(subject).length;
  const message = excerpt === "" || room < MIN_MESSAGE ? "" : `: ${shorten(excerpt, room)}`;
  const linkPart = link === undefined || room - Array.from(excerpt).length < link.length ? "" : ` 🔗 ${link}`;
  const repeats = count === 1 ? "" : ` (×${count}, first ${formatTime(time)}, last ${formatTime(last.time)})`;
  const earlier = replaced === undefined ? "" : ` (↻ replaces ${replaced.count} earlier)`;
  return {
    head: `${formatTime(time)} ${severitySymbol(notification) || "ℹ"}`,
    subject: shorten(subject, width),
    tail: `${message}${linkPart}${repeats}${earlier}`,
  };
}

function toListItem({ head, subject, tail }: LineParts): string {
  return `<li>${escapeHtml(head)} <strong>${escapeHtml(subject)}</strong>${escapeHtml(tail)}</li>`;
}

/** Formats the last line: `… and 40 more from 20:15:03 to 20:17:44: 38 info, 2 warning`. */
function formatMissing(lines: readonly Line[], formatTime: Layout["formatTime"]): string {
  const total = (some: readonly Line[]) => some.reduce((sum, { count }) => sum + count, 0);
  const counts = SEVERITIES.toReversed().map((severity) =>
    [severity, total(lines.filter((line) => severityOf(line) === severity))] as const
  );
  const times = lines.flatMap(({ first, last }) => [first.notification.time, last.time]);
  const [from, to] = times.reduce(([from, to], time) => [Math.min(from, time), Math.max(to, time)], [Infinity, 0]);
  return `… and ${total(lines)} more from ${formatTime(from)} to ${formatTime(to)}: ${
    counts.filter(([, count]) => count > 0).map(([severity, count]) => `${count} ${severity}`).join(", ")
  }`;
}

/** Returns the beginning of a message in one line, without HTML tags. */
function excerptOf({ message, format }: Notification): string {
  const beginning = message.slice(0, 4 * MAX_WIDTH);
  const text = format === "html" ? withoutTags(beginning) : beginning;
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").join(" / ").slice(0, 2 * MAX_WIDTH);
}

/**
 * Removes HTML tags. An HTML parser is not needed, because the result is escaped before it is
 * shown.
 */
function withoutTags(html: string): string {
  return html.replace(/<[^>]*>/g, " ").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&").replace(/[ \t]+/g, " ");
}

/** Shortens a text to a number of characters. */
function shorten(text: string, width: number): string {
  // A character has at most two UTF-16 units. Cutting the text before counting is faster than
  // counting all characters of a long text.
  const characters = Array.from(text.slice(0, 2 * width + 2));
  return characters.length <= width ? text : `${characters.slice(0, Math.max(1, width - 1)).join("")}…`;
}

/**
 * Returns the function that formats the times of a batch: `20:15:03`, or `2026-11-22 20:15:03` if
 * the items are from several days.
 */
function timeFormat(items: readonly BatchItem[]): (time: number) => string {
  const hasDays = new Set(items.map(({ notification: { time } }) => formatDay(time))).size > 1;
  return (time) => hasDays ? `${formatDay(time)} ${formatClock(time)}` : formatClock(time);
}
