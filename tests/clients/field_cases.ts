/**
 * Every field that a protocol publishes, as a value to send and as the text that the room must show
 * for it. The names come from the published sources.
 *
 * @module
 */

import type { Place } from "./field_tables.ts";

/** A request to `serve`. */
export interface FieldRequest {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BodyInit;
}

/** What to send for a place: the value, and the text in the room. @default the value as text */
export type FieldCase = readonly [value: unknown, seen?: string];

/** A protocol with its fields. */
export interface FieldProtocol {
  /** The heading of the section, and the title of the first column of the table. */
  readonly table: readonly [heading: string, column: string];
  /** The names of all fields in the published sources. */
  readonly published: readonly string[];
  /** The fields that have no row of their own, by the row that means them. */
  readonly meant?: Readonly<Record<string, readonly string[]>>;
  /** The values that are not a plain text. */
  readonly cases: Readonly<Record<string, Partial<Record<Place, FieldCase>>>>;
  /**
   * Creates the requests that send one value: one request for each form of the protocol. Each
   * message shows the tag.
   *
   * @param value undefined for a request without the field
   */
  create(field: { readonly name: string; readonly place: Place; readonly value: unknown }, tag: string): FieldRequest[];
}

const BOLD: FieldCase = ["markdown", "bold"];
const YES: FieldCase = ["true", ""];

/** Returns an object with one value at a dotted path: `alerts.0.labels.site`. */
function at(path: readonly string[], value: unknown): Readonly<Record<string, unknown>> {
  const [first, ...rest] = path;
  return { [first]: rest.length === 0 ? value : at(rest, value) };
}

