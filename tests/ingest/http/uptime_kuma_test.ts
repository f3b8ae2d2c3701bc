import { assertEquals } from "@std/assert";
import { UPTIME_KUMA } from "../../../src/ingest/http/uptime_kuma.ts";
import { readOne } from "./requests.ts";

const HEARTBEAT = {
  monitorID: 3,
  status: 0,
  time: "2026-11-22 19:00:00.123",
  msg: "connect ECONNREFUSED",
  ping: null,
  important: true,
  duration: 60,
  retries: 2,
  response: null,
  timezone: "Europe/Berlin",
  timezoneOffset: "+01:00",
  localDateTime: "2026-11-22 20:00:00",
};

const MONITOR = {
  id: 3,
  name: "Web",
  description: "the shop",
  pathName: "Shops / Web",
  url: "https://shop.example.org",
  hostname: null,
  port: null,
  type: "http",
  tags: [{ name: "site", value: "home" }, { name: "prod", value: "" }],
};

const DOWN = { heartbeat: HEARTBEAT, monitor: MONITOR, msg: "[Web] [🔴 Down] connect ECONNREFUSED" };

const EXPECTED = {
  input: {
    subject: "[Web] [🔴 Down] connect ECONNREFUSED",
    message: "Description: the shop\nGroup: Shops / Web\nType: http\nTime: 2026-11-22 20:00:00\n" +
      "Time zone: Europe/Berlin\nRetries: 2\nTags: site: home, prod",
    severity: "error",
    origin: "Web",
    link: "https://shop.example.org",
    key: "uptime-kuma/3",
    resolves: false,
  },
  id: "uptime-kuma/3/2026-11-22 19:00:00.123/0",
};

Deno.test("UPTIME_KUMA.read() takes JSON, a form and a query", () => {
  assertEquals(readOne(UPTIME_KUMA, { url: "/uptime-kuma", body: DOWN }) as unknown, EXPECTED);
  const headers = { "Content-Type": "multipart/form-data; boundary=b" };
  const form = `--b\r\nContent-Disposition: form-data; name="data"\r\n\r\n${JSON.stringify(DOWN)}\r\n--b--\r\n`;
  assertEquals(readOne(UPTIME_KUMA, { url: "/uptime-kuma", headers, body: form }) as unknown, EXPECTED);
  const query = new URLSearchParams({
    msg: DOWN.msg,
    heartbeat: JSON.stringify(HEARTBEAT),
    monitor: JSON.stringify(MONITOR),
  });
  assertEquals(readOne(UPTIME_KUMA, { method: "GET", url: `/uptime-kuma?${query}` }) as unknown, EXPECTED);
});

Deno.test("UPTIME_KUMA.read() shows fields that it does not know", () => {
  const body = { msg: "Text", heartbeat: { status: 3, region: "eu" }, monitor: "none", team: "network" };
  assertEquals(readOne(UPTIME_KUMA, { body }).input.message, "region: eu\nteam: network");
  assertEquals(readOne(UPTIME_KUMA, { body: { msg: "Text", heartbeat: "abc", monitor: null } }).input.message, "");
});

Deno.test("UPTIME_KUMA.read() resolves when the monitor is up", () => {
  const heartbeat = { ...HEARTBEAT, status: 1, ping: 12, lastDownTime: "2026-11-22 18:00:00" };
  const { input } = readOne(UPTIME_KUMA, { body: { ...DOWN, heartbeat, msg: "[Web] [✅ Up] 200 - OK" } });
  assertEquals([input.key, input.resolves, input.severity], ["uptime-kuma/3", true, "info"]);
  assertEquals(String(input.message).includes("Ping: 12 ms\n"), true);
  assertEquals(String(input.message).includes("Down since: 2026-11-22 18:00:00"), true);
});

Deno.test("UPTIME_KUMA.read() takes the test message and other texts", () => {
  const test = { heartbeat: null, monitor: null, msg: "Kuma Testing" };
  assertEquals(readOne(UPTIME_KUMA, { body: test }).input, { subject: "Kuma Testing", message: "", severity: "info" });
  assertEquals(readOne(UPTIME_KUMA, { body: { title: "own template" } }).input.subject, "own template");
});
