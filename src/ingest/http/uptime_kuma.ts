/**
 * The webhook of Uptime Kuma, as JSON, as a form, or as a query (uptime-kuma,
 * `server/notification-providers/webhook.js`). If a monitor is down, an incident is opened. If the
 * monitor is up again, the incident ends.
 *
 * @module
 */

import type { NotificationInput } from "../../notification/notification.ts";
import { type Body, readBody } from "./body.ts";
import { readNotification } from "./notify.ts";
import { idempotencyKey, type IncomingRequest, type Protocol, refuseAsJson, textAnswer } from "./request.ts";
import { entriesOf, joinParts, parseJson, propertyOf, showFields, textAt, textOf } from "./values.ts";

/** The fields of the webhook. */
interface Kuma {
  readonly heartbeat: unknown;
  readonly monitor: unknown;
  readonly text: string;
  /** The fields that Uptime Kuma does not define. */
  readonly others: readonly (readonly [string, unknown])[];
}

/** The fields of a heartbeat that have a place in the notification, or repeat another field. */
const HEARTBEAT_NAMES: ReadonlySet<string> = new Set([
  ...["monitorID", "status", "time", "msg", "ping", "important", "duration", "retries", "response"],
  ...["timezone", "timezoneOffset", "localDateTime", "lastDownTime"],
]);

/** The protocol of Uptime Kuma. */
export const UPTIME_KUMA: Protocol = {
  name: "uptime-kuma",
  read(request) {
    const body = readBody(request, (name) => name === "data"), kuma = readKuma(request, body);
    const notification = kuma === undefined
      ? readNotification(request, body)
      : { input: toInput(kuma), id: idempotencyKey(request) ?? idOf(kuma) };
    return { notifications: [notification], answer: () => textAnswer(200, "ok") };
  },
  refuse: refuseAsJson,
};

/** Returns undefined if the request does not have the fields of Uptime Kuma. */
function readKuma(request: IncomingRequest, { fields }: Body): Kuma | undefined {
  const data = parseJson(textOf(fields?.get("data")));
  const all = typeof data === "object" && data !== null ? new Map(Object.entries(data)) : fields;
  const read = (name: string) => all?.get(name) ?? parseJson(request.query.get(name) ?? "");
  const text = textOf(all?.get("msg") ?? request.query.get("msg"));
  if (text === "") return undefined;
  const heartbeat = read("heartbeat");
  const others = [
    ...[...entriesOf(heartbeat)].filter(([name]) => !HEARTBEAT_NAMES.has(name)),
    ...[...all ?? []].filter(([name]) => !["heartbeat", "monitor", "msg", "data"].includes(name)),
  ];
  return { heartbeat, monitor: read("monitor"), text, others };
}

function toInput({ heartbeat, monitor, text, others }: Kuma): NotificationInput {
  const status = textAt(heartbeat, "status"), id = textAt(heartbeat, "monitorID") || textAt(monitor, "id");
  const name = textAt(monitor, "name"), address = textAt(monitor, "url");
  const link = /^https?:\/\/[^/]/.test(address) ? address : "";
  const [first, ...rest] = text.split("\n");
  const host = [textAt(monitor, "hostname"), textAt(monitor, "port")].filter((part) => part !== "" && part !== "0");
  return {
    subject: first,
    message: joinParts(
      rest.join("\n"),
      showFields([
        ["Description", textAt(monitor, "description")],
        ["Group", textAt(monitor, "pathName") === name ? "" : textAt(monitor, "pathName")],
        ["Type", textAt(monitor, "type")],
        ["Host", host.join(":")],
        ["Ping", withUnit(textAt(heartbeat, "ping"), "ms")],
        ["Time", textAt(heartbeat, "localDateTime") || textAt(heartbeat, "time")],
        ["Time zone", textAt(heartbeat, "timezone")],
        ["Down since", textAt(heartbeat, "lastDownTime")],
        ["Retries", textAt(heartbeat, "retries").replace(/^0$/, "")],
        ["Tags", showTags(propertyOf(monitor, "tags"))],
        ["Response", textAt(heartbeat, "response")],
        ...others,
      ]),
    ),
    severity: status === "0" ? "error" : status === "2" ? "warning" : "info",
    ...name === "" ? {} : { origin: name },
    ...link === "" ? {} : { link },
    ...id === "" || !/^[01]$/.test(status) ? {} : { key: `uptime-kuma/${id}`, resolves: status === "1" },
  };
}

function withUnit(value: string, unit: string): string {
  return value === "" ? "" : `${value} ${unit}`;
}

/** Returns the tags with their values: `site: home, router`. */
function showTags(tags: unknown): string {
  if (!Array.isArray(tags)) return "";
  return tags.map((tag) => [textAt(tag, "name"), textAt(tag, "value")].filter((part) => part !== "").join(": "))
    .filter((tag) => tag !== "").join(", ");
}

/**
 * Returns the idempotency key. A repeated notification has the same monitor, time and status.
 * Returns undefined if one of these values is missing.
 */
function idOf({ heartbeat }: Kuma): string | undefined {
  const parts = ["monitorID", "time", "status"].map((name) => textAt(heartbeat, name));
  return parts.includes("") ? undefined : `uptime-kuma/${parts.join("/")}`;
}
