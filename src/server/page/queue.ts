/**
 * The sections of the status page about the queue: channels with their lanes, dead letters, and
 * open incidents.
 *
 * @module
 */

import { formatCount } from "../../base/count.ts";
import { quoteForShell } from "../../base/shell_word.ts";
import { withResolution } from "../../notification/incident.ts";
import { isNotification } from "../../notification/notification.ts";
import { severitySymbol } from "../../notification/title.ts";
import type { LiveEntry, QueuedEntry, WaitView } from "../../notifier/outcomes.ts";
import type { ChannelOverview, LaneOverview, LiveCounts, OpenIncident, Overview } from "../../notifier/overview.ts";
import { ROOT_STATE_DIR } from "../../config/paths.ts";
import { EVERY_CHANNEL } from "../../routing/rule.ts";
import type { DeliveryCounters } from "../delivery_counters.ts";
import { formatCounts, sumHours } from "./chart.ts";
import { type Clock, type Content, duration, foreign, type Html, markup, since, time } from "./html.ts";

/** The longest reason on the page, in characters. */
const MAX_REASON = 400;

/** The maximum number of destinations that are shown for one incident. */
const MAX_DESTINATIONS = 3;

/** Shows each channel with its waiting entries. */
export function queueSection({ channels, stateDir }: Overview, deliveries: DeliveryCounters, clock: Clock): Html {
  const isWaiting = channels.some(({ counts }) => countWaiting(counts) > 0);
  return markup`<section class="card" aria-labelledby="queue">
<div class="head"><h2 id="queue">Channels</h2><p class="soft">last 24 hours</p></div>
<ul class="rows">${channels.map((channel) => channelRow(channel, deliveries, clock))}</ul>
${
    isWaiting && markup`<p class="note">To try everything now, and to list every entry:</p>
<p class="commands">${command(stateDir, "flush")} ${command(stateDir, "queue", "list")}</p>`
  }</section>`;
}

function channelRow(channel: ChannelOverview, deliveries: DeliveryCounters, clock: Clock): Html {
  const { name, kind, counts, wait, lanes } = channel;
  const isKnown = kind !== undefined || name === EVERY_CHANNEL;
  const title = name === EVERY_CHANNEL ? "All channels" : foreign(name);
  return markup`<li><div class="head"><div class="name"><h3>${title}</h3>${
    kind !== undefined && kind !== name && markup`<span class="soft">${kind}</span>`
  }${badge(counts)}</div><p class="soft">${formatCounts(sumHours(deliveries.hours(name)))}</p></div>${
    !isKnown && markup`<p class="note">This channel is not in the configuration, or has a mistake there.</p>`
  }${wait !== undefined && waitLine(wait, counts.held > 0, clock)}${
    lanes.items.map((lane) => laneBlock(lane, { name, wait }, clock))
  }${more(lanes.total - lanes.items.length, lanes.items.length > 0 ? "more destination" : "destination")}</li>`;
}

function badge(counts: LiveCounts): Html {
  const waiting = countWaiting(counts);
  if (counts.held > 0) return markup`<span class="badge bad">${counts.held} held</span>`;
  if (waiting > 0) return markup`<span class="badge wait">${waiting} waiting</span>`;
  if (counts.fallbacks > 0) return markup`<span class="badge">${formatCount(counts.fallbacks, "fallback")}</span>`;
  return markup`<span class="badge good">nothing waits</span>`;
}

function countWaiting({ queued, deferred, held }: LiveCounts): number {
  return queued + deferred + held;
}

/** Says why entries wait, and until when. */
function waitLine({ reason, next }: WaitView, isHeld: boolean, clock: Clock): Html {
  const then = next !== undefined && next > clock.now
    ? markup`Next attempt at ${time(next, clock)} (in&nbsp;${duration(next - clock.now)}).`
    : isHeld
    ? markup`Fix the problem, then run <code>matrix-notify flush</code>.`
    : markup`The next attempt is due now.`;
  return markup`<p class="why">${
    reason === undefined ? "Not tried yet." : sentence(reason)
  } <span class="soft">${then}</span></p>`;
}

function laneBlock(
  { destination, counts, oldest, entries }: LaneOverview,
  channel: Pick<ChannelOverview, "name" | "wait">,
  clock: Clock,
): Html {
  const [first] = entries.items;
  const waiting = countWaiting(counts), shown = entries.items.reduce((sum, entry) => sum + countMembers(entry), 0);
  const title = destination === undefined
    ? "The destinations are chosen when the configuration is fixed"
    : destination === channel.name
    ? undefined
    : foreign(destination);
  const numbers = [
    ...waiting > 0 ? [`${waiting} waiting`] : [],
    ...counts.fallbacks > 0 ? [formatCount(counts.fallbacks, "fallback")] : [],
  ].join(", ");
  return markup`<div class="lane">${title && markup`<h4>${title}</h4>`}
<p class="soft">${numbers}${entries.total > 1 && ", the oldest"} since ${since(oldest, clock)}</p>${
    first !== undefined && first.reason !== channel.wait?.reason && waitLine(first, first.state === "held", clock)
  }<ol class="entries">${entries.items.map((entry) => entryLine(entry, first, clock))}</ol>${
    more(entries.total - shown, "more entry", "more entries")
  }</div>`;
}

