/**
 * A burst of log lines to a real homeserver with its default rate limit: 0.2 messages a second, 10
 * at once.
 */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { readBody, RoomScene } from "./room_scene.ts";
import { type RoomEvent, type Synapse, synapseSuite, until } from "./harness.ts";

const synapseTest = await synapseSuite({ rateLimits: "default" });

/** 200 lines like those of a router's syslog: most are different, some repeat. */
const LINES = Array.from(
  { length: 200 },
  (_, at) =>
    at % 10 === 9
      ? { subject: "firewall: drop input in:ether1, proto TCP (SYN), 203.0.113.7:51234->198.51.100.2:22", message: "" }
      : { subject: `dhcp: lease ${at}`, message: `assigned 192.0.2.${at} to 02:00:00:00:00:${at.toString(16)}` },
);

const REPEATED = LINES.filter(({ message }) => message === "").length;

/** Parses the subjects of an event, in order; a folded one as often as its count says. */
function parseSubjects(event: RoomEvent): string[] {
  const [first, , ...lines] = readBody(event).split("\n");
  if (!/\] \d+ notifications$/.test(first)) return [first.replace(/^\[.*?\] /, "")];
  return lines.filter((line) => line.startsWith("- ")).flatMap((line) => {
    const subject = LINES.find((known) =>
      line.includes(`ℹ ${known.subject}`) && !/\d/.test(charAfter(line, known.subject))
    );
    assert(subject, `the line has no known subject: ${line}`);
    return Array<string>(Number(/\(×(\d+), /.exec(line)?.[1] ?? 1)).fill(subject.subject);
  });
}

/** Returns the character after a subject: "lease 1" must not match "lease 12". */
function charAfter(line: string, subject: string): string {
  return line.charAt(line.indexOf(`ℹ ${subject}`) + 2 + subject.length);
}

/** Sends the lines one after the other while a background deliverer works. */
async function flood(
  synapse: Synapse,
  name: string,
  config: CoreOptions,
): Promise<{ count: number; tookMs: number }> {
  await using scene = await RoomScene.open(synapse, { name });
  const configFile = `${scene.stateDir}/config.json`;
  const text = JSON.stringify({ ...config, channels: { matrix: scene.channel() } });
  await Deno.writeTextFile(configFile, text, { mode: 0o600 });
  const start = Date.now();
  const where = { configFile, stateDir: scene.stateDir, runtime: { env: () => undefined } };
  await using notifier = await NotifierCore.open({ ...where, background: true });
  const ids: string[] = [];
  for (const line of LINES) ids.push((await notifier.notify(line, { waitMs: 0 }))[0].id);
  const burstMs = Date.now() - start;
  await until(() => notifier.entries().length === 0 || undefined, { what: "the queue to be empty", limitMs: 120_000 });
  const tookMs = Date.now() - start;
  await scene.idle();

  const events = await scene.read();
  console.log(`${LINES.length} in ${burstMs} ms, delivered in ${events.length} events after ${tookMs} ms`);
  const subjects = events.flatMap(parseSubjects);
  assertEquals(subjects.length, LINES.length);
  assertEquals(subjects.filter((subject) => subject === LINES[9].subject).length, REPEATED);
  const different = LINES.filter(({ message }) => message !== "").map(({ subject }) => subject);
  assertEquals(subjects.filter((subject) => subject !== LINES[9].subject), different, "in order");

  // Each id has a receipt whose event exists.
  const receipts = await scene.receipts();
  const known = new Set(events.map((event) => event.event_id));
  assertEquals(ids.filter((id) => !known.has(receipts.get(id) ?? "")), []);
  assertEquals(notifier.status().possibleDuplicates, 0);
  return { count: events.length, tookMs };
}

synapseTest(
  "a burst of 200 messages arrives in at most five events, in order, with the default configuration",
  async (synapse) => {
    const { count } = await flood(synapse, "default", {});
    assertLessOrEqual(count, 5);
  },
);

/**
 * While the homeserver accepts the burst, nothing is batched. Then its bucket is empty, and it
 * accepts an event every five seconds.
 */
synapseTest(
  "a burst of 200 messages arrives in order, in the events that the homeserver's limit permits, without a rate limit of ours",
  async (synapse) => {
    const { count, tookMs } = await flood(synapse, "limit", { rateLimit: { count: 20, per: "1ms" } });
    assertLessOrEqual(count, 10 + 1 + tookMs / 5000);
  },
);