/** Merges objects; later values win. */
function merge(first: unknown, second: unknown): unknown {
  if (!isObject(first) || !isObject(second)) return second === undefined ? first : second;
  const names = new Set([...Object.keys(first), ...Object.keys(second)]);
  return Object.fromEntries([...names].map((name) => [name, merge(first[name], second[name])]));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function json(path: string, value: unknown): FieldRequest {
  return { path, body: JSON.stringify(value) };
}

function form(path: string, fields: Readonly<Record<string, string | File>>): FieldRequest {
  const body = new FormData();
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  return { path, body };
}

/**
 * The form of `/notify`: our own names, those of Apprise (`custom_json.py`), and those of RouterOS.
 */
const NOTIFY: FieldProtocol = {
  table: ["### Our own format", "field"],
  published: [
    ...["version", "title", "message", "attachments", "type"],
    ...["subject", "messagetype", "Attachment"],
    ...["remove-attach", "chatid", "threadid", "replyto"],
  ],
  cases: {
    ...Object.fromEntries(
      ["severity", "priority", "level", "type", "messagetype"].map((
        name,
      ) => [name, { severity: ["failure", "error"] }]),
    ),
    ...Object.fromEntries(
      ["resolves", "resolve", "resolved"].map((name) => [name, { "end of the incident": ["true"] }]),
    ),
    ...Object.fromEntries(
      ["status", "state"].map((name) => [name, { "end of the incident": ["recovered"], "shown": ["degraded"] }]),
    ),
    silent: { silent: YES },
    format: { format: BOLD },
    markdown: { format: YES },
    mentions: { mentions: ["@ann:loopback.test"] },
    mention: { mentions: ["@ann:loopback.test"] },
    ttl: { expiry: ["86399"] },
    "files of a multipart form": { attachment: [new File(["x"], "form.txt"), "form.txt"] },
    attachments: { attachment: [[{ filename: "json.txt", base64: "eA==" }], "json.txt"] },
    Attachment: { attachment: ["eA==", "xml.txt"] },
  },
  create({ name, place, value }, tag) {
    const base = {
      ...place === "subject" ? {} : { subject: "S" },
      ...place === "message" ? {} : { message: "**bold**" },
      ...place === "end of the incident" ? { key: tag } : {},
      ...name === "version" ? { type: "info" } : {},
      case: tag,
    };
    if (name === "Attachment") {
      const xml = `<N><Message>m</Message><case>${tag}</case><Attachment filename="xml.txt">${value}</Attachment></N>`;
      return [{ path: "/notify", body: xml }];
    }
    if (value instanceof File) return [form("/notify", { ...base, file: value })];
    const fields = value === undefined ? base : { ...base, [name]: value };
    if (typeof value !== "string") return [json("/notify", fields)];
    return [json("/notify", fields), form("/notify", fields), {
      path: "/notify",
      body: new URLSearchParams(fields),
    }, { path: `/notify?${new URLSearchParams(fields)}`, body: "" }];
  },
};

/**
 * The parameters of ntfy (`docs/publish.md`, "List of all parameters"; `server/server.go`,
 * `parsePublishParams`).
 */
const NTFY: FieldProtocol = {
  table: ["### ntfy", "parameter"],
  published: [
    ...["topic", "message", "m", "title", "t", "priority", "prio", "p", "tags", "tag", "ta", "delay", "at", "in"],
    ...["actions", "action", "click", "attach", "a", "markdown", "md", "icon", "filename", "file", "f"],
    ...["email", "e-mail", "mail", "e", "call", "cache", "firebase", "unifiedpush", "up", "poll-id"],
    ...["template", "tpl", "sequence-id", "sid"],
  ],
  cases: {
    ...Object.fromEntries(
      ["priority", "prio", "p"].map((name) => [name, { severity: ["urgent", "critical"], silent: ["1", ""] }]),
    ),
    ...Object.fromEntries(["tags", "tag", "ta"].map((name) => [name, { subject: ["warning", "⚠️"], shown: ["site"] }])),
    ...Object.fromEntries(
      ["actions", "action"].map((
        name,
      ) => [name, { shown: ["view, Open, https://a.example/", "→ Open: https://a.example/"] }]),
    ),
    markdown: { format: YES },
    md: { format: YES },
    "type text/markdown": { format: ["text/markdown"] },
    ...Object.fromEntries(["template", "tpl"].map((name) => [name, { message: ["yes", "filled"], note: ["github"] }])),
    ...Object.fromEntries(["cache", "firebase"].map((name) => [name, { "left out": ["false", "false"] }])),
  },
  create({ name, place, value }, tag) {
    const text = String(value ?? ""), isFile = place === "attachment", isTemplate = ["template", "tpl"].includes(name);
    if (name === "topic") {
      return [{ path: `/${text}`, body: tag }, json("/", { topic: text, message: tag })];
    }
    if (name === "body") return [{ path: "/alerts", headers: { Title: tag }, body: text }];
    const title = name === "title" || name === "t" ? undefined : tag;
    const isText = ["message", "m"].includes(name);
    const body = isText ? "" : isTemplate ? '{"word": "filled"}' : title === undefined ? tag : "**bold**";
    const base = { ...title === undefined ? {} : { title }, ...isTemplate ? { message: "{{.word}}" } : {} };
    if (name === "type text/markdown") return [{ path: "/alerts", headers: { ...base, "Content-Type": text }, body }];
    const query = new URLSearchParams({ ...base, [name]: text });
    const all: FieldRequest[] = [
      { path: "/alerts", headers: { ...base, [name]: text }, body },
      { path: "/alerts", headers: { ...base, [`X-${name}`]: text }, body },
      { path: `/alerts?${query}`, body },
    ];
    // `publishMessage` of `server/types.go` has the long names only, and no files.
    const isInJson = Object.hasOwn(JSON_VALUES, name) && !isFile;
    const inJson = { topic: "alerts", ...base, message: body || text, [JSON_VALUES[name] ?? name]: toJson(name, text) };
    return isInJson ? [...all, json("/", inJson)] : all;
  },
};

/** The parameters of ntfy that can be in JSON, with their names there. */
const JSON_VALUES: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ["title", "message", "priority", "tags", "click", "icon", "actions", "attach", "markdown", "email", "call", "cache"]
      .map((name) => [name, name]),
  ),
  firebase: "firebase",
  delay: "delay",
  "sequence-id": "sequence_id",
};

