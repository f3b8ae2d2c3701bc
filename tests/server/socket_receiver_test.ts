import { assertEquals, assertStringIncludes } from "@std/assert";
import { StorageError } from "../../src/base/errors.ts";
import type { SocketSettings } from "../../src/config/serve.ts";
import type { Outcome } from "../../src/notifier/outcomes.ts";
import { type BodyLimits, BodyReader } from "../../src/server/body_reader.ts";
import { DeliveryCounters } from "../../src/server/delivery_counters.ts";
import type { AcceptOptions, ReceiverContext } from "../../src/server/receiver.ts";
import { createSocketReceiver } from "../../src/server/socket_receiver.ts";
import type { NotificationInput } from "../../src/notification/notification.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const QUEUED: Outcome = { id: "1", channel: "phone", destination: "alerts", state: "queued" };

/** Sends forms to a receiver. Records what it accepts. */
function setReceiver(
  settings: Partial<SocketSettings> = {},
  outcome: () => Outcome = () => QUEUED,
  limits: BodyLimits = {},
) {
  const runtime = fakeRuntime();
  const log: string[] = [];
  let before: Promise<unknown> = Promise.resolve();
  const accepted: { readonly input: NotificationInput; readonly options?: AcceptOptions }[] = [];
  const context: ReceiverContext = {
    async accept(input, options) {
      accepted.push({ input, options });
      await before;
      return { outcomes: [outcome()], problems: [] };
    },
    hasOpenIncident: ({ key }) => key === "open",
    status() {
      throw new Error("A socket does not read the status");
    },
    overview: () => Promise.reject(new Error("A socket has no status page")),
    deliveries: new DeliveryCounters(runtime.now),
    channels: () => [],
    stateDir: () => "",
    log: (text) => void log.push(text),
    bodies: new BodyReader(runtime, limits),
    runtime,
  };
  const receiver = createSocketReceiver(
    "nut",
    { channels: [], maxBytes: 1024, rateLimit: undefined, ...settings } as SocketSettings,
  );
  const post = async (fields: Record<string, string>, path = "/send") => {
    const request = new Request(`http://localhost${path}`, { method: "POST", body: new URLSearchParams(fields) });
    const response = await receiver.handle(request, {}, context);
    return { status: response.status, body: await response.json(), headers: response.headers };
  };
  const waitFor = (promise: Promise<unknown>) => void (before = promise);
  return { runtime, log, accepted, post, receiver, waitFor, [Symbol.dispose]: () => runtime[Symbol.dispose]() };
}

Deno.test("createSocketReceiver() listens in the usual directory, or at the path of the settings", () => {
  assertEquals(setReceiver().receiver.address, { transport: "unix", path: "/run/matrix-notify/nut", group: undefined });
  assertEquals(setReceiver({ path: "/run/x", group: "nut" }).receiver.address, {
    transport: "unix",
    path: "/run/x",
    group: "nut",
  });
});

Deno.test("handle() answers 202 with the id when the notification is on disk, and does not wait", async () => {
  using scene = setReceiver();
  const { status, body } = await scene.post({ subject: "Disk full" });
  assertEquals([status, body], [202, { outcomes: [QUEUED] }]);
  assertEquals(scene.accepted[0].options?.waitMs, 0);
});

for (
  const [state, status] of [["delivered", 200], ["muted", 200], ["dead", 422], ["dropped", 422], ["refused", 503], [
    "held",
    202,
  ]] as const
) {
  Deno.test(`handle() answers ${status} when the outcome is ${state}`, async () => {
    using scene = setReceiver({}, () => ({ ...QUEUED, state, reason: "r", receipt: "r" }) as Outcome);
    assertEquals((await scene.post({ subject: "a" })).status, status);
  });
}

Deno.test("handle() gives every notification the origin of the socket, and keeps the ids of sockets apart", async () => {
  using scene = setReceiver({ origin: "ups" });
  await scene.post({ subject: "a", origin: "root", id: "7" });
  const [{ input, options }] = scene.accepted;
  assertEquals([input.origin, options?.id, options?.sender], ["ups", "7", "socket nut"]);
});

