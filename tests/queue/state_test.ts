import { assertEquals } from "@std/assert";
import type { JournalRecord } from "../../src/queue/record.ts";
import { QueueState } from "../../src/queue/state.ts";
import { ack, att, enq, fold, nack } from "./records.ts";

const findState = (state: QueueState, id: string) => {
  const entry = state.entry(id);
  return entry && state.entryState(entry);
};

Deno.test("QueueState.apply() follows an entry from queued to delivered", () => {
  const state = new QueueState();
  state.watch(["a"]);
  state.apply(enq("a"));
  assertEquals(findState(state, "a"), "queued");
  state.apply(att("a"));
  assertEquals(state.entry("a")?.inFlight, { n: 1, time: 20 });
  state.apply(nack("a", "not-sent"));
  assertEquals([findState(state, "a"), state.entry("a")?.inFlight, state.channelState("matrix").failures], [
    "deferred",
    undefined,
    1,
  ]);
  state.apply(att("a", 2));
  state.apply(ack("a"));
  assertEquals(state.entry("a"), undefined);
  assertEquals(state.finalState("a"), { state: "delivered", receipt: "$a" });
  assertEquals([state.lastDelivery, state.channelState("matrix")], [40, { failures: 0 }]);
});

Deno.test("QueueState.apply() ignores a repeated enq", () => {
  assertEquals(fold(enq("a"), enq("a")).entries().length, 1);
});

Deno.test("QueueState.apply() ignores records of unknown entries", () => {
  assertEquals(fold(att("x"), nack("x", "destination"), ack("x"), enq("a")).entries().map((entry) => entry.id), [
    "a",
  ]);
});

Deno.test("QueueState.apply() holds all entries of a channel after a credentials failure, until a definite response", () => {
  const state = fold(enq("a"), enq("b"), enq("c", { channel: "ntfy" }), att("a"), nack("a", "credentials"));
  assertEquals(["a", "b", "c"].map((id) => findState(state, id)), ["held", "held", "queued"]);
  state.apply(att("a", 2));
  state.apply(ack("a"));
  assertEquals(findState(state, "b"), "queued");
});

Deno.test("QueueState.apply() counts a destination failure for its entry only", () => {
  const state = fold(enq("a"), att("a"), nack("a", "destination"));
  assertEquals([state.channelState("matrix"), state.entry("a")?.wait?.class], [{ failures: 0 }, "destination"]);
});

Deno.test("QueueState.apply() keeps an entry in doubt after a later 429", () => {
  const state = fold(enq("a"), att("a"), nack("a", "in-doubt"), att("a", 2, 60), nack("a", "rate-limited", { n: 2 }));
  assertEquals(state.entry("a")?.inDoubt, { since: 20, until: 30 });
});

Deno.test("QueueState.apply() puts an entry in doubt if an attempt has no result", () => {
  const state = fold(enq("a"), att("a", 1, 20), att("a", 2, 60));
  assertEquals(state.entry("a")?.inDoubt, { since: 20, until: 60 });
});

Deno.test("QueueState.apply() counts a killed attempt as in doubt, and not as a failure of its channel", () => {
  const killed = { ...nack("a", "in-doubt"), killed: true } as JournalRecord;
  const state = fold(enq("a"), att("a"), killed);
  assertEquals([state.entry("a")?.inDoubt, state.entry("a")?.wait?.class], [{ since: 20, until: 30 }, "in-doubt"]);
  assertEquals(state.channelState("matrix"), { failures: 0 });
});

Deno.test("QueueState.apply() does not count a withdrawn attempt", () => {
  const entry = fold(enq("a"), att("a"), nack("a", "withdrawn")).entry("a");
  assertEquals([entry?.attempts, entry?.inFlight, entry?.inDoubt, entry?.wait], [
    0,
    undefined,
    undefined,
    undefined,
  ]);
});

Deno.test("QueueState.apply() counts failures in a row until something is delivered", () => {
  const state = fold(enq("a"), att("a"), nack("a", "not-sent"), att("a", 2), nack("a", "in-doubt", { n: 2 }));
  assertEquals(state.channelState("matrix").failures, 2);
  state.apply(att("a", 3));
  state.apply(nack("a", "rate-limited", { n: 3 }));
  assertEquals(state.channelState("matrix").failures, 3);
  state.apply(ack("a"));
  assertEquals(state.channelState("matrix").failures, 0);
});

