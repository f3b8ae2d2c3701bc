/**
 * The webhooks of Alertmanager (version 4) and Grafana. Each alert of a group is one notification.
 * The fingerprint of the alert is the key of an incident. The resolved alert ends the incident.
 *
 * Sources: Alertmanager documentation, "webhook_config"; alertmanager, `template/template.go`;
 * grafana/alerting, `receivers/webhook/v1/webhook.go` and `templates/template_data.go`.
 *
 * @module
 */

import { crc32 } from "../../base/crc32.ts";
import type { AttachmentInput, NotificationInput } from "../../notification/notification.ts";
import { readBody } from "./body.ts";
import { readNotification } from "./notify.ts";
import {
  idempotencyKey,
  type IncomingNotification,
  type Protocol,
  refuseAsJson,
  type RequestContext,
  textAnswer,
} from "./request.ts";
import { entriesOf, joinParts, listOf, propertyOf, severityOf, showFields, textAt, textOf } from "./values.ts";

/** The protocol of Alertmanager and of Grafana. */
export const ALERTMANAGER: Protocol = {
  name: "alertmanager",
  read(request, context) {
    const body = readBody(request, () => false), { json } = body;
    const all = listOf(propertyOf(json, "alerts")).filter((alert) => typeof alert === "object" && alert !== null);
    const alerts = all.slice(0, MAX_ALERTS);
    const id = idempotencyKey(request);
    const notifications = alerts.length === 0 ? [readNotification(request, body)] : alerts.map((alert, at) => {
      const others = at === 0 ? [...entriesOf(json)].filter(([name]) => !GROUP_NAMES.has(name)) : [];
      return toNotification(alert, json, { ...context, id: id && `${id}/${at}`, others });
    });
    return {
      notifications: [
        ...notifications,
        ...alerts.length === 0 ? [] : truncationOf(json),
        ...all.length > MAX_ALERTS ? [{ input: restOf(all.slice(MAX_ALERTS)) }] : [],
      ],
      answer: () => textAnswer(200, "ok"),
    };
  },
  refuse: refuseAsJson,
};

/**
 * The maximum number of alerts with their own notification. All further alerts are in one
 * notification.
 */
const MAX_ALERTS = 200;

function restOf(alerts: readonly unknown[]): NotificationInput {
  const message = alerts.map((alert) => JSON.stringify(alert)).join("\n");
  return { subject: `${alerts.length} more alerts`, message, format: "code", severity: "warning" };
}

/** The fields of an alert that have a special place in the notification, or are not shown. */
const ALERT_NAMES: ReadonlySet<string> = new Set([
  ...["status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"],
  ...[
    "silenceURL",
    "dashboardURL",
    "panelURL",
    "ruleUID",
    "values",
    "valueString",
    "imageURL",
    "embeddedImage",
    "orgId",
  ],
]);

/**
 * The known fields of a group. The notification of the first alert also shows every other field of
 * the group.
 */
const GROUP_NAMES: ReadonlySet<string> = new Set([
  ...["receiver", "status", "alerts", "groupLabels", "commonLabels", "commonAnnotations", "externalURL", "version"],
  ...["groupKey", "truncatedAlerts", "routeLabels", "notification_reason"],
  ...["orgId", "title", "message", "state", "appVersion"],
]);

/** The annotations and labels that have a special place in the notification. */
const SHOWN_ANNOTATIONS: ReadonlySet<string> = new Set(["summary", "description", "message", "runbook_url"]);
const SHOWN_LABELS: ReadonlySet<string> = new Set(["alertname", "severity"]);