function toJson(name: string, text: string): unknown {
  if (name === "priority") return text === "urgent" ? 5 : Number(text);
  if (name === "tags") return [text];
  if (name === "markdown") return true;
  return name === "actions" ? [{ action: "view", label: "Open", url: "https://a.example/" }] : text;
}

/** The fields of Gotify (gotify/server, `model/message.go`; documentation, "Message Extras"). */
const GOTIFY: FieldProtocol = {
  table: ["### Gotify", "field"],
  published: [
    ...["id", "appid", "message", "title", "priority", "date", "extras.client::display.contentType"],
    ...["extras.client::notification.click.url", "extras.client::notification.bigImageUrl"],
    "extras.android::action.onReceive.intentUrl",
  ],
  cases: {
    priority: { severity: [9, "error"], silent: [2, ""] },
    "extras.client::display.contentType": { format: ["text/markdown"] },
  },
  create({ name, place, value }, tag) {
    const isOther = ["other extras", "other fields"].includes(name);
    const path = isOther ? [...name === "other extras" ? ["extras"] : [], "home::site"] : name.split(".");
    const base = { title: tag, message: "**bold**", ...place === "subject" || place === "message" ? { tag } : {} };
    const requests = [json("/message", merge(base, at(path, value)))];
    if (!["title", "message", "priority"].includes(name)) return requests;
    const fields = { ...base, [name]: String(value) };
    return [...requests, form("/message", fields), { path: `/message?${new URLSearchParams(fields)}`, body: "" }];
  },
};

/**
 * The fields of Alertmanager (`template/template.go`, `notify/webhook/webhook.go`) and of Grafana
 * (grafana/alerting, `templates/template_data.go`, `receivers/webhook/v1/webhook.go`).
 */
const ALERTS: FieldProtocol = {
  table: ["### Alertmanager and Grafana", "field"],
  published: [
    ...["version", "groupKey", "truncatedAlerts", "receiver", "status", "notification_reason", "groupLabels"],
    ...["commonLabels", "commonAnnotations", "routeLabels", "externalURL", "appVersion", "orgId", "title", "state"],
    "message",
    ...["status", "startsAt", "endsAt", "generatorURL", "fingerprint", "silenceURL", "dashboardURL", "panelURL"]
      .map((name) => `alerts.${name}`),
    ...["ruleUID", "values", "valueString", "imageURL", "embeddedImage", "orgId", "enrichments"]
      .map((name) => `alerts.${name}`),
  ],
  cases: {
    "alerts.status": { "end of the incident": ["resolved"] },
    "alerts.labels.severity": { severity: ["critical"] },
    "alerts.values": { shown: [{ A: 95.5 }, "A=95.5"] },
    "alerts.embeddedImage": { attachment: ["data:image/png;base64,iVBORw0KGgo=", "graph.png"] },
    "alerts.enrichments": { shown: [{ note: "enriched" }, "enriched"] },
    truncatedAlerts: { shown: [5, "5 more alerts were left out by the sender"] },
    ...Object.fromEntries(["version", "orgId", "alerts.orgId"].map((name) => [name, { "left out": [987654] }])),
    ...Object.fromEntries(
      ["groupLabels", "commonLabels", "commonAnnotations", "routeLabels"].map((name) => [name, {
        "left out": [{ site: "left-out-label" }, "left-out-label"],
      }]),
    ),
  },
  create({ name, place, value }, tag) {
    const isOther = ["other labels", "annotations", "every other field"].includes(name);
    const others = {
      "other labels": "labels.site",
      "annotations": "annotations.dashboard",
      "every other field": "own",
    };
    const [first, ...rest] = (isOther ? `alerts.${others[name as keyof typeof others]}` : name).split(".");
    const isAlert = first === "alerts";
    const alert = merge({
      status: name === "alerts.endsAt" ? "resolved" : "firing",
      labels: { alertname: tag },
      annotations: name === "alerts.labels.alertname" && place === "shown" ? { summary: "S" } : {},
      fingerprint: tag,
    }, isAlert && value !== undefined ? at(rest, value) : {});
    // The title of the alert is its name, unless the name itself is sent.
    const shown = name === "alerts.labels.alertname" ? { annotations: { case: tag } } : {};
    const group = merge({
      ...{ version: "4", status: "firing", receiver: "ops", groupKey: "{}", alerts: [merge(alert, shown)] },
      ...name === "truncatedAlerts" ? { groupLabels: { case: tag } } : {},
    }, isAlert || value === undefined ? {} : at([first, ...rest], value));
    return [json("/alertmanager", group), json("/grafana", group)];
  },
};

