import { assertEquals, assertNotEquals } from "@std/assert";
import { ALERTMANAGER } from "../../../src/ingest/http/alertmanager.ts";
import { answer, NOW, readOne, request } from "./requests.ts";

const FIRING = {
  status: "firing",
  labels: { alertname: "DiskFull", instance: "nas:9100", severity: "critical" },
  annotations: { summary: "Disk of nas is full", description: "9 MB are free", runbook_url: "https://run.example.org" },
  startsAt: "2026-11-22T19:00:00Z",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "https://prometheus.example.org/graph",
  fingerprint: "c0ffee",
};

function group(alerts: readonly unknown[], others: object = {}) {
  return {
    version: "4",
    groupKey: '{}:{alertname="DiskFull"}',
    truncatedAlerts: 0,
    status: "firing",
    receiver: "ops",
    groupLabels: { alertname: "DiskFull" },
    commonLabels: {},
    commonAnnotations: {},
    externalURL: "https://alertmanager.example.org",
    alerts,
    ...others,
  };
}

Deno.test("ALERTMANAGER.read() makes a notification of each alert, with its fingerprint as key", () => {
  assertEquals(readOne(ALERTMANAGER, { url: "/alertmanager", body: group([FIRING]) }).input, {
    subject: "Disk of nas is full",
    message: "9 MB are free\n\nAlert: DiskFull\nSince: 2026-11-22T19:00:00Z\ninstance: nas:9100\n" +
      "Runbook: https://run.example.org",
    severity: "critical",
    origin: "ops",
    key: "c0ffee",
    link: "https://prometheus.example.org/graph",
  });
  const alerts = [FIRING, { ...FIRING, fingerprint: "bad" }];
  const { notifications } = ALERTMANAGER.read(request({ body: group(alerts) }), { now: NOW });
  assertEquals(notifications.map(({ input }) => input.key), ["c0ffee", "bad"]);
});

Deno.test("ALERTMANAGER.read() resolves the incident of a resolved alert", () => {
  const resolved = { ...FIRING, status: "resolved", endsAt: "2026-11-22T20:00:00Z" };
  const { input } = readOne(ALERTMANAGER, { body: group([resolved]) });
  assertEquals([input.key, input.resolves], ["c0ffee", true]);
  assertEquals(String(input.message).includes("\nUntil: 2026-11-22T20:00:00Z\n"), true);
});

Deno.test("ALERTMANAGER.read() gives an alert the same id within an hour, until it changes", () => {
  const idOf = (alert: object, now = NOW) =>
    ALERTMANAGER.read(request({ body: group([alert]) }), { now }).notifications[0].id;
  assertEquals(idOf(FIRING), idOf({ ...FIRING, endsAt: "2026-11-22T21:00:00Z" }, NOW + 1000));
  assertNotEquals(idOf(FIRING), idOf({ ...FIRING, status: "resolved" }));
  assertNotEquals(idOf(FIRING), idOf({ ...FIRING, annotations: {} }));
  assertNotEquals(idOf(FIRING), idOf({ ...FIRING, startsAt: "2026-11-22T19:30:00Z" }));
  assertNotEquals(idOf(FIRING), idOf(FIRING, NOW + 3_600_000));
});

Deno.test("ALERTMANAGER.read() says how many alerts are missing", () => {
  const { notifications } = ALERTMANAGER.read(request({ body: group([FIRING], { truncatedAlerts: 7 }) }), { now: NOW });
  assertEquals(notifications.map(({ input }) => input.subject), [
    "Disk of nas is full",
    "7 more alerts were left out by the sender",
  ]);
});

Deno.test("ALERTMANAGER.read() shows more than 200 alerts together in one notification", () => {
  const alerts = Array.from({ length: 203 }, (_, at) => ({ ...FIRING, fingerprint: `f${at}` }));
  const { notifications } = ALERTMANAGER.read(request({ body: group(alerts) }), { now: NOW });
  assertEquals(notifications.length, 201);
  const { subject, message } = notifications[200].input;
  assertEquals([subject, String(message).split("\n").length], ["3 more alerts", 3]);
});

Deno.test("ALERTMANAGER.read() maps the fields that only Grafana sends", () => {
  const alert = {
    status: "firing",
    labels: { alertname: "CPU", team: "a" },
    annotations: { __value_string__: "x" },
    startsAt: "2026-11-22T19:00:00Z",
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "https://grafana.example.org/alerting/1",
    fingerprint: "57c6d9296de2ad39",
    silenceURL: "https://grafana.example.org/silence",
    dashboardURL: "https://grafana.example.org/d/1",
    panelURL: "https://grafana.example.org/d/1?viewPanel=2",
    ruleUID: "uid",
    values: { B: 22.5, C: 1 },
    valueString: "",
    imageURL: "https://grafana.example.org/i.png",
    embeddedImage: "data:image/png;base64,iVBORw==",
    orgId: 1,
    enrichments: { ai: "no" },
  };
  const body = group([alert], {
    title: "[FIRING:1] CPU",
    state: "alerting",
    message: "text",
    orgId: 1,
    appVersion: "12",
  });
  assertEquals(readOne(ALERTMANAGER, { url: "/grafana", body }).input, {
    subject: "CPU",
    message: "Since: 2026-11-22T19:00:00Z\nValues: B=22.5, C=1\nteam: a\n" +
      'enrichments: {"ai":"no"}\nSilence: https://grafana.example.org/silence\n' +
      "Image: https://grafana.example.org/i.png\nSource: https://grafana.example.org/d/1\n" +
      "Source: https://grafana.example.org/alerting/1",
    severity: "warning",
    origin: "ops",
    key: "57c6d9296de2ad39",
    link: "https://grafana.example.org/d/1?viewPanel=2",
    attachments: [{ name: "graph.png", bytes: Uint8Array.of(0x89, 0x50, 0x4e, 0x47) }],
  });
});

Deno.test("ALERTMANAGER.read() takes any other body as our own format", () => {
  assertEquals(readOne(ALERTMANAGER, { body: { title: "T", alerts: [] } }).input.subject, "T");
  assertEquals(readOne(ALERTMANAGER, { body: "text" }).input.subject, "text");
  assertEquals(readOne(ALERTMANAGER, { body: group([{}]) }).input.subject, "Alert");
});

Deno.test("ALERTMANAGER.read() shows fields of the group that it does not know with the first alert", () => {
  const alerts = [{ labels: { alertname: "A" } }, { labels: { alertname: "B" } }];
  const { notifications } = ALERTMANAGER.read(request({ body: { alerts, team: "network" } }), { now: NOW });
  assertEquals(notifications.map(({ input }) => input.message), ["team: network", ""]);
});

Deno.test("ALERTMANAGER answers with 200", () => {
  assertEquals(answer(ALERTMANAGER, { body: group([FIRING]) }, ["a"]).status, 200);
});