function toNotification(
  alert: unknown,
  group: unknown,
  { now, id, others }: RequestContext & {
    readonly id: string | undefined;
    readonly others: readonly (readonly [string, unknown])[];
  },
): IncomingNotification {
  const labels = entriesOf(propertyOf(alert, "labels")), annotations = entriesOf(propertyOf(alert, "annotations"));
  const label = (name: string) => textOf(labels.get(name)).trim();
  const annotation = (name: string) => textOf(annotations.get(name)).trim();
  const name = label("alertname"), summary = annotation("summary");
  const key = textAt(alert, "fingerprint");
  const isResolved = textAt(alert, "status").toLowerCase() === "resolved";
  const severity = severityOf(label("severity")) ?? (isResolved ? "info" : "warning");
  const links = ["panelURL", "dashboardURL", "generatorURL"].map((field) => textAt(alert, field)).filter((url) =>
    url !== "" && url !== "?orgId=1"
  );
  const runbook = annotation("runbook_url");
  const values = textAt(alert, "valueString") || showValues(propertyOf(alert, "values"));
  const input: NotificationInput = {
    subject: summary || name || textAt(group, "title") || "Alert",
    message: joinParts(
      annotation("description"),
      annotation("message"),
      showFields([
        ["Alert", summary === "" ? "" : name],
        ["Since", timeOf(alert, "startsAt")],
        ["Until", isResolved ? timeOf(alert, "endsAt") : ""],
        ["Values", values],
        ...[...labels].filter(([name]) => !SHOWN_LABELS.has(name)),
        ...[...annotations].filter(([name]) => !SHOWN_ANNOTATIONS.has(name) && !name.startsWith("__")),
        ...Object.entries(alert as object).filter(([name]) => !ALERT_NAMES.has(name)),
        ...others,
        ["Severity", severityOf(label("severity")) === undefined ? label("severity") : ""],
        ["Runbook", runbook],
        ["Silence", textAt(alert, "silenceURL")],
        ["Image", textAt(alert, "imageURL")],
        ...links.slice(1).map((link) => ["Source", link] as const),
      ]),
    ),
    severity,
    origin: textAt(group, "receiver") || "alertmanager",
    ...key === "" ? {} : { key },
    ...isResolved && key !== "" ? { resolves: true } : {},
    ...links.length === 0 ? {} : { link: links[0] },
    ...readImage(textAt(alert, "embeddedImage")),
  };
  return { input, id: id ?? idOf(alert, now) };
}

/**
 * The length of a period, in milliseconds. Copies of an unchanged alert in the same period become
 * one notification.
 */
const SAME_ALERT_MS = 3_600_000;

/**
 * Creates the idempotency key of an alert. Alertmanager sends a whole group again after a lost
 * answer, and after each change of an alert in the group. Copies of an unchanged alert within the
 * same hour have the same key, so they become one notification.
 */
function idOf(alert: unknown, now: number): string {
  const content = ["status", "startsAt", "labels", "annotations"].map((name) => textOf(propertyOf(alert, name)));
  const bytes = new TextEncoder().encode(content.join("\n"));
  const hour = Math.floor(now / SAME_ALERT_MS);
  return `alert-${textAt(alert, "fingerprint")}-${textAt(alert, "status")}-${crc32(bytes)}-${bytes.length}-${hour}`;
}

/** Tells how many alerts of the group are missing, because of the sender's setting `max_alerts`. */
function truncationOf(group: unknown): readonly IncomingNotification[] {
  const count = Number(textAt(group, "truncatedAlerts"));
  if (!(count > 0)) return [];
  const origin = textAt(group, "receiver") || "alertmanager";
  const subject = `${count} more alerts were left out by the sender`;
  const link = textAt(group, "externalURL");
  const message = showFields(entriesOf(propertyOf(group, "groupLabels")));
  return [{ input: { subject, message, origin, severity: "warning", ...link === "" ? {} : { link } } }];
}

function showValues(values: unknown): string {
  return [...entriesOf(values)].map(([name, value]) => `${name}=${textOf(value)}`).join(", ");
}

/**
 * Returns a time of an alert; empty if the time is missing or not set. Go writes a time that is not
 * set as a time in year 1.
 */
function timeOf(alert: unknown, name: string): string {
  const time = textAt(alert, name);
  return time.startsWith("0001-01-01") ? "" : time;
}

/** Reads an image: a data URL, or base64. */
function readImage(image: string): { readonly attachments?: readonly AttachmentInput[] } {
  if (image === "") return {};
  try {
    const bytes = Uint8Array.fromBase64(image.replace(/^data:[^,]{0,200},/, ""));
    return { attachments: [{ name: "graph.png", bytes }] };
  } catch {
    return {};
  }
}
