/**
 * Sends what Grafana, Uptime Kuma, Proxmox and TrueNAS send when a problem begins and ends, with a
 * kill of `serve` in between. The bodies follow the published sources; `field_cases.ts` names them.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { readBlocks } from "../e2e/docs_blocks.ts";
import { type ServeTest, startServe } from "./serve.ts";

async function post({ url, token }: ServeTest, path: string, body: BodyInit): Promise<void> {
  const response = await fetch(`${url}${path}`, {
    method: "POST",
    body,
    headers: { Authorization: `Bearer ${token}` },
  });
  assertEquals([response.ok, (await response.text()).length > 0], [true, true]);
}

/** The group of an alert as Grafana sends it. */
function grafana(status: "firing" | "resolved"): string {
  const labels = { alertname: "High load", grafana_folder: "Hosts", instance: "nas" };
  const alert = {
    ...{ status, labels, fingerprint: "c0ffee", ruleUID: "r1", orgId: 1 },
    annotations: { summary: "The load of nas is high", __orgId__: "1" },
    startsAt: "2026-11-22T19:00:00Z",
    endsAt: status === "firing" ? "0001-01-01T00:00:00Z" : "2026-11-22T19:05:00Z",
    generatorURL: "http://grafana.example/alerting/grafana/r1/view?orgId=1",
    silenceURL: "http://grafana.example/alerting/silence/new?orgId=1",
    dashboardURL: "http://grafana.example/d/1?orgId=1",
    panelURL: "http://grafana.example/d/1?orgId=1&viewPanel=2",
    values: { A: 9.5 },
    valueString: "[ var='A' labels={instance=nas} value=9.5 ]",
  };
  return JSON.stringify({
    ...{ receiver: "ops", status, alerts: [alert], groupLabels: {}, commonLabels: labels, commonAnnotations: {} },
    ...{ externalURL: "http://grafana.example/", version: "1", groupKey: "{}:{}", truncatedAlerts: 0, orgId: 1 },
    ...{ title: "[FIRING:1]", state: status === "firing" ? "alerting" : "ok", message: "**Firing**" },
  });
}

/** A heartbeat of a monitor, as Uptime Kuma sends it with the type `multipart/form-data`. */
function uptimeKuma(status: 0 | 1): FormData {
  const heartbeat = {
    ...{ monitorID: 7, status, time: `2026-11-22 19:0${status}:00.000`, msg: status === 1 ? "200 - OK" : "timeout" },
    ...{ ping: status === 1 ? 21 : null, important: true, duration: 60, retries: 0, timezone: "Europe/Vienna" },
    ...{ timezoneOffset: "+01:00", localDateTime: `2026-11-22 20:0${status}:00` },
    ...status === 1 ? { lastDownTime: "2026-11-22 19:00:00.000" } : {},
  };
  const monitor = { id: 7, name: "Website", url: "https://site.example/", type: "http", hostname: null, tags: [] };
  const msg = `[Website] [${status === 1 ? "✅ Up" : "🔴 Down"}] ${heartbeat.msg}`;
  const body = new FormData();
  body.append("data", JSON.stringify({ heartbeat, monitor, msg }));
  return body;
}

/** The body of `docs/serve.md`, filled as Proxmox fills it (Handlebars). */
function proxmox(severity: string, title: string): string {
  const [body] = readBlocks("docs/serve.md").filter(({ text }) => text.includes("{{ json fields }}"));
  const escape = (text: string) => JSON.stringify(text).slice(1, -1);
  return body.text
    .replace("{{ escape title }}", escape(title))
    .replace("{{ escape message }}", escape('Details\n=======\n100 "web" ok'))
    .replace("{{ severity }}", severity)
    .replace("{{ json fields }}", JSON.stringify({ type: "vzdump", hostname: "pve1", "job-id": "backup-1" }));
}

/** The text of TrueNAS, which `html2text` has made, escaped for Slack. */
function trueNas(text: string): string {
  return JSON.stringify({ text: `TrueNAS @ nas\n\n${text}` });
}

/** Shows the time of a resolved incident as `…`. */
function withoutTime(texts: readonly string[]): readonly string[] {
  return texts.map((text) => text.replace(/(?<=Resolved after ).*?(?=:)/, "…"));
}

Deno.test("serve shows when a problem of Grafana, Uptime Kuma, Proxmox and TrueNAS begins and ends", async () => {
  await using server = await startServe({
    http: { hooks: { pve: { preset: "proxmox" }, nas: { preset: "truenas" } } },
  });
  await post(server, "/grafana", grafana("firing"));
  await post(server, "/grafana", grafana("firing"));
  await post(server, "/uptime-kuma", uptimeKuma(0));
  await post(server, "/hooks/pve", proxmox("error", "vzdump backup status (pve1): backup failed"));
  await post(server, "/hooks/nas", trueNas("New alert:\n\n  * Pool tank is DEGRADED: &lt;one&gt; disk &amp; a spare"));
  const grafanaLinks = "grafana_folder: Hosts\ninstance: nas\n" +
    "Silence: http://grafana.example/alerting/silence/new?orgId=1\nSource: http://grafana.example/d/1?orgId=1\n" +
    "Source: http://grafana.example/alerting/grafana/r1/view?orgId=1\n\n🔗 http://grafana.example/d/1?orgId=1&viewPanel=2";
  const values = "Values: [ var='A' labels={instance=nas} value=9.5 ]\n";
  assertEquals(await server.arrived(), [
    `[jump] ⚠️ The load of nas is high\n\nAlert: High load\nSince: 2026-11-22T19:00:00Z\n${values}${grafanaLinks}`,
    "[jump] ❌ [Website] [🔴 Down] timeout\n\nType: http\nTime: 2026-11-22 20:00:00\nTime zone: Europe/Vienna\n\n" +
    "🔗 https://site.example/",
    '[jump] ❌ vzdump backup status (pve1): backup failed\n\nDetails\n=======\n100 "web" ok',
    "[jump] ⚠️ TrueNAS @ nas\n\nNew alert:\n\n  * Pool tank is DEGRADED: <one> disk & a spare",
  ]);
  await server.stop("SIGKILL");
  await server.start();
  await post(server, "/grafana", grafana("resolved"));
  await post(server, "/uptime-kuma", uptimeKuma(1));
  await post(server, "/hooks/pve", proxmox("info", "vzdump backup status (pve1): backup successful"));
  await post(server, "/hooks/nas", trueNas("The following alert has been cleared:\n\n  * Pool tank is DEGRADED"));
  assertEquals(withoutTime(await server.arrived()), [
    "[jump] ✅ Resolved after …: The load of nas is high\n\nAlert: High load\nSince: 2026-11-22T19:00:00Z\n" +
    `Until: 2026-11-22T19:05:00Z\n${values}${grafanaLinks}`,
    "[jump] ✅ Resolved after …: [Website] [✅ Up] 200 - OK\n\nType: http\nPing: 21 ms\nTime: 2026-11-22 20:01:00\n" +
    "Time zone: Europe/Vienna\nDown since: 2026-11-22 19:00:00.000\n\n🔗 https://site.example/",
    '[jump] ✅ Resolved after …: vzdump backup status (pve1): backup successful\n\nDetails\n=======\n100 "web" ok',
    "[jump] ⚠️ TrueNAS @ nas\n\nThe following alert has been cleared:\n\n  * Pool tank is DEGRADED",
  ]);
});
