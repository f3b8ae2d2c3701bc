import { assert, assertEquals } from "@std/assert";
import { type BatchItem, createBatch, isBatch } from "../../src/notification/batch.ts";
import { createNotification, type NotificationInput } from "../../src/notification/notification.ts";
import { formatTime } from "../../src/base/time.ts";
import { TEST_TIME } from "../fakes/runtime.ts";

const item = (input: Partial<NotificationInput>, seconds = 0): BatchItem => ({
  id: `id-${seconds}`,
  notification: createNotification({ subject: "Link down", ...input }, TEST_TIME + seconds * 1000),
});

Deno.test("createBatch() is as severe as the most severe, as old as the oldest, and silent only if all are", () => {
  const batch = createBatch([
    item({ severity: "warning", silent: true }, 2),
    item({ severity: "error" }, 1),
    item({}, 3),
  ]);
  assert(isBatch(batch));
  assertEquals(batch.subject, `3 notifications since ${formatTime(TEST_TIME + 1000)}`);
  assertEquals([batch.severity, batch.silent, batch.time], ["error", false, TEST_TIME + 1000]);
  assertEquals(createBatch([item({ silent: true }), item({ silent: true })]).silent, true);
});

Deno.test("createBatch() mentions all users whom a loud item mentions", () => {
  const users = Array.from({ length: 10 }, (_, at) => `@user${at}:example.org`);
  const { mentions } = createBatch([
    item({ mentions: ["@alice:example.org"] }),
    item({ mentions: ["@room", "@alice:example.org"] }),
    item({ mentions: ["@bob:example.org"], silent: true }),
    item({ mentions: users }),
  ]);
  assertEquals(mentions, ["@alice:example.org", "@room", ...users]);
  assertEquals(createBatch([item({})]).mentions, undefined);
});
