import { assertEquals } from "@std/assert";
import { type Failure, TIMEOUT_GAP_MS } from "../../src/delivery/classify.ts";
import {
  backoffMs,
  BUSY_RETRY_MS,
  CREDENTIALS_RETRY_MS,
  DESTINATION_RETRY_MS,
  MAX_SERVER_WAIT_MS,
  planRetry,
  UNSTATED_LIMIT_MS,
} from "../../src/delivery/retry.ts";

const NOW = 1_000_000;

/**
 * How long a retry waits, and for how long a flush must not shorten that, milliseconds; or `dead`.
 */
function plan(failure: Omit<Failure, "reason">, { failures = 0, attempts = 1 } = {}) {
  const result = planRetry({ reason: "x", ...failure }, { now: NOW, failures, attempts, random: 1 });
  if (result.state !== "failed") return result.state;
  return [result.next - NOW, result.notBefore && result.notBefore - NOW];
}

Deno.test("backoffMs() doubles from 1 s to 5 min, half of it fixed", () => {
  const delays = (random: number) => [1, 2, 3, 4, 9, 10, 1000].map((failures) => backoffMs(failures, random));
  assertEquals(delays(1), [1000, 2000, 4000, 8000, 256_000, 300_000, 300_000]);
  assertEquals(delays(0), [1000, 1000, 2000, 4000, 128_000, 150_000, 150_000]);
});

Deno.test("planRetry() waits in full when the server says how long, and a flush does not shorten it", () => {
  assertEquals(plan({ class: "rate-limited", retryAfterMs: 7_200_000 }), [7_200_000, 7_200_000]);
  assertEquals(plan({ class: "rate-limited", retryAfterMs: 0 }), [1000, 1000], "at once would be a hot loop");
  assertEquals(plan({ class: "rate-limited" }), [UNSTATED_LIMIT_MS, UNSTATED_LIMIT_MS]);
  assertEquals(plan({ class: "rate-limited" }, { failures: 5 }), [32_000, 32_000]);
  assertEquals(plan({ class: "in-doubt", gapMs: 2000, retryAfterMs: 120_000 }), [120_000, 120_000]);
  assertEquals(plan({ class: "not-the-service", retryAfterMs: 600_000 }), [600_000, 600_000]);
});

Deno.test("planRetry() waits at most a day, however long the server asks to wait", () => {
  for (const retryAfterMs of [MAX_SERVER_WAIT_MS - 1, MAX_SERVER_WAIT_MS, MAX_SERVER_WAIT_MS + 1, 1e15]) {
    const expected = Math.min(retryAfterMs, 86_400_000);
    assertEquals(plan({ class: "rate-limited", retryAfterMs }), [expected, expected]);
    assertEquals(plan({ class: "in-doubt", gapMs: 2000, retryAfterMs }), [expected, expected]);
  }
});

Deno.test("planRetry() backs off, with a gap after an attempt that may have arrived", () => {
  assertEquals(plan({ class: "not-sent" }), [1000, undefined]);
  assertEquals(plan({ class: "not-sent" }, { failures: 3 }), [8000, undefined]);
  assertEquals(plan({ class: "not-the-service" }, { failures: 1 }), [2000, undefined]);
  assertEquals(plan({ class: "in-doubt", gapMs: 2000 }), [2000, 2000]);
  assertEquals(plan({ class: "in-doubt", gapMs: TIMEOUT_GAP_MS }), [30_000, 30_000]);
  assertEquals(plan({ class: "in-doubt", gapMs: 2000 }, { failures: 6 }), [64_000, 2000]);
});

Deno.test("planRetry() retries bad credentials and refusing destinations slowly, and moves what is rejected to the dead letters", () => {
  assertEquals(plan({ class: "credentials" }, { failures: 9 }), [CREDENTIALS_RETRY_MS, undefined]);
  assertEquals(plan({ class: "destination" }), [DESTINATION_RETRY_MS, undefined]);
  assertEquals(plan({ class: "destination-busy" }, { failures: 9 }), [BUSY_RETRY_MS, undefined]);
  assertEquals(plan({ class: "destination-busy" }, { attempts: 8 }), [128_000, undefined]);
  assertEquals(plan({ class: "rejected" }), "dead");
});

Deno.test("planRetry() records only the beginning of a long server text", () => {
  const failure = { class: "destination", reason: "x".repeat(200_000), errcode: "M_".repeat(9000) } as const;
  const result = planRetry(failure, { now: 0, failures: 0, attempts: 1, random: 1 });
  assertEquals(JSON.stringify(result).length < 1000, true);
});