Deno.test("handle() allows only the channels of the socket, and no other room", async () => {
  using scene = setReceiver({ channels: ["phone"] });
  await scene.post({ subject: "a" });
  assertEquals(scene.accepted[0].options?.channels, ["phone"]);
  for (const [name, value] of [["channel", "matrix"], ["room", "!secret"]]) {
    const { status, body } = await scene.post({ subject: "a", [name]: value });
    assertEquals([status, body.error.name], [403, "RefusedError"]);
  }
  assertEquals(scene.accepted.length, 1);
});

Deno.test("handle() refuses a sender above its limit, until enough time has passed", async () => {
  using scene = setReceiver({ rateLimit: { count: 2, per: 10_000 } });
  const statuses = [];
  for (let count = 0; count < 3; count++) statuses.push(await scene.post({ subject: "a" }));
  assertEquals(statuses.map(({ status }) => status), [202, 202, 429]);
  assertEquals(statuses[2].headers.get("retry-after"), "5");
  scene.runtime.time += 5000;
  assertEquals((await scene.post({ subject: "a" })).status, 202);
});

Deno.test("handle() refuses a body above the limit, and another path", async () => {
  using scene = setReceiver();
  const refused = await scene.post({ subject: "a", message: "x".repeat(2000) });
  assertEquals(refused.status, 413);
  assertStringIncludes(JSON.stringify(refused.body), "it is larger than 1 KiB");
  assertEquals((await scene.post({ subject: "a" }, "/other")).status, 404);
  assertEquals(scene.accepted, []);
});

Deno.test("handle() logs each kind of refusal once an hour", async () => {
  using receiver = setReceiver();
  const { post, log, runtime } = receiver;
  const refuse = () => post({ subject: "Disk full", severety: "error" });
  assertEquals([(await refuse()).status, (await refuse()).status, (await post({}, "/notify")).status], [400, 400, 404]);
  assertEquals(log, [
    'socket nut: refused: Cannot use field "severety": there is no such field (logged once an hour)',
    "socket nut: refused: Cannot use /notify: there is only POST /send (logged once an hour)",
  ]);
  runtime.time += 3_600_000;
  await refuse();
  assertEquals(log.length, 3);
});

Deno.test("handle() tells a sender to try again while other requests fill the memory, and still takes a short one", async () => {
  const open = Promise.withResolvers<void>();
  using scene = setReceiver({ maxBytes: 400 }, () => QUEUED, { smallBytes: 100, maxTotalBytes: 300 });
  scene.waitFor(open.promise);
  const large = { subject: "a", message: "x".repeat(300) };
  const first = scene.post(large);
  const refused = await scene.post(large);
  assertEquals([refused.status, refused.headers.get("retry-after")], [503, "5"]);
  const short = scene.post({ subject: "a" });
  open.resolve();
  assertEquals([(await first).status, (await short).status, (await scene.post(large)).status], [202, 202, 202]);
});

Deno.test("handle() frees the memory of a request when its notification is on disk, before the delivery", async () => {
  const open = Promise.withResolvers<void>();
  using scene = setReceiver({ maxBytes: 400 }, () => QUEUED, { smallBytes: 100, maxTotalBytes: 300 });
  scene.waitFor(open.promise);
  const large = { subject: "a", message: "x".repeat(300), wait: "10m" };
  const first = scene.post(large);
  await new Promise((next) => setTimeout(next, 0));
  scene.accepted[0].options?.onStored?.();
  const second = scene.post(large);
  await new Promise((next) => setTimeout(next, 0));
  assertEquals(scene.accepted.length, 2);
  open.resolve();
  assertEquals([(await first).status, (await second).status], [202, 202]);
});

Deno.test("handle() answers 503 with the code when the queue cannot store the notification", async () => {
  using scene = setReceiver({}, () => {
    throw new StorageError("queue-full", "Cannot queue: the file has reached its limit", { hint: "make space" });
  });
  const { status, body } = await scene.post({ subject: "a" });
  assertEquals(status, 503);
  assertEquals(body.error, {
    ...{ name: "StorageError", code: "queue-full", message: "Cannot queue: the file has reached its limit" },
    hint: "make space",
  });
});

Deno.test("handle() says if an incident is open", async () => {
  using scene = setReceiver();
  assertEquals((await scene.post({ subject: "a", key: "open" }, "/incident")).body, { open: true });
  assertEquals((await scene.post({ subject: "a", key: "other" }, "/incident")).body, { open: false });
});