/**
 * The settings in `monitor` (uptime-kuma, `server/model/monitor.js`, `toJSON`, without sensitive
 * data).
 */
const MONITOR_SETTINGS = [
  ...["path", "parent", "childrenIDs", "wsIgnoreSecWebsocketAcceptHeader", "wsSubprotocol", "method", "location"],
  ...["protocol", "maxretries", "weight", "active", "forceInactive", "subtype", "timeout", "interval", "retryInterval"],
  ...["retryOnlyOnStatusCodeFailure", "resendInterval", "keyword", "invertKeyword", "expiryNotification"],
  ...["domainExpiryNotification", "ignoreTls", "upsideDown", "packetSize", "maxredirects", "accepted_statuscodes"],
  ...["dns_resolve_type", "dns_resolve_server", "dns_last_result", "docker_container", "docker_host", "proxyId"],
  ...["notificationIDList", "maintenance", "mqttTopic", "mqttSuccessMessage", "mqttCheckType", "databaseQuery"],
  ...["authMethod", "grpcUrl", "grpcProtobuf", "grpcMethod", "grpcServiceName", "grpcEnableTls"],
  ...[
    "radiusCalledStationId",
    "radiusCallingStationId",
    "game",
    "gamedigGivenPortOnly",
    "httpBodyEncoding",
    "jsonPath",
  ],
  ...["expectedValue", "system_service_name", "kafkaProducerTopic", "kafkaProducerBrokers", "kafkaProducerSsl"],
  ...["kafkaProducerAllowAutoTopicCreation", "kafkaProducerMessage", "screenshot", "cacheBust", "remote_browser"],
  ...["screenshot_delay", "snmpOid", "jsonPathOperator", "snmpVersion", "smtpSecurity", "rabbitmqNodes", "conditions"],
  ...["ntpStratumThreshold", "ntpTimeOffsetThreshold", "ntpRootDispersionThreshold", "ipFamily", "expectedTlsAlert"],
  ...[
    "ping_numeric",
    "ping_count",
    "ping_per_request_timeout",
    "saveResponse",
    "saveErrorResponse",
    "responseMaxLength",
  ],
  "includeSensitiveData",
];

/**
 * The fields of Uptime Kuma (`notification-providers/webhook.js`, `model/heartbeat.js`,
 * `model/monitor.js`).
 */
