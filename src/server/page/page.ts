/**
 * The status page: a read-only view of the queue for browsers. It is complete HTML without scripts
 * and without requests to other addresses. `serve` loads this module at the first request for the
 * page.
 *
 * The time to create the page does not depend on the length of the queue; see
 * `notifier/overview.ts`.
 *
 * @module
 */

import { formatBytes, formatCount } from "../../base/count.ts";
import type { Zone } from "../../base/time.ts";
import { VERSION } from "../../base/version.ts";
import type { Overview } from "../../notifier/overview.ts";
import type { DeliveryCounters } from "../delivery_counters.ts";
import { chart, sumHours } from "./chart.ts";
import { type Clock, type Content, duration, foreign, Html, markup, since, time } from "./html.ts";
import { deadSection, incidentSection, problemSection, queueSection } from "./queue.ts";
import { STYLE } from "./style.ts";

/** What the page shows. */
export interface PageInput {
  readonly overview: Overview;
  readonly deliveries: DeliveryCounters;
  /** True if the browser loads the page again after a minute. */
  readonly refreshes: boolean;
  /** @default the time zone of this host */
  readonly zone?: Zone;
}

/** A page as an answer. */
export interface Page {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The query that asks for a page that refreshes itself. */
export const REFRESH_QUERY = "refresh";

const REFRESH_SECONDS = 60;

/** Builds the page and its headers. */
export async function renderPage(input: PageInput): Promise<Page> {
  return {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": await contentSecurityPolicy(),
      "X-Content-Type-Options": "nosniff",
      "X-Frame-Options": "DENY",
      "Referrer-Policy": "no-referrer",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Cache-Control": "no-store",
      // A page that reloads by itself disturbs screen readers. So reloading is off until the reader
      // turns it on.
      ...input.refreshes ? { Refresh: String(REFRESH_SECONDS) } : {},
    },
    body: wholePage(input).text,
  };
}

/** Allows the style sheet and the icon of the page, and nothing else. */
async function contentSecurityPolicy(): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(STYLE))).toBase64();
  return [
    "default-src 'none'",
    `style-src 'sha256-${hash}'`,
    "img-src data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

type Tone = "good" | "wait" | "bad";

/** What matters most now. */
interface Headline {
  readonly tone: Tone;
  readonly text: string;
}

function wholePage({ overview, deliveries, refreshes, zone }: PageInput): Html {
  const { identity, now } = overview, clock = { now, zone };
  const headline = findHeadline(overview);
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${headline.text} – matrix-notify on ${identity}</title>
<link rel="icon" href="${icon(headline.tone)}">
<style>${new Html(STYLE)}</style>
</head>
<body>
<div class="page">
<header>
<p class="brand">matrix-notify <span class="soft">on ${foreign(identity)}</span></p>
<nav class="soft" aria-label="Page"><span>${time(now, clock)}</span>${
    refreshes
      ? markup`<span>Refreshes every minute</span><a href="?">Stop</a>`
      : markup`<a href="?">Refresh</a><a href="?${REFRESH_QUERY}">Every minute</a>`
  }</nav>
</header>
<main>
${summary(headline, overview, clock)}
${figures(overview, deliveries)}
${problemSection(overview)}
${deadSection(overview, clock)}
${queueSection(overview, deliveries, clock)}
${chart({ ...clock, hours: deliveries.hours(), since: deliveries.since })}
${incidentSection(overview, clock)}
${storageSection(overview)}
</main>
<footer class="soft">matrix-notify ${VERSION}. This page changes nothing.</footer>
</div>
</body>
</html>`;
}

function findHeadline({ status, dead, problems }: Overview): Headline {
  const { held, queued, deferred, lastDelivery } = status;
  const faults = [
    ...problems.total > 0 ? [`${formatCount(problems.total, "mistake")} in the configuration`] : [],
    ...held > 0 ? [`${formatCount(held, "notification")} held`] : [],
    ...dead.total > 0 ? [formatCount(dead.total, "dead letter")] : [],
  ];
  if (faults.length > 0) return { tone: "bad", text: faults.join(", ") };
  const waiting = queued + deferred;
  if (waiting > 0) return { tone: "wait", text: `${formatCount(waiting, "notification")} waiting` };
  return { tone: "good", text: lastDelivery === undefined ? "Nothing is waiting" : "Everything is delivered" };
}

function summary({ tone, text }: Headline, { status }: Overview, clock: Clock): Html {
  const { oldestSeconds, lastDelivery } = status;
  return markup`<div class="summary">${sign(tone)}<div><h1>${text}</h1><p>${
    oldestSeconds > 0 && `The oldest notification has waited for ${duration(oldestSeconds * 1000)}. `
  }${
    lastDelivery === undefined ? "No delivery yet." : markup`Last delivery: ${since(lastDelivery, clock)}.`
  }</p></div></div>`;
}

/** The shapes of the signs. Each sign has its own shape, so signs also differ without colours. */
const SHAPES: Readonly<Record<Tone, string>> = {
  good: "M7.5 12.5l3 3 6-6.5",
  wait: "M12 7v5.2l3.2 1.9",
  bad: "M12 7v6M12 16.8v.1",
};

function sign(tone: Tone): Html {
  return markup`<svg class="sign ${tone}" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/><path d="${
    SHAPES[tone]
  }"/></svg>`;
}