function countMembers({ members }: QueuedEntry): number {
  return members?.length ?? 1;
}

/**
 * Shows an entry of a lane (the queue of one destination). The reason why the entry waits is shown
 * only if it differs from the reason of the first entry.
 *
 * @param first the first entry of the lane
 */
function entryLine(entry: LiveEntry, first: LiveEntry, clock: Clock): Html {
  const { state, attempts, members, reason } = entry;
  const about = [
    ...members === undefined ? [] : [`${members.length} in one message`],
    ...attempts > 0 ? [formatCount(attempts, "attempt")] : [],
    ...state === "queued" ? [] : [state],
  ];
  return markup`<li><div class="line"><span class="subject">${subject(entry)}</span> <span class="soft">${
    about.map((word) => `${word} · `)
  }${time(entry.time, clock)}</span></div>${reason !== first.reason && waitLine(entry, state === "held", clock)}</li>`;
}

/** Shows the dead letters, with the commands that act on them. */
export function deadSection({ dead, stateDir }: Overview, clock: Clock): Content {
  if (dead.total === 0) return undefined;
  return markup`<section class="card" aria-labelledby="dead">
<div class="head"><h2 id="dead">Dead letters</h2><span class="badge bad">${dead.total}</span></div>
<p class="note">Rejected for good, or expired. They stay here until you retry or drop them. For all of them:</p>
<p class="commands">${command(stateDir, "queue", "retry", "--dead")} ${command(stateDir, "queue", "drop", "--dead")}</p>
<ul class="rows">${dead.items.map((item) => deadRow(item, stateDir, clock))}</ul>${
    more(dead.total - dead.items.length, "more dead letter")
  }</section>`;
}

function deadRow(
  { entry, diedAt, destination }: Overview["dead"]["items"][number],
  stateDir: string,
  clock: Clock,
): Html {
  const { id, channel, reason, attempts } = entry;
  const target = markup`${foreign(channel)}${destination !== channel && markup` ${foreign(destination)}`}`;
  return markup`<li><div class="line"><span class="subject">${subject(entry)}</span> <span class="soft">${
    since(diedAt, clock)
  }</span></div>
<p class="why">${sentence(reason)}</p>
<p class="note">${target} · queued ${time(entry.time, clock)} · ${formatCount(attempts, "attempt")}</p>
<p class="commands">${
    ["retry", "drop"].map((verb) => markup`${command(stateDir, "queue", verb, id.slice(0, 8))} `)
  }</p></li>`;
}

/** Shows the open incidents. */
export function incidentSection({ incidents }: Overview, clock: Clock): Content {
  if (incidents.total === 0) return undefined;
  return markup`<section class="card" aria-labelledby="incidents">
<div class="head"><h2 id="incidents">Open incidents</h2><span class="badge">${incidents.total}</span></div>
<ul class="rows">${incidents.items.map((incident) => incidentRow(incident, clock))}</ul>${
    more(incidents.total - incidents.items.length, "more incident")
  }</section>`;
}

function incidentRow({ key, sender, title, since: start, count, destinations }: OpenIncident, clock: Clock): Html {
  const shown = destinations.slice(0, MAX_DESTINATIONS), others = destinations.length - shown.length;
  return markup`<li><div class="line"><span class="subject">${foreign(title)}</span> <span class="soft">${
    since(start, clock)
  }</span></div>
<p class="note"><code>${foreign(key)}</code>${sender !== undefined && markup` from ${foreign(sender)}`} · ${
    formatCount(count, "message")
  } to ${shown.map((name, at) => markup`${at > 0 && ", "}${foreign(name)}`)}${
    others > 0 && ` and ${others} more`
  }</p></li>`;
}

/** Shows the mistakes in the configuration. */
export function problemSection({ problems }: Overview): Content {
  if (problems.total === 0) return undefined;
  return markup`<section class="card" aria-labelledby="problems">
<div class="head"><h2 id="problems">Mistakes in the configuration</h2><span class="badge bad">${problems.total}</span></div>
<ul class="rows">${problems.items.map((problem) => markup`<li>${sentence(problem)}</li>`)}</ul>${
    more(problems.total - problems.items.length, "more mistake")
  }<p class="note">Fix them, then reload serve. <code>matrix-notify config check</code> shows hints.</p></section>`;
}

function subject({ notification }: QueuedEntry): Html {
  // Another version of matrix-notify may have stored the notification in an unknown format.
  if (!isNotification(notification)) return markup`<em>not readable</em>`;
  const symbol = severitySymbol(notification);
  return markup`${symbol && `${symbol} `}${foreign(withResolution(notification).subject)}`;
}

/** Shows a reason or a mistake in the configuration as a sentence. */
function sentence(text: string): Html {
  return markup`${foreign(text.replace(/\.$/, ""), MAX_REASON)}.`;
}

function more(count: number, singular: string, plural?: string): Content {
  return count > 0 && markup`<p class="note">${formatCount(count, singular, plural)}</p>`;
}

/** Shows a command of matrix-notify. One click selects all of it. */
function command(stateDir: string, ...words: readonly string[]): Html {
  const place = stateDir === ROOT_STATE_DIR ? [] : ["--state-dir", stateDir];
  return markup`<code class="command">${["matrix-notify", ...words, ...place].map(quoteForShell).join(" ")}</code>`;
}
