/** A burst of log lines to a real homeserver that limits as it is delivered: 0.2 messages a second, 10 at once. */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { bodyOf, Desk } from "./desk.ts";
import { type RoomEvent, type Synapse, synapseSuite, until } from "./harness.ts";

const synapseTest = await synapseSuite({ rateLimits: "default" });

/** 200 lines as a router's syslog has them: most of them different, some of them again and again. */
const LINES = Array.from(
  { length: 200 },
  (_, at) =>
    at % 10 === 9
      ? { subject: "firewall: drop input in:ether1, proto TCP (SYN), 203.0.113.7:51234->198.51.100.2:22", message: "" }
      : { subject: `dhcp: lease ${at}`, message: `assigned 192.0.2.${at} to 02:00:00:00:00:${at.toString(16)}` },
);

const REPEATED = LINES.filter(({ message }) => message === "").length;

/** The subjects that an event tells of, in its order; one that stands for several as often as it says. */
function subjectsOf(event: RoomEvent): string[] {
  const [first, , ...lines] = bodyOf(event).split("\n");
  if (!/\] \d+ notifications$/.test(first)) return [first.replace(/^\[.*?\] /, "")];
  return lines.filter((line) => line.startsWith("- ")).flatMap((line) => {
    const subject = LINES.find((known) =>
      line.includes(`ℹ ${known.subject}`) && !/\d/.test(after(line, known.subject))
    );
    assert(subject, `it tells of nothing: ${line}`);
    return Array<string>(Number(/\(×(\d+), /.exec(line)?.[1] ?? 1)).fill(subject.subject);
  });
}

/** The character behind a subject: "lease 1" must not be found in "lease 12". */
function after(line: string, subject: string): string {
  return line.charAt(line.indexOf(`ℹ ${subject}`) + 2 + subject.length);
}

/** Sends the lines as a front door would, one after the other, while a deliverer in the background works. */
async function flood(
  synapse: Synapse,
  name: string,
  config: CoreOptions,
): Promise<{ count: number; tookMs: number }> {
  await using desk = await Desk.open(synapse, { name });
  const configFile = `${desk.stateDir}/config.json`;
  const text = JSON.stringify({ ...config, channels: { matrix: desk.channel() } });
  await Deno.writeTextFile(configFile, text, { mode: 0o600 });
  const start = Date.now();
  const where = { configFile, stateDir: desk.stateDir, runtime: { env: () => undefined } };
  await using notifier = await NotifierCore.open({ ...where, background: true });
  const ids: string[] = [];
  for (const line of LINES) ids.push((await notifier.notify(line, { waitMs: 0 }))[0].id);
  const burstMs = Date.now() - start;
  await until(() => notifier.entries().length === 0 || undefined, { what: "the queue to be empty", limitMs: 120_000 });
  const tookMs = Date.now() - start;
  await desk.idle();

  const events = await desk.read();
  console.log(`${LINES.length} in ${burstMs} ms, told in ${events.length} events after ${tookMs} ms`);
  const subjects = events.flatMap(subjectsOf);
  assertEquals(subjects.length, LINES.length);
  assertEquals(subjects.filter((subject) => subject === LINES[9].subject).length, REPEATED);
  const different = LINES.filter(({ message }) => message !== "").map(({ subject }) => subject);
  assertEquals(subjects.filter((subject) => subject !== LINES[9].subject), different, "in order");

  // Each id is acknowledged, with an event that is there.
  const receipts = await desk.receipts();
  const known = new Set(events.map((event) => event.event_id));
  assertEquals(ids.filter((id) => !known.has(receipts.get(id) ?? "")), []);
  assertEquals(notifier.status().possibleDuplicates, 0);
  return { count: events.length, tookMs };
}

synapseTest(
  "200 messages in a burst are told in at most five events, in order, whatever the configuration does not say",
  async (synapse) => {
    const { count } = await flood(synapse, "default", {});
    assertLessOrEqual(count, 5);
  },
);

/** As long as the homeserver keeps up with the burst, nothing waits and nothing is gathered; then its bucket is empty, and an event each five seconds is left. */
synapseTest(
  "200 messages in a burst are told, in order, by what the homeserver's limit leaves of them, where nothing else slows them down",
  async (synapse) => {
    const { count, tookMs } = await flood(synapse, "limit", { flood: { burst: 20, per: "1ms" } });
    assertLessOrEqual(count, 10 + 1 + tookMs / 5000);
  },
);
