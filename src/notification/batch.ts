/**
 * Many notifications as one. A line for each, in their order; identical ones share a line, with their count. Where there is too little room the lines become
 * shorter. Nobody gathers more than there is room for ({@linkcode hasLineForEach}); where there is less room all the same, what is left out is counted. Pure.
 *
 * @module
 */

import { bisectLargest } from "../base/bisect.ts";
import type { Replaced } from "../queue/record.ts";
import { MAX_MENTIONS, type Notification, SEVERITIES, type Severity } from "./notification.ts";
import { byteLength, escapeHtml } from "./render.ts";

/** One of the notifications that a digest stands for. */
export interface BatchItem {
  readonly notification: Notification;
  /** Earlier ones whose place it took. */
  readonly replaced?: Replaced;
}

/** A notification that stands for others. Its message is theirs, for a service of average size; {@linkcode renderBatch} fits it to another. */
export interface Batch extends Notification {
  readonly items: readonly BatchItem[];
}

/** A digest as plain text, and as HTML. */
export interface RenderedBatch {
  readonly text: string;
  readonly html: string;
}

/** What every service takes, in UTF-8 bytes. */
const COMMON_BATCH_BYTES = 3500;

/** What stands around a digest in a message, in UTF-8 bytes: a subject, and how late it is. */
export const AROUND_BATCH_BYTES = 1024;

/** No line shows more of a notification, in characters. */
const MAX_WIDTH = 1000;
/** Lines are not cut shorter before some are left out. */
const MIN_WIDTH = 32;
/** Less of a message than this is not worth its place. */
const MIN_MESSAGE = 8;

const MARKS: Readonly<Record<Severity, string>> = { info: "ℹ", warning: "⚠", error: "❌", critical: "🚨" };

/** Whether a notification stands for others. */
export function isBatch(notification: Notification): notification is Batch {
  return "items" in notification;
}

/** What a notification says, without those that it stands for: its message tells of them. */
export function withoutItems(notification: Notification): Notification {
  if (!isBatch(notification)) return notification;
  const { items: _, ...rest } = notification;
  return rest;
}

/**
 * Makes a digest: as severe as the most severe, silent only when all are, as old as the oldest, and for everybody whom one of them is for.
 *
 * @param items at least one
 */
export function createBatch(items: readonly BatchItem[]): Batch {
  const digest = batchOutline(items);
  return { ...digest, message: renderBatch(digest, fitsEverywhere).text };
}

/**
 * A digest without its message, which takes longer than everything else.
 *
 * @param items at least one
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

/** Whether a digest has room in any service. */
export function fitsEverywhere({ text }: RenderedBatch): boolean {
  return byteLength(text) <= COMMON_BATCH_BYTES;
}

/** Whether there is room for a line of each, if a short one. */
export function hasLineForEach({ items }: Batch, fits: (rendered: RenderedBatch) => boolean): boolean {
  return fits(render(linesOf(items), { width: MIN_WIDTH, clock: clockOf(items) }));
}

/**
 * Renders a digest as large as there is room.
 *
 * @param fits whether there is room; a shorter digest never needs more
 */
export function renderBatch({ items }: Batch, fits: (rendered: RenderedBatch) => boolean): RenderedBatch {
  const lines = linesOf(items);
  const clock = clockOf(items);
  const atWidth = (width: number) => render(lines, { width, clock });
  if (fits(atWidth(MIN_WIDTH))) return atWidth(bisectLargest(MIN_WIDTH, MAX_WIDTH, (width) => fits(atWidth(width))));
  // The most severe stay, and of those the first.
  const byRank = lines.toSorted((a, b) => SEVERITIES.indexOf(severityOf(b)) - SEVERITIES.indexOf(severityOf(a)));
  const withCount = (count: number) =>
    render(lines, { width: MIN_WIDTH, clock, kept: new Set(byRank.slice(0, count)) });
  return withCount(bisectLargest(0, lines.length, (count) => fits(withCount(count))));
}

/** Identical notifications. */
interface Line {
  readonly first: BatchItem;
  /** As much of the message as any line shows. */
  readonly message: string;
  readonly count: number;
  readonly last: Notification;
}

interface Layout {
  /** How many characters of a notification a line shows. */
  readonly width: number;
  readonly clock: (time: number) => string;
  /** The lines that are not left out. @default all */
  readonly kept?: ReadonlySet<Line>;
}

