import { assertEquals } from "@std/assert";
import type { IncidentSubject } from "../../src/queue/incidents.ts";
import { INCIDENT_RETENTION_MS, MAX_INCIDENTS } from "../../src/queue/limits.ts";
import type { JournalRecord } from "../../src/queue/record.ts";
import { encodeRecord } from "../../src/queue/journal_line.ts";
import { QueueState } from "../../src/queue/state.ts";

const LANE = { channel: "matrix", destination: "!a" };

interface DeliveredEntry {
  readonly id: string;
  readonly time?: number;
  readonly key?: string;
  readonly destination?: string;
  readonly title?: string;
  readonly resolves?: true;
}

/** The records of an entry that is enqueued, and delivered a moment later. */
function deliveredEntry(
  { id, time = 10, key = "disk", title = `title ${id}`, ...more }: DeliveredEntry,
): JournalRecord[] {
  return [
    { t: "enq", id, time, ...LANE, notification: { id }, expires: 1e15, key, title, ...more },
    { t: "att", id, n: 1, time },
    { t: "ack", id, time: time + 1, receipt: `$${id}`, via: "put" },
  ];
}

function fold(...records: JournalRecord[]): QueueState {
  const state = new QueueState();
  for (const record of records) state.apply(record, encodeRecord(record).length);
  return state;
}

function compacted(state: QueueState, time = 100): QueueState {
  return fold(...state.snapshot({ time, host: "jump" }));
}

const next = (more: Partial<IncidentSubject> = {}): IncidentSubject => ({ ...LANE, key: "disk", time: 100, ...more });

Deno.test("QueueState.findIncident() finds the first delivery of a key, how many there were, and since when the incident lasts", () => {
  const state = fold(
    ...deliveredEntry({ id: "a" }),
    ...deliveredEntry({ id: "b", time: 50 }),
    ...deliveredEntry({ id: "c", key: "net" }),
  );
  const incident = {
    t: "incident",
    ...LANE,
    key: "disk",
    receipt: "$a",
    isShared: undefined,
    title: "title a",
    since: 10,
    lastDelivery: 51,
    count: 2,
  };
  assertEquals(state.findIncident(next()), incident as never);
  assertEquals(compacted(state).findIncident(next()), incident as never);
  assertEquals(state.findIncident(next({ destination: "!b" })), undefined);
  assertEquals(state.findIncident(next({ key: undefined })), undefined);
});

Deno.test("QueueState.findIncident() finds no incident that was resolved, before a compaction or after it", () => {
  const state = fold(...deliveredEntry({ id: "a" }), ...deliveredEntry({ id: "b", resolves: true }));
  assertEquals([state.findIncident(next()), compacted(state).findIncident(next())], [undefined, undefined]);
  const again = fold(
    ...deliveredEntry({ id: "a" }),
    ...deliveredEntry({ id: "b", resolves: true }),
    ...deliveredEntry({ id: "c", time: 60 }),
  );
  assertEquals(again.findIncident(next())?.receipt, "$c");
});

Deno.test("QueueState.findIncident() begins with the entry that the first one replaced", () => {
  const [enq, ...rest] = deliveredEntry({ id: "b", time: 50 });
  const state = fold(deliveredEntry({ id: "a", time: 5 })[0], { ...enq, replaces: true } as JournalRecord, ...rest);
  assertEquals([state.findIncident(next())?.since, state.findIncident(next())?.count], [5, 1]);
});

Deno.test("QueueState.findIncident() answers every attempt of an entry the same, and forgets old incidents", () => {
  const state = fold(...deliveredEntry({ id: "a" }));
  assertEquals(state.findIncident(next({ time: 11 + INCIDENT_RETENTION_MS }))?.receipt, "$a");
  assertEquals(state.findIncident(next({ time: 12 + INCIDENT_RETENTION_MS })), undefined);
  // The entry was enqueued in time and waits. A compaction meanwhile changes nothing.
  const late = compacted(state, 11 + 1.5 * INCIDENT_RETENTION_MS);
  assertEquals(late.findIncident(next({ time: 11 + INCIDENT_RETENTION_MS }))?.receipt, "$a");
  assertEquals([...compacted(state, 12 + 2 * INCIDENT_RETENTION_MS).snapshot({ time: 0, host: "x" })].length, 1);
});

