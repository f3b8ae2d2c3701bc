/**
 * The numbers of `serve` for Prometheus, in its text format (Prometheus documentation, "Exposition
 * formats").
 */

import { VERSION } from "../base/version.ts";
import type { Status } from "../notifier/status.ts";
import { type ChannelTotals, DELAY_BOUNDS, type DeliveryCounters } from "./delivery_counters.ts";

type Labels = Readonly<Record<string, string>>;

/** A metric: its name, type and help, and its values by label. */
interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  /** The values. In a histogram, the `suffix` shows the kind of each value. */
  readonly values: readonly (readonly [labels: Labels, value: number, suffix?: "_bucket" | "_sum" | "_count"])[];
}

/** Counts the requests since the start of the receiver. */
export class HttpCounters {
  readonly #requests = new Map<string, { readonly protocol: string; readonly code: string; count: number }>();
  readonly #notifications = new Map<string, number>();

  /** Counts a request by its protocol and the status of its answer. */
  countRequest(protocol: string, status: number): void {
    const code = String(status), key = `${protocol} ${code}`;
    const counter = this.#requests.get(key) ?? { protocol, code, count: 0 };
    counter.count++;
    this.#requests.set(key, counter);
  }

  /** Counts notifications that are on disk. */
  countNotifications(protocol: string, count: number): void {
    this.#notifications.set(protocol, (this.#notifications.get(protocol) ?? 0) + count);
  }

  /** Returns these counters as metrics. */
  metrics(): readonly Metric[] {
    const requests = [...this.#requests.values()].map(({ protocol, code, count }) =>
      [{ protocol, code }, count] as const
    );
    const notifications = [...this.#notifications].map(([protocol, count]) => [{ protocol }, count] as const);
    return [
      counter(
        "http_requests_total",
        "Requests that could carry a notification, by protocol and status code.",
        requests,
      ),
      counter("http_notifications_total", "Notifications that HTTP requests brought to the queue.", notifications),
    ];
  }
}

/** Formats the numbers of the queue, the deliveries and the HTTP receiver. */
export function formatMetrics(status: Status, deliveries: DeliveryCounters, http: HttpCounters): string {
  return [...queueMetrics(status), ...deliveryMetrics(deliveries), ...http.metrics()].map(formatMetric).join("\n");
}

function queueMetrics(status: Status): readonly Metric[] {
  const { queued, deferred, held, dead, fallbacks, lastDelivery } = status;
  const states = Object.entries({ queued, deferred, held, dead, fallback: fallbacks });
  return [
    gauge("build_info", "The version of matrix-notify.", [[{ version: VERSION }, 1]]),
    gauge("queue_entries", "Entries in the queue, by state.", states.map(([state, count]) => [{ state }, count])),
    gauge("queue_oldest_age_seconds", "Age of the oldest entry that waits.", [[{}, status.oldestSeconds]]),
    gauge("queue_bytes", "Size of the journal.", [[{}, status.bytes]]),
    gauge("queue_max_bytes", "Maximum size of the journal.", [[{}, status.maxBytes]]),
    gauge("attachments_bytes", "Size of the attachments in the queue.", [[{}, status.fileBytes]]),
    gauge("spooled_entries", "Entries in spool/, not in the journal yet.", [[{}, status.spooled]]),
    gauge("quarantined_lines", "Damaged journal lines in quarantine/.", [[{}, status.quarantined]]),
    counter("possible_duplicates_total", "Attempts that may have delivered twice.", [[{}, status.possibleDuplicates]]),
    gauge(
      "last_delivery_timestamp_seconds",
      "Time of the last delivery; 0 before the first one.",
      [[{}, (lastDelivery ?? 0) / 1000]],
    ),
  ];
}

/** Returns the metrics of the deliveries of each channel since `serve` started. */
function deliveryMetrics({ since, totals }: DeliveryCounters): readonly Metric[] {
  const channels = [...totals];
  return [
    gauge("start_time_seconds", "Time when serve started, from which it counts.", [[{}, since / 1000]]),
    counter(
      "deliveries_total",
      "Notifications that a channel delivered.",
      channels.map(([channel, { delivered }]) => [{ channel }, delivered]),
    ),
    counter(
      "failed_attempts_total",
      "Attempts that failed and are repeated, by failure class.",
      channels.flatMap(([channel, { failed }]) =>
        [...failed].map(([failureClass, count]) => [{ channel, class: failureClass }, count] as const)
      ),
    ),
    counter(
      "dead_letters_total",
      "Notifications that became dead letters.",
      channels.map(([channel, { dead }]) => [{ channel }, dead]),
    ),
    {
      name: "delivery_delay_seconds",
      type: "histogram",
      help: "Time from the queueing of a notification to its delivery.",
      values: channels.flatMap(([channel, { delivered, delay }]) => histogram({ channel }, delivered, delay)),
    },
  ];
}

function histogram(labels: Labels, count: number, { buckets, sumSeconds }: ChannelTotals["delay"]): Metric["values"] {
  let total = 0;
  return [
    ...DELAY_BOUNDS.map((bound, at) => [{ ...labels, le: String(bound) }, total += buckets[at], "_bucket"] as const),
    [{ ...labels, le: "+Inf" }, count, "_bucket"],
    [labels, sumSeconds, "_sum"],
    [labels, count, "_count"],
  ];
}

function gauge(name: string, help: string, values: Metric["values"]): Metric {
  return { name, type: "gauge", help, values };
}

function counter(name: string, help: string, values: Metric["values"]): Metric {
  return { name, type: "counter", help, values };
}

function formatMetric({ name, type, help, values }: Metric): string {
  const full = `matrix_notify_${name}`;
  return [
    `# HELP ${full} ${help}`,
    `# TYPE ${full} ${type}`,
    ...values.map(([labels, value, suffix = ""]) => `${full}${suffix}${formatLabels(labels)} ${value}`),
  ].join("\n");
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

/** The format knows only these three escapes. */
function escapeLabel(value: string): string {
  return value.toWellFormed().replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
