/**
 * Renders a batch (several notifications in one message). Each notification becomes a block. The
 * first line of the block shows the time, the severity and the subject in bold. The complete
 * message, the link and the notes follow. Identical notifications share a block, which shows their
 * times.
 *
 * ```text
 * 20:15:03 ❌ Backup of host 7 failed
 * No space left on /dev/sda1
 *
 * 20:15:09 ⚠️ Link down (×3: 20:15:09, 20:15:12, 20:17:44)
 * ```
 *
 * @module
 */

import { formatClock, formatDay } from "../base/time.ts";
import type { Markup } from "../markup/markup.ts";
import { type Batch, type BatchItem, createBatch } from "../notification/batch.ts";
import type { Notification } from "../notification/notification.ts";
import { escapeHtml, formatNotes, linkHtml } from "../notification/render.ts";
import { severitySymbol } from "../notification/title.ts";

/**
 * The largest number of clock times that a block lists. If there are more times, the block shows
 * only the first time and the last time.
 */
const MAX_TIMES = 5;

/**
 * The HTML elements that begin a new line. A message with such an element must not be inside a
 * `<p>`.
 */
const BLOCK_REGEXP = /<(?:pre|p|ul|ol|h[1-6]|table|blockquote|div|details|hr)\b/;

/** One or more identical notifications of a batch. */
export interface Block {
  /**
   * The first line: time, severity and subject. If the notification occurs several times in the
   * batch, the line also shows the number and the times.
   */
  readonly head: string;
  readonly notification: Notification;
  readonly message: Markup;
  /** The notes below the message, for example about replaced notifications. */
  readonly notes: readonly string[];
}

/** A rendered batch: the whole message and its blocks. */
export interface BatchMessage extends Markup {
  /** The blocks. Absent if the batch shows only a line for each notification. */
  readonly blocks?: readonly Block[];
}

/** Renders the message of one notification. */
export type RenderItem = (notification: Notification) => Promise<Markup>;

/** Renders a batch. */
export async function renderBatch({ items, style }: Batch, renderItem: RenderItem): Promise<BatchMessage> {
  const blocks = await toBlocks(items, renderItem);
  if (style === "lines") return renderLines(blocks);
  const paragraphs = toParagraphs(blocks);
  return {
    text: paragraphs.map((lines) => lines.map(toText).join("\n")).join("\n\n"),
    // The line break separates the first block from the title.
    html: `<br>${paragraphs.map((lines) => toHtml(lines)).join("")}`,
    blocks,
  };
}

/** The longest excerpt of a message in {@linkcode renderLines}, in characters. */
const MAX_EXCERPT = 200;

/** Renders a line for each block: `20:15:09 ❌ Backup failed: no space left on device`. */
function renderLines(blocks: readonly Block[]): BatchMessage {
  const lines = blocks.map((block) => [block.head, excerptOf(block)] as const);
  return {
    text: lines.map(([head, excerpt]) => `- ${head}${excerpt}`).join("\n"),
    html: `<ul>${
      lines.map(([head, excerpt]) => `<li><strong>${escapeHtml(head)}</strong>${escapeHtml(excerpt)}</li>`).join("")
    }</ul>`,
  };
}

/**
 * Returns one line of a message: the last line if the message is the output of a program, otherwise
 * the first line.
 */
function excerptOf({ notification: { format }, message: { text } }: Block): string {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const line = format === "code" ? lines.at(-1) : lines[0];
  if (line === undefined) return "";
  const characters = Array.from(line);
  return `: ${characters.length <= MAX_EXCERPT ? line : `${characters.slice(0, MAX_EXCERPT - 1).join("")}…`}`;
}

/**
 * Puts consecutive one-line blocks into one paragraph. A longer block gets its own paragraph.
 */