const ICON_COLORS: Readonly<Record<Tone, string>> = { good: "#2f9e6e", wait: "#c98a1b", bad: "#cf5046" };

/** Returns the address of the icon in the tab, with the colour of the state. */
function icon(tone: Tone): string {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="${
    ICON_COLORS[tone]
  }"/><path d="${SHAPES[tone]}" fill="none" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

function figures({ status: { queued, deferred, held }, dead }: Overview, deliveries: DeliveryCounters): Html {
  const { delivered, failed } = sumHours(deliveries.hours());
  const shown: readonly (readonly [name: string, count: number, style: string])[] = [
    ["waiting", queued + deferred + held, held > 0 ? "bad" : "wait"],
    ["dead letters", dead.total, "bad"],
    ["delivered, 24 h", delivered, ""],
    ["failed, 24 h", failed, "wait"],
  ];
  return markup`<dl class="figures">${
    shown.map(([name, count, style]) =>
      markup`<div><dt>${name}</dt><dd class="${count === 0 ? "zero" : style}">${count}</dd></div>`
    )
  }</dl>`;
}

/** Shows where the queue is, and what is unusual about it. */
function storageSection({ status, stateDir }: Overview): Html {
  const { bytes, maxBytes, fileBytes, spooled, quarantined, possibleDuplicates, fallbacks } = status;
  const facts: readonly (readonly [name: string, value: Content])[] = [
    ["Directory", markup`<code>${foreign(stateDir)}</code>`],
    ["Journal", `${formatBytes(bytes)} of ${formatBytes(maxBytes)}`],
    ...fileBytes > 0 ? [["Attachments", formatBytes(fileBytes)] as const] : [],
    ...fallbacks > 0 ? [["Fallbacks", `${fallbacks}, sent only if another channel is late`] as const] : [],
    ...spooled > 0 ? [["Spool", `${formatCount(spooled, "entry", "entries")}, not in the journal yet`] as const] : [],
    ...quarantined > 0 ? [["Quarantine", formatCount(quarantined, "damaged line")] as const] : [],
    ...possibleDuplicates > 0 ? [["Possible duplicates", String(possibleDuplicates)] as const] : [],
  ];
  return markup`<section class="card" aria-labelledby="storage"><h2 id="storage">Storage</h2>
<dl class="facts">${facts.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<p class="note">Run the commands on this page as the owner of the directory.</p></section>`;
}
