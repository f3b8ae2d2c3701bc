/**
 * Many and long notifications to a real homeserver with its default rate limit: 0.2 messages a
 * second, 10 at once. Another user reads the room.
 */

import { assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import type { NotificationInput } from "../../src/notification/notification.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { denoRuntime } from "../../src/runtime/runtime.ts";
import { expandBatchBody } from "../faults/batch_body.ts";
import { findSubject } from "../faults/oracle.ts";
import { createLogs, createReports, findMissingLine } from "../fakes/long_texts.ts";
import { readBody, RoomScene } from "./room_scene.ts";
import { type Synapse, synapseSuite, until } from "./harness.ts";

const synapseTest = await synapseSuite({ rateLimits: "default" });

/** 200 lines like those of a router's syslog: most are different, some repeat. */
const LINES: readonly NotificationInput[] = Array.from({ length: 200 }, (_, at) => {
  if (at % 10 === 9) return { subject: "firewall: drop input in:ether1, proto TCP (SYN), 203.0.113.7:51234" };
  return { subject: `dhcp: lease ${at}`, message: `assigned 192.0.2.${at} to 02:00:00:00:00:${at.toString(16)}` };
});

/** Sends notifications one after the other while a background deliverer works. */
async function flood(synapse: Synapse, name: string, inputs: readonly NotificationInput[]) {
  await using scene = await RoomScene.open(synapse, { name });
  const configFile = `${scene.stateDir}/config.json`;
  const text = JSON.stringify({ channels: { matrix: scene.channel() } });
  await Deno.writeTextFile(configFile, text, { mode: 0o600 });
  const start = Date.now();
  using real = denoRuntime();
  const where = { configFile, stateDir: scene.stateDir, runtime: { ...real, env: () => undefined } };
  await using notifier = await NotifierCore.open({ ...where, background: true });
  const ids: string[] = [];
  for (const input of inputs) ids.push((await notifier.notify(input, { waitMs: 0 }))[0].id);
  const burstMs = Date.now() - start;
  await until(() => notifier.entries().length === 0 || undefined, { what: "the queue to be empty", limitMs: 120_000 });
  const tookMs = Date.now() - start;
  await scene.idle();
  const events = await scene.read();
  console.log(`${inputs.length} in ${burstMs} ms, delivered in ${events.length} events after ${tookMs} ms`);
  // Each id has a receipt whose event exists.
  const receipts = await scene.receipts();
  const known = new Set(events.map((event) => event.event_id));
  assertEquals(ids.filter((id) => !known.has(receipts.get(id) ?? "")), []);
  assertEquals(notifier.status().possibleDuplicates, 0);
  return { bodies: events.map(readBody), tookMs };
}

synapseTest(
  "a burst of 200 short lines arrives in full and in order, in at most 15 events within a minute",
  async (synapse) => {
    const { bodies, tookMs } = await flood(synapse, "flood", LINES);
    assertLessOrEqual(bodies.length, 15);
    assertLess(tookMs, 60_000);
    const all = bodies.flatMap((body) => expandBatchBody({ lane: "", body })).map(({ body }) => body);
    const repeated = (body: string) => findSubject(body) === LINES[9].subject;
    assertEquals(all.filter(repeated).length, LINES.length / 10);
    assertEquals(
      all.filter((body) => !repeated(body)).map((body) => body.replace(/^\[.*?\] /, "").split("\n\n")),
      LINES.filter(({ message }) => message !== undefined).map(({ subject, message }) => [subject, message]),
    );
  },
);

synapseTest("twelve logs of 200 lines arrive in full and in order after an outage", async (synapse) => {
  await using scene = await RoomScene.open(synapse, { name: "logs" });
  const { homeserver: _, ...channel } = scene.channel();
  const open = (homeserver: string) =>
    NotifierCore.open({ stateDir: scene.stateDir, channels: { matrix: { ...channel, homeserver } } });
  {
    // The discard port refuses connections.
    await using down = await open("http://127.0.0.1:9");
    for (const log of createLogs()) await down.notify(log);
  }
  await using notifier = await open(scene.channel().homeserver);
  await notifier.flush({ waitMs: 60_000 });
  assertEquals(notifier.entries(), []);
  const bodies = (await scene.read()).map(readBody);
  assertEquals(findMissingLine(bodies.join("\n"), createLogs()), undefined);
  assertLessOrEqual(bodies.length, 8);
});

synapseTest("five reports of 2,500 bytes within a second arrive in full and in order", async (synapse) => {
  const { bodies } = await flood(synapse, "reports", createReports());
  assertEquals(findMissingLine(bodies.join("\n"), createReports()), undefined);
  assertEquals(bodies.length, 5);
});
