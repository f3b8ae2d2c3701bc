import { assertEquals, assertRejects } from "@std/assert";
import { StorageError, TransportError } from "../../src/base/errors.ts";
import type { Channel, Envelope } from "../../src/channels/channel.ts";
import { createNotification } from "../../src/notification/notification.ts";
import { sendWithoutQueue } from "../../src/notifier/send_without_queue.ts";
import { TEST_FILES } from "../fakes/files.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

/** Creates a channel that sends with this function. */
function scriptedChannel(send: Channel["send"]): Channel {
  return { name: "matrix", kind: "scripted", isIdempotent: true, destinations: [], hasRoomFor: () => true, send };
}

Deno.test("sendWithoutQueue() sends no attachment whose text failed, and sends the others", async () => {
  using runtime = fakeRuntime();
  const sent: string[] = [];
  const channel = scriptedChannel(({ destination, notification: { subject } }) => {
    if (destination === "!refuses") return Promise.reject(new TransportError("connect", "no way"));
    sent.push(`${destination} ${subject}`);
    return Promise.resolve({ id: "$1" });
  });
  const envelopes = ["!refuses", "!takes"].flatMap((destination): Envelope[] => {
    const [text, file] = ["text", "file"].map((subject) => createNotification({ subject }, TEST_TIME));
    const where = { channel: "matrix", destination };
    return [{ ...where, notification: text }, { ...where, notification: file, attachmentIndex: 1 }];
  });
  const problem = new StorageError("disk-full", "the disk is full");
  const outcomes = await sendWithoutQueue({ envelopes, fallbacks: [] }, new Map([["matrix", channel]]), {
    runtime,
    shortcodes: true,
    files: TEST_FILES,
    problem,
    waitMs: 1000,
    warn: () => {},
  });
  assertEquals(sent, ["!takes text", "!takes file"]);
  assertEquals(outcomes.map(({ state }) => state), ["refused", "refused", "delivered", "delivered"]);
});

Deno.test("sendWithoutQueue() waits only once for the whole time of a server that does not answer", async () => {
  using runtime = fakeRuntime();
  const limits: number[] = [];
  const channel = scriptedChannel((_, { timeoutMs }) => {
    limits.push(timeoutMs);
    runtime.time += timeoutMs;
    return Promise.reject(new TransportError("timeout", "No answer"));
  });
  const notification = createNotification({ subject: "Up" }, TEST_TIME);
  const envelopes = ["!a", "!b", "!c"].map((destination) => ({ channel: "matrix", destination, notification }));
  const problem = new StorageError("disk-full", "the disk is full");
  const options = { runtime, shortcodes: true, files: TEST_FILES, problem, waitMs: 1000, warn: () => {} };
  const plan = { envelopes, fallbacks: [] };
  await assertRejects(() => sendWithoutQueue(plan, new Map([["matrix", channel]]), options), StorageError);
  assertEquals(limits, [10_000, 1000, 1000]);
});