const UPTIME_KUMA: FieldProtocol = {
  table: ["### Uptime Kuma", "field"],
  published: [
    "msg",
    ...["monitorID", "status", "time", "msg", "ping", "important", "duration", "retries", "response", "timezone"]
      .map((name) => `heartbeat.${name}`),
    ...["timezoneOffset", "localDateTime", "lastDownTime"].map((name) => `heartbeat.${name}`),
    ...["id", "name", "description", "pathName", "url", "hostname", "port", "type", "tags", ...MONITOR_SETTINGS]
      .map((name) => `monitor.${name}`),
  ],
  meant: { "monitor.*": MONITOR_SETTINGS.map((name) => `monitor.${name}`) },
  cases: {
    "heartbeat.status": { severity: [0, "error"], "end of the incident": [1] },
    "heartbeat.ping": { shown: [12.5, "12.5 ms"] },
    "monitor.tags": { shown: [[{ name: "site", value: "attic", color: "#ff0000" }], "site: attic"] },
  },
  create({ name, place, value }, tag) {
    const isUp = place === "end of the incident" && value !== undefined;
    const time = { time: "2026-11-22 19:00:00", localDateTime: "2026-11-22 20:00:00" };
    const base = {
      heartbeat: { ...time, status: isUp ? 1 : 0, ...name === "monitor.id" ? {} : { monitorID: tag } },
      monitor: { name: "M" },
      msg: tag,
    };
    const sent = name === "msg" ? `${place === "message" ? `${tag}\n` : ""}${value} ${tag}` : value;
    const path = name === "every other field" ? ["own"] : name.split(".");
    const given = name === "monitor.*"
      ? { monitor: Object.fromEntries(MONITOR_SETTINGS.map((each) => [each, value])) }
      : at(path, sent);
    const data = merge(base, value === undefined ? {} : given) as typeof base;
    const query = new URLSearchParams({
      msg: data.msg,
      heartbeat: JSON.stringify(data.heartbeat),
      monitor: JSON.stringify(data.monitor),
    });
    const inQuery = name === "every other field" ? [] : [{ path: `/uptime-kuma?${query}` }];
    return [json("/uptime-kuma", data), form("/uptime-kuma", { data: JSON.stringify(data) }), ...inQuery];
  },
};

/**
 * The properties of Proxmox (pve-docs, `notifications.adoc`, "Webhook" and "Notification Events").
 */
const PROXMOX: FieldProtocol = {
  table: ["### Other programs: hooks", "field of Proxmox"],
  published: [
    ...["title", "message", "severity", "timestamp", "fields.type", "fields.hostname", "fields.job-id"],
    "fields.datastore",
  ],
  meant: { "fields.*": ["fields.datastore"] },
  cases: { severity: { severity: ["unknown", "warning"], "end of the incident": ["notice"] } },
  create({ name, place, value }, tag) {
    const base = {
      title: place === "subject" ? "T" : tag,
      message: place === "subject" ? tag : "m",
      severity: "error",
      fields: { type: "vzdump", hostname: "pve1", "job-id": tag },
    };
    // The key is `type/hostname/job-id`.
    const isKey = place === "key" && name !== "fields.job-id";
    const fields = isKey ? { fields: { "job-id": value, [name.replace("fields.", "")]: "k" } } : {};
    const sent = isKey ? {} : value === undefined ? {} : at(name.replace("*", "datastore").split("."), value);
    // The template of the documentation has no timestamp.
    const { timestamp: _, ...body } = merge(merge(base, fields), sent) as Record<string, unknown>;
    return [json("/hooks/pve", body)];
  },
};

/** The fields of TrueNAS (`alert/service/slack.py`, `alert/service/mattermost.py`). */
const TRUENAS: FieldProtocol = {
  table: ["### Other programs: hooks", "field of TrueNAS"],
  published: ["text", "username", "channel", "icon_url"],
  cases: {},
  create({ name, place, value }, tag) {
    const base = { text: `TrueNAS @ nas\n\nNew alerts:\n\n  * ${tag}` };
    const text = place === "subject" ? `${value}\n\n${tag}` : `TrueNAS @ nas\n\n${tag}\n\n  * ${value}`;
    return [json("/hooks/nas", name === "text" ? { text } : { ...base, [name]: value })];
  },
};

/** All protocols with a table. */
export const FIELD_PROTOCOLS: readonly FieldProtocol[] = [
  ...[NOTIFY, NTFY, GOTIFY, ALERTS, UPTIME_KUMA, PROXMOX, TRUENAS],
];
