/** Checks the format and the names of `/metrics` with Prometheus's own tool. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { clientSuite, unpackDebian } from "./install.ts";
import type { ServeTest } from "./serve.ts";

const PROMTOOL = "/usr/bin/promtool";

let folder = "";
const clientTest = await clientSuite("promtool", async () => folder = await unpackDebian("prometheus", PROMTOOL));

async function readMetrics({ url, token }: ServeTest): Promise<string> {
  const response = await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${token}` } });
  return await response.text();
}

/** Returns what promtool finds. It prints nothing if the metrics are right. */
async function lint(server: ServeTest, metrics: string): Promise<string> {
  const file = `${server.directory}/metrics.txt`;
  await Deno.writeTextFile(file, metrics);
  return await server.run("sh", ["-c", '"$1" check metrics < "$2"', "sh", `${folder}${PROMTOOL}`, file]);
}

clientTest("promtool finds nothing in /metrics, before and after deliveries and failures", async (server) => {
  const { url, token, homeserver } = server;
  assertEquals(await lint(server, await readMetrics(server)), "");
  homeserver.fault("502", { times: 1 });
  for (const body of ["one", "two"]) {
    const response = await fetch(`${url}/notify`, {
      method: "POST",
      body,
      headers: { Authorization: `Bearer ${token}` },
    });
    assertEquals(response.status, 202, await response.text());
  }
  assertEquals((await server.arrived()).length, 2);
  const metrics = await readMetrics(server);
  assertStringIncludes(metrics, 'matrix_notify_deliveries_total{channel="matrix"} 2\n');
  assertStringIncludes(metrics, 'matrix_notify_failed_attempts_total{channel="matrix",class="in-doubt"} 1\n');
  assertStringIncludes(metrics, 'matrix_notify_delivery_delay_seconds_count{channel="matrix"} 2\n');
  assertEquals(await lint(server, metrics), "");
});
