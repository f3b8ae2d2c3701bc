import { assertEquals } from "@std/assert";
import { judgeHealth } from "../../src/notifier/health.ts";
import { MAX_QUEUE_BYTES, NEARLY_FULL_BYTES } from "../../src/queue/limits.ts";
import { MAX_LINE_BYTES } from "../../src/queue/journal_line.ts";
import { countAges, type Status } from "../../src/notifier/status.ts";

const MAX_AGE_MS = 900_000;

function judge(change: Partial<Status>): [state: string, ...problems: string[]] {
  const status: Status = {
    queued: 0,
    deferred: 0,
    held: 0,
    dead: 0,
    fallbacks: 0,
    ages: countAges([], 0),
    bytes: 1000,
    maxBytes: MAX_QUEUE_BYTES,
    fileBytes: 0,
    spooled: 0,
    quarantined: 0,
    torn: 0,
    possibleDuplicates: 0,
    oldestSeconds: 0,
    ...change,
  };
  const { state, problems } = judgeHealth(status, MAX_AGE_MS);
  return [state, ...problems];
}

Deno.test("judgeHealth() ignores young entries, torn lines and possible duplicates", () => {
  assertEquals(judge({}), ["ok"]);
  assertEquals(judge({ queued: 500, deferred: 3, spooled: 2, oldestSeconds: 450 }), ["ok"]);
  assertEquals(judge({ torn: 3, possibleDuplicates: 7 }), ["ok"]);
});

Deno.test("judgeHealth() compares each number with its thresholds", () => {
  const cases: [Partial<Status>, string, string][] = [
    [{ oldestSeconds: 451 }, "warning", "the oldest entry has waited for 7 min 31 s"],
    [{ oldestSeconds: 900 }, "warning", "the oldest entry has waited for 15 min"],
    [{ oldestSeconds: 901, waitingFor: "Down" }, "critical", "the oldest entry has waited for 15 min 1 s (Down)"],
    [{ held: 1 }, "critical", "1 held entry: fix the account or its token"],
    [{ dead: 1 }, "warning", "1 dead letter"],
    [{ dead: 2 }, "warning", "2 dead letters"],
    [{ quarantined: 1 }, "warning", "1 damaged line in quarantine"],
    [{ bytes: NEARLY_FULL_BYTES + 1 }, "warning", "the queue is 80 % full"],
    [{ bytes: MAX_QUEUE_BYTES - MAX_LINE_BYTES }, "warning", "the queue is 99 % full"],
    [{ bytes: MAX_QUEUE_BYTES - MAX_LINE_BYTES + 1 }, "critical", "the queue is 99 % full"],
  ];
  for (const [change, state, problem] of cases) assertEquals(judge(change), [state, problem]);
});

Deno.test("judgeHealth() lists all problems, critical ones first", () => {
  assertEquals(judge({ dead: 1, quarantined: 2, held: 3, oldestSeconds: 500 }), [
    "critical",
    "3 held entries: fix the account or its token",
    "the oldest entry has waited for 8 min 20 s",
    "1 dead letter",
    "2 damaged lines in quarantine",
  ]);
});