Deno.test("QueueState.findIncident() remembers a limited number, and counts their bytes", () => {
  const state = fold();
  for (let at = 0; at <= MAX_INCIDENTS; at++) {
    for (const record of deliveredEntry({ id: `e${at}`, key: `k${at}`, time: at })) state.apply(record);
  }
  assertEquals(state.findIncident(next({ key: "k0" })), undefined);
  assertEquals(state.findIncident(next({ key: "k1" }))?.receipt, "$e1");
  const bytes = [...state.snapshot({ time: 1000, host: "x" })].slice(1).map(encodeRecord).map(({ length }) => length);
  const estimate = state.keptBytes;
  const total = bytes.reduce((sum, length) => sum + length, 0);
  assertEquals(bytes.length, MAX_INCIDENTS + 1);
  assertEquals(estimate <= total && estimate > 0.8 * total, true, `${estimate} of ${total}`);
  for (let at = 0; at <= MAX_INCIDENTS; at++) {
    for (const record of deliveredEntry({ id: `r${at}`, key: `k${at}`, time: at, resolves: true })) state.apply(record);
  }
  assertEquals(state.keptBytes, 0);
});

Deno.test("QueueState.findIncident() finds the incident of each member of a batch, marked as shared", () => {
  const state = fold(
    ...deliveredEntry({ id: "a", key: "net" }),
    deliveredEntry({ id: "b" })[0],
    deliveredEntry({ id: "c", key: "net", resolves: true })[0],
    { t: "batch", id: "D", time: 20, ...LANE, members: ["b", "c"] },
    { t: "att", id: "D", n: 1, time: 30 },
    { t: "ack", id: "b", time: 31, receipt: "$D", via: "put" },
  );
  assertEquals([state.findIncident(next())?.receipt, state.findIncident(next({ key: "net" }))?.receipt], [
    undefined,
    "$a",
  ]);
  state.apply({ t: "ack", id: "D", time: 31, receipt: "$D", via: "put" });
  const { receipt, isShared } = state.findIncident(next()) ?? {};
  assertEquals([receipt, isShared, state.findIncident(next({ key: "net" }))], ["$D", true, undefined]);
});

Deno.test("QueueState.findIncident() ignores entries without a title, and dead letters", () => {
  const [enq, att] = deliveredEntry({ id: "a" });
  const untitled = { ...enq, title: undefined } as JournalRecord;
  assertEquals(fold(untitled, ...deliveredEntry({ id: "a" }).slice(1)).findIncident(next()), undefined);
  assertEquals(fold(enq, att, { t: "dead", id: "a", time: 20, reason: "late" }).findIncident(next()), undefined);
});

Deno.test("QueueState.snapshot() keeps incidents, wherever a compaction comes in between", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const records = history(seed, 60);
    const whole = outlook(fold(...records));
    for (let at = 0; at <= records.length; at++) {
      const state = compacted(fold(...records.slice(0, at)), 1000);
      for (const record of records.slice(at)) state.apply(record);
      assertEquals(outlook(state), whole, `seed ${seed}, a compaction before record ${at}`);
    }
  }
});

const KEYS = ["disk", "net", "cpu"];

/**
 * A random history of entries with keys: they are enqueued, tried, delivered, batched, and become
 * dead letters.
 */
function history(seed: number, count: number): JournalRecord[] {
  const records: JournalRecord[] = [];
  let roll = seed;
  const dice = (sides: number) => (roll = (roll * 48_271) % 2_147_483_647) % sides;
  for (let time = 1; time <= count; time++) {
    const waiting = fold(...records).entries().filter(({ dead }) => !dead);
    const [chosen] = waiting.slice(dice(Math.max(1, waiting.length)));
    const id = chosen?.id ?? "none";
    const fire =
      deliveredEntry({ id: `e${time}`, time, key: KEYS[dice(3)], resolves: dice(3) === 0 ? true : undefined })[0];
    const failure = dice(2) === 0 ? "in-doubt" : "rate-limited";
    records.push(
      ...[
        [{ ...fire, replaces: dice(2) === 0 ? true : undefined } as JournalRecord],
        [{ t: "att", id, n: 1, time }, { t: "ack", id, time, receipt: `$${time}`, via: "put" }] as const,
        [{ t: "att", id, n: 1, time }, { t: "nack", id, n: 1, time, class: failure, reason: "", next: 0 }] as const,
        [{ t: "dead", id, time, reason: "" }] as const,
        [{
          t: "batch",
          id: `D${time}`,
          time,
          ...LANE,
          members: waiting.slice(0, 3).map((entry) => entry.id),
        }] as const,
      ][[0, 0, 0, 1, 1, 2, 3, 4][dice(8)]],
    );
  }
  return records;
}

/** The incidents that later entries find, and what the waiting entries will report. */
function outlook(state: QueueState): unknown {
  const entries = state.entries().flatMap((entry) => entry.members ?? [entry]);
  return JSON.parse(JSON.stringify([
    KEYS.map((key) => state.findIncident(next({ key }))),
    entries.map(({ id, title, resolves, replaced }) => ({ id, title, resolves, replaced })),
  ]));
}
