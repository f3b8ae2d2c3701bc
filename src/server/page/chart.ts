/**
 * The chart of the last 24 hours: a column for each hour, with deliveries above the line and
 * failures below the line. Therefore deliveries and failures also differ without colours. A table
 * has the same numbers.
 *
 * ```text
 *   █ █       deliveries
 *   █ █ █ █
 *   ───────
 *     ▀       failed attempts and dead letters
 * ```
 *
 * The sizes are attributes of the SVG, because the Content Security Policy forbids inline styles.
 *
 * @module
 */

import { formatCount } from "../../base/count.ts";
import { formatClock, type Zone } from "../../base/time.ts";
import { add, type Counts, HOUR_MS, type HourCounts, NONE } from "../delivery_counters.ts";
import { type Clock, type Html, markup, since } from "./html.ts";

/**
 * The sizes in the drawing: the width of a column, the width of its bar, and the heights above and
 * below the line.
 */
const COLUMN = 10, BAR = 6, UP = 74, DOWN = 26;

/** The smallest height of a bar, so that a single failure is seen beside many deliveries. */
const MIN_BAR = 2.5;

/** What the chart shows. */
export interface ChartInput extends Clock {
  /** The hours, oldest first. */
  readonly hours: readonly HourCounts[];
  /** The time from which the results are counted, in milliseconds since 1970. */
  readonly since: number;
}

/** Adds the results of all hours. */
export function sumHours(hours: readonly HourCounts[]): Counts {
  return hours.reduce<Counts>(add, NONE);
}

/** Formats results: `12 delivered, 1 failed attempt`. */
export function formatCounts({ delivered, failed, dead }: Counts): string {
  return [
    `${delivered} delivered`,
    ...failed > 0 ? [formatCount(failed, "failed attempt")] : [],
    ...dead > 0 ? [formatCount(dead, "dead letter")] : [],
  ].join(", ");
}

/** Draws the chart. */
export function chart(input: ChartInput): Html {
  const { hours, now, zone, since: started } = input;
  const [first] = hours;
  const start = Math.max(started, first.start);
  const busiest = Math.max(...hours.map(({ delivered }) => delivered));
  const legend: readonly (readonly [style: string, name: string])[] = [
    ["bar", "delivered"],
    ["fail", "failed"],
    ...started > first.start ? [["past", "before the start"] as const] : [],
  ];
  return markup`<section class="card" aria-labelledby="chart">
<div class="head"><h2 id="chart">Last 24 hours</h2><p class="legend soft">${
    legend.map(([style, name]) =>
      markup`<span><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${style}" width="10" height="10" rx="2"/></svg>${name}</span>`
    )
  }</p></div>
<figure>${drawing(input)}
<div class="axis soft" aria-hidden="true">${
    [0, 6, 12, 18].map((at) => markup`<span>${hourOf(hours[at].start, zone)}</span>`)
  }<span>now</span></div>
<figcaption class="soft">Counted since ${since(start, { now, zone })}${start === started && ", when serve started"}.${
    busiest > 0 && ` The highest column is ${formatCount(busiest, "delivery", "deliveries")} in an hour.`
  }</figcaption>
</figure>
${table(input)}
</section>`;
}

function drawing({ hours, since: start, zone }: ChartInput): Html {
  const most = Math.max(1, ...hours.map(({ delivered }) => delivered));
  const mostFailures = Math.max(1, ...hours.map(failuresOf));
  const scale = Math.min(UP / most, DOWN / mostFailures);
  const height = (count: number, space: number) =>
    count === 0 ? 0 : round(Math.min(space, Math.max(MIN_BAR, count * scale)));
  const width = hours.length * COLUMN;
  const before = round(width * Math.min(1, Math.max(0, (start - hours[0].start) / (hours.length * HOUR_MS))));
  const label = `Deliveries and failures by hour: ${formatCounts(sumHours(hours))}. The table below has the numbers.`;
  return markup`<svg class="chart" viewBox="0 0 ${width} ${
    UP + DOWN
  }" preserveAspectRatio="none" role="img" aria-label="${label}">${
    before > 0 && markup`<rect class="past" width="${before}" height="${UP + DOWN}"/>`
  }<rect class="base" y="${UP - 0.4}" width="${width}" height="0.8"/>${
    hours.map((hour, at) => {
      const x = at * COLUMN, bar = x + (COLUMN - BAR) / 2;
      const up = height(hour.delivered, UP), down = height(failuresOf(hour), DOWN);
      return markup`<g class="hour"><title>${periodOf(hour, zone)}: ${
        formatCounts(hour)
      }</title><rect class="hit" x="${x}" width="${COLUMN}" height="${UP + DOWN}"/>${
        up > 0 && markup`<rect class="bar" x="${bar}" y="${round(UP - up)}" width="${BAR}" height="${up}"/>`
      }${down > 0 && markup`<rect class="fail" x="${bar}" y="${UP}" width="${BAR}" height="${down}"/>`}</g>`;
    })
  }</svg>`;
}

function failuresOf({ failed, dead }: Counts): number {
  return failed + dead;
}

/** The numbers as text, the newest hour first. Leaves out the hours before `serve` started. */
function table({ hours, since: start, zone }: ChartInput): Html {
  const counted = hours.filter((hour) => hour.start + HOUR_MS > start).toReversed();
  return markup`<details><summary>Show the numbers</summary>
<table><thead><tr><th scope="col">Hour</th><th scope="col">Delivered</th><th scope="col">Failed attempts</th>
<th scope="col">Dead letters</th></tr></thead>
<tbody>${
    counted.map((hour) =>
      markup`<tr><th scope="row">${
        periodOf(hour, zone)
      }</th><td>${hour.delivered}</td><td>${hour.failed}</td><td>${hour.dead}</td></tr>`
    )
  }</tbody></table></details>`;
}

function periodOf({ start }: HourCounts, zone: Zone | undefined): string {
  return `${hourOf(start, zone)}–${hourOf(start + HOUR_MS, zone)}`;
}

function hourOf(start: number, zone: Zone | undefined): string {
  return formatClock(start, zone).slice(0, 5);
}

function round(number: number): number {
  return Math.round(number * 100) / 100;
}
