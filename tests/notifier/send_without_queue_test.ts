import { assertEquals } from "@std/assert";
import type { Channel, Envelope } from "../../src/channels/channel.ts";
import { deliverWithoutQueue } from "../../src/delivery/without_queue.ts";
import { TransportError } from "../../src/base/errors.ts";
import { createNotification } from "../../src/notification/notification.ts";
import { fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

Deno.test("deliverWithoutQueue() sends no file whose text did not go out, and others all the same", async () => {
  // A file came alone, and nobody could tell what it was about.
  using runtime = fakeRuntime();
  const sent: string[] = [];
  const channel: Channel = {
    name: "matrix",
    kind: "scripted",
    isIdempotent: true,
    destinations: [],
    send({ destination, notification: { subject } }) {
      if (destination === "!refuses") return Promise.reject(new TransportError("connect", "no way"));
      sent.push(`${destination} ${subject}`);
      return Promise.resolve({ id: "$1" });
    },
  };
  const envelopes = ["!refuses", "!takes"].flatMap((destination): Envelope[] => {
    const [text, file] = ["text", "file"].map((subject) => createNotification({ subject }, TEST_TIME));
    const where = { channel: "matrix", destination };
    return [{ ...where, notification: text }, { ...where, notification: file, attachmentIndex: 1 }];
  });
  const results = await deliverWithoutQueue(envelopes, new Map([["matrix", channel]]), {
    runtime,
    shortcodes: false,
    timeoutMs: 1000,
  });
  assertEquals(sent, ["!takes text", "!takes file"]);
  assertEquals(results.map(({ result }) => result.state), ["failed", "failed", "delivered", "delivered"]);
});