function linesOf(items: readonly BatchItem[]): Line[] {
  const groups = Map.groupBy(
    items,
    ({ notification: { origin, severity, subject, message }, replaced }) =>
      JSON.stringify([origin, severity, subject, message, replaced]),
  );
  return [...groups.values()].map((group) => ({
    first: group[0],
    message: messageOf(group[0].notification),
    count: group.length,
    last: group[group.length - 1].notification,
  }));
}

function severityOf({ first }: Line): Severity {
  return first.notification.severity;
}

function render(lines: readonly Line[], layout: Layout): RenderedBatch {
  const { kept, clock } = layout;
  const parts = lines.filter((line) => kept === undefined || kept.has(line)).map((line) => partsOf(line, layout));
  const out = lines.filter((line) => kept !== undefined && !kept.has(line));
  const rest = out.length === 0 ? [] : [restOf(out, clock)];
  return {
    text: [...parts.map(({ head, subject, tail }) => `- ${head} ${subject}${tail}`), ...rest].join("\n"),
    html: [
      ...parts.length === 0 ? [] : [`<ul>${parts.map(itemHtml).join("")}</ul>`],
      ...rest.map((text) => `<p>${escapeHtml(text)}</p>`),
    ].join(""),
  };
}

interface Parts {
  readonly head: string;
  readonly subject: string;
  readonly tail: string;
}

function partsOf({ first: { notification, replaced }, message, count, last }: Line, { width, clock }: Layout): Parts {
  const { severity, subject, link, time } = notification;
  const shown = clip(subject, width);
  const left = width - Array.from(subject).length;
  const body = message === "" || left < MIN_MESSAGE ? "" : `: ${clip(message, left)}`;
  const end = link === undefined || left - Array.from(message).length < link.length ? "" : ` 🔗 ${link}`;
  const times = count === 1 ? "" : ` (×${count}, first ${clock(time)}, last ${clock(last.time)})`;
  const earlier = replaced === undefined ? "" : ` (↻ in place of ${replaced.count} earlier)`;
  return { head: `${clock(time)} ${MARKS[severity]}`, subject: shown, tail: `${body}${end}${times}${earlier}` };
}

function itemHtml({ head, subject, tail }: Parts): string {
  return `<li>${escapeHtml(head)} <strong>${escapeHtml(subject)}</strong>${escapeHtml(tail)}</li>`;
}

/** `… and 40 more from 20:15:03 to 20:17:44: 38 info, 2 warning`. */
function restOf(lines: readonly Line[], clock: Layout["clock"]): string {
  const total = (some: readonly Line[]) => some.reduce((sum, { count }) => sum + count, 0);
  const kinds = SEVERITIES.toReversed().map((severity) =>
    [severity, total(lines.filter((line) => severityOf(line) === severity))] as const
  );
  const times = lines.flatMap(({ first, last }) => [first.notification.time, last.time]);
  const span = times.reduce(([from, to], time) => [Math.min(from, time), Math.max(to, time)], [Infinity, 0]);
  return `… and ${total(lines)} more from ${clock(span[0])} to ${clock(span[1])}: ${
    kinds.filter(([, count]) => count > 0).map(([severity, count]) => `${count} ${severity}`).join(", ")
  }`;
}

/** The beginning of a message, in one line; that of HTML without its tags. */
function messageOf({ message, format }: Notification): string {
  const beginning = message.slice(0, 4 * MAX_WIDTH);
  const text = format === "html" ? withoutTags(beginning) : beginning;
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").join(" / ").slice(0, 2 * MAX_WIDTH);
}

/** An excerpt needs no parser: whatever comes of this is escaped where it is shown. */
function withoutTags(html: string): string {
  return html.replace(/<[^>]*>/g, " ").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
    .replaceAll("&amp;", "&").replace(/[ \t]+/g, " ");
}

function clip(text: string, width: number): string {
  // Cheaper than counting the characters of a long message: no character has more than two units.
  const characters = Array.from(text.slice(0, 2 * width + 2));
  return characters.length <= width ? text : `${characters.slice(0, Math.max(1, width - 1)).join("")}…`;
}

/** Times of day on the wall clock of this host, with the date where there is more than one. */
function clockOf(items: readonly BatchItem[]): (time: number) => string {
  const two = (number: number) => String(number).padStart(2, "0");
  const dayOf = (date: Date) => `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const hasDays = new Set(items.map(({ notification: { time } }) => dayOf(new Date(time)))).size > 1;
  return (time) => {
    const date = new Date(time);
    const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
    return hasDays ? `${dayOf(date)} ${clock}` : clock;
  };
}
