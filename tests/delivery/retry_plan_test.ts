import { assertEquals } from "@std/assert";
import { backoffMs } from "../../src/delivery/backoff.ts";
import { type Failure, TIMEOUT_GAP_MS } from "../../src/delivery/classify.ts";
import {
  ACCOUNT_PROBE_MS,
  BUSY_ROOM_MS,
  planFailure,
  ROOM_PROBE_MS,
  UNSTATED_LIMIT_MS,
} from "../../src/delivery/retry_plan.ts";

const at = (failure: Omit<Failure, "reason">, { failures = 0, attempts = 1 } = {}) => {
  const result = planFailure({ reason: "x", ...failure }, { now: 1_000_000, failures, attempts, random: 1 });
  return result.state === "failed"
    ? [result.next - 1_000_000, result.notBefore && result.notBefore - 1_000_000]
    : result.state;
};

Deno.test("backoffMs() doubles from 1 s to 5 min, half of it fixed", () => {
  const delays = (random: number) => [1, 2, 3, 4, 9, 10, 1000].map((failures) => backoffMs(failures, random));
  assertEquals(delays(1), [1000, 2000, 4000, 8000, 256_000, 300_000, 300_000]);
  assertEquals(delays(0), [1000, 1000, 2000, 4000, 128_000, 150_000, 150_000]);
});

Deno.test("planFailure() waits as long as the server says, however long, and lets nobody shorten it", () => {
  assertEquals(at({ class: "rate-limited", retryAfterMs: 7_200_000 }), [7_200_000, 7_200_000]);
  assertEquals(at({ class: "rate-limited", retryAfterMs: 0 }), [1000, 1000], "at once would be a hot loop");
  assertEquals(at({ class: "rate-limited" }), [UNSTATED_LIMIT_MS, UNSTATED_LIMIT_MS]);
  assertEquals(at({ class: "rate-limited" }, { failures: 5 }), [32_000, 32_000]);
  assertEquals(at({ class: "in-doubt", gapMs: 2000, retryAfterMs: 120_000 }), [120_000, 120_000]);
  assertEquals(at({ class: "not-the-service", retryAfterMs: 600_000 }), [600_000, 600_000]);
});

Deno.test("planFailure() backs off, with a gap after a try that may have arrived", () => {
  assertEquals(at({ class: "not-sent" }), [1000, undefined]);
  assertEquals(at({ class: "not-sent" }, { failures: 3 }), [8000, undefined]);
  assertEquals(at({ class: "not-the-service" }, { failures: 1 }), [2000, undefined]);
  assertEquals(at({ class: "in-doubt", gapMs: 2000 }), [2000, 2000]);
  assertEquals(at({ class: "in-doubt", gapMs: TIMEOUT_GAP_MS }), [30_000, 30_000]);
  assertEquals(at({ class: "in-doubt", gapMs: 2000 }, { failures: 6 }), [64_000, 2000]);
});

Deno.test("planFailure() probes accounts and rooms slowly, and buries poison", () => {
  assertEquals(at({ class: "credentials" }, { failures: 9 }), [ACCOUNT_PROBE_MS, undefined]);
  assertEquals(at({ class: "destination" }), [ROOM_PROBE_MS, undefined]);
  assertEquals(at({ class: "destination-busy" }, { failures: 9 }), [BUSY_ROOM_MS, undefined]);
  assertEquals(at({ class: "destination-busy" }, { attempts: 8 }), [128_000, undefined]);
  assertEquals(at({ class: "rejected" }), "dead");
});

Deno.test("planFailure() writes down only so much of what a server says", () => {
  const failure = { class: "destination", reason: "x".repeat(200_000), errcode: "M_".repeat(9000) } as const;
  const result = planFailure(failure, { now: 0, failures: 0, attempts: 1, random: 1 });
  assertEquals(JSON.stringify(result).length < 1000, true);
});