Deno.test("QueueState.apply() ends the backoff at a flush, and keeps what the server asked for", () => {
  const state = fold(enq("a"), att("a"), nack("a", "in-doubt", { next: 500, notBefore: 60 }), { t: "flush", time: 35 });
  assertEquals([state.entry("a")?.wait?.next, state.channelState("matrix").wait?.next], [60, 60]);
  state.apply(att("a", 2));
  state.apply(nack("a", "not-sent", { n: 2, next: 900 }));
  assertEquals(state.channelState("matrix").wait?.next, 900, "a wait that began after the flush counts");
});

Deno.test("QueueState.apply() also ends what the server asked for at a flush with now, but not a wait against duplicates", () => {
  const cases = [
    ["rate-limited", 0],
    ["not-the-service", 0],
    ["destination", 0],
    ["in-doubt", 30_030],
    ["unverified", 90_000],
  ] as const;
  for (const [failure, expected] of cases) {
    const state = fold(enq("a"), att("a"), nack("a", failure, { next: 90_000, notBefore: 90_000 }), {
      t: "flush",
      time: 35,
      reach: "all",
    });
    assertEquals(state.entry("a")?.wait?.next, expected, failure);
    const { wait } = state.channelState("matrix");
    if (wait) assertEquals(wait.next, expected, failure);
  }
  const state = fold(enq("a"), att("a"), nack("a", "in-doubt", { next: 90_000, notBefore: 2_030 }), {
    t: "flush",
    time: 35,
    reach: "all",
  });
  assertEquals(state.channelState("matrix").wait?.next, 2_030, "a shorter wait against duplicates");
});

Deno.test("QueueState.apply() ends only the waits of an outage at a flush of a timer, and counts no flush", () => {
  const cases = [
    ...(["not-sent", "not-the-service", "in-doubt"] as const).map((failure) => [failure, 60] as const),
    ...(["credentials", "destination", "destination-busy", "rate-limited", "unverified"] as const).map((failure) =>
      [failure, 900] as const
    ),
  ];
  for (const [failure, expected] of cases) {
    const state = fold(enq("a"), att("a"), nack("a", failure, { next: 900, notBefore: 60 }), {
      t: "flush",
      time: 35,
      reach: "outage",
    });
    assertEquals([state.entry("a")?.wait?.next, state.flushCount], [expected, 0], failure);
    const { wait } = state.channelState("matrix");
    if (wait) assertEquals(wait.next, expected, failure);
  }
});

Deno.test("QueueState.apply() ends the wait of the channel at a retry, and only of this channel", () => {
  const limited = (id: string) => nack(id, "rate-limited", { next: 90_000, notBefore: 90_000 });
  const state = fold(enq("a"), enq("b"), enq("c", { channel: "ntfy" }), att("a"), limited("a"), att("c"), limited("c"));
  state.apply({ t: "retry", id: "b", time: 40, expires: 5000 });
  assertEquals([state.channelState("matrix").wait?.next, state.channelState("ntfy").wait?.next], [0, 90_000]);
  assertEquals(state.channelState("matrix").failures, 1, "the backoff goes on after the next failure");
});

Deno.test("QueueState.apply() moves an entry to the dead letters, retries and drops it", () => {
  const state = new QueueState();
  state.watch(["a"]);
  for (const record of [enq("a"), att("a")]) state.apply(record);
  state.apply({ t: "dead", id: "a", time: 40, reason: "too large", status: 413 });
  assertEquals([findState(state, "a"), state.finalState("a")], ["dead", { state: "dead", reason: "too large" }]);
  state.apply({ t: "retry", id: "a", time: 50, expires: 5000 });
  assertEquals([findState(state, "a"), state.entry("a")?.expires], ["deferred", 5000]);
  state.apply({ t: "drop", id: "a", time: 60 });
  assertEquals([state.entry("a"), state.finalState("a")], [undefined, { state: "dropped" }]);
});

Deno.test("QueueState.apply() counts entries that may have been delivered twice", () => {
  assertEquals(
    fold(enq("a"), att("a"), { t: "ack", id: "a", time: 60, receipt: "$", via: "put", possibleDuplicate: true })
      .possibleDuplicates,
    1,
  );
});
