// Tests that a report arrives after an outage:
// deno test --allow-net --allow-read --allow-write --allow-env --allow-sys report_test.ts
import { deepEqual, equal } from "node:assert/strict";
import { Notifier } from "../../mod.ts";
import { LoopbackNtfy } from "../../src/testing/mod.ts";

Deno.test("the report arrives after an outage", async () => {
  await using ntfy = await LoopbackNtfy.start();
  const stateDir = await Deno.makeTempDir();
  {
    const channels = { ntfy: { server: ntfy.url, topic: "alerts" } };
    await using notifier = await Notifier.open({ stateDir, identity: "host", channels });
    ntfy.fault("refuse");
    const [first] = await notifier.notify({ subject: "Backup failed", message: "No space left" });
    equal(first.state, "queued");
    await ntfy.clearFaults();
    const [second] = await notifier.flush();
    equal(second.state, "delivered");
  }
  deepEqual(ntfy.messages("alerts").map(({ title }) => title), ["[host] Backup failed"]);
  await Deno.remove(stateDir, { recursive: true });
});