function toParagraphs(blocks: readonly Block[]): Block[][] {
  const isLine = ({ notification: { message, link }, notes }: Block) => message === "" && !link && notes.length === 0;
  const paragraphs: Block[][] = [];
  for (const block of blocks) {
    const last = paragraphs.at(-1);
    if (last !== undefined && isLine(block) && isLine(last[0])) last.push(block);
    else paragraphs.push([block]);
  }
  return paragraphs;
}

async function toBlocks(items: readonly BatchItem[], renderItem: RenderItem): Promise<Block[]> {
  const formatTime = timeFormat(items);
  const groups = Map.groupBy(items, ({ notification, replaced }) => {
    const { time: _, expires: __, mentions: ___, silent: ____, ...shown } = notification;
    return JSON.stringify([shown, replaced]);
  });
  return await Promise.all(Array.from(groups.values(), async (group): Promise<Block> => {
    const [{ notification, replaced }] = group;
    const times = group.map(({ notification: { time } }) => formatTime(time));
    return {
      head: [times[0], severitySymbol(notification), notification.subject, formatRepeats(times)]
        .filter((part) => part !== "").join(" "),
      notification,
      message: await renderItem(notification),
      notes: formatNotes(notification, { replaced }),
    };
  }));
}

/**
 * Returns how many of the first items fit completely into one batch. The result is at least 1. Each
 * item is rendered only once.
 *
 * @param render renders one item
 * @param fits returns true if a batch fits into one message of the channel
 * @param style the style of the batch
 */
export async function countFitting(
  items: readonly BatchItem[],
  render: RenderItem,
  fits: (batch: Batch, message: BatchMessage) => boolean,
  style?: "lines",
): Promise<number> {
  const rendered = new Map<Notification, Promise<Markup>>();
  const renderOnce = (notification: Notification) => {
    const known = rendered.get(notification) ?? render(notification);
    rendered.set(notification, known);
    return known;
  };
  const fitting = async (count: number) => {
    const batch = createBatch(items.slice(0, count), { style });
    return fits(batch, await renderBatch(batch, renderOnce));
  };
  // First double the number of items until the batch does not fit. Then search between the last two
  // numbers. Starting with all items could mean rendering a very long batch.
  let low = 1, high = Math.min(2, items.length);
  while (high < items.length && await fitting(high)) [low, high] = [high, Math.min(2 * high, items.length)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (await fitting(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function formatRepeats(times: readonly string[]): string {
  if (times.length === 1) return "";
  const shown = times.length <= MAX_TIMES ? times.join(", ") : `first ${times[0]}, last ${times.at(-1)}`;
  return `(×${times.length}: ${shown})`;
}

function toText({ head, notification: { link }, message: { text }, notes }: Block): string {
  return [head, ...text === "" ? [] : [text], ...link === undefined ? [] : [`🔗 ${link}`], ...notes].join("\n");
}

/** Returns the HTML of one block, or of several one-line blocks. */
function toHtml([{ head, notification: { link }, message: { html }, notes }, ...lines]: readonly Block[]): string {
  const after = [
    ...link === undefined ? [] : [`🔗 ${linkHtml(link)}`],
    ...notes.map((note) => `<em>${escapeHtml(note)}</em>`),
  ].join("<br>");
  const bold = [head, ...lines.map(({ head }) => head)].map((head) => `<strong>${escapeHtml(head)}</strong>`).join(
    "<br>",
  );
  if (BLOCK_REGEXP.test(html)) return `<p>${bold}</p>${html}${after === "" ? "" : `<p>${after}</p>`}`;
  return `<p>${[bold, html, after].filter((part) => part !== "").join("<br>")}</p>`;
}

/**
 * Returns the function that formats the times of a batch: `20:15:03`, or `2026-11-22 20:15:03` if
 * the items are from several days. The title of the batch shows the time zone.
 */
function timeFormat(items: readonly BatchItem[]): (time: number) => string {
  const hasDays = new Set(items.map(({ notification: { time } }) => formatDay(time))).size > 1;
  return (time) => hasDays ? `${formatDay(time)} ${formatClock(time)}` : formatClock(time);
}
