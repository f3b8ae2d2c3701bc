import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Channel, SendOptions } from "../../src/channels/channel.ts";
import { Courier } from "../../src/delivery/courier.ts";
import {
  NotSentError,
  NotTheServiceError,
  ResponseError,
  StorageError,
  TooEarlyError,
  TransportError,
} from "../../src/base/errors.ts";
import { MatrixError } from "../../src/matrix/errors.ts";
import { createNotification } from "../../src/notification/notification.ts";
import { notificationOf } from "../../src/queue/entry.ts";
import { Queue } from "../../src/queue/queue.ts";
import { Objects } from "../fakes/garbage.ts";
import { type FakeRuntime, fakeRuntime, TEST_TIME } from "../fakes/runtime.ts";

/**
 * A channel that follows a script: each attempt throws an error, calls a function, or returns a
 * receipt.
 */
class ScriptedChannel implements Channel {
  readonly kind = "scripted";
  readonly isIdempotent = true;
  readonly destinations = ["!a"];
  readonly sent: string[] = [];
  readonly options: SendOptions[] = [];
  readonly script: unknown[];

  constructor(readonly name: string, script: unknown[] = []) {
    this.script = script;
  }

  hasRoomFor(): boolean {
    return true;
  }

  send({ destination, notification }: Parameters<Channel["send"]>[0], options: SendOptions): Promise<{ id: string }> {
    this.sent.push(`${destination} ${notification.subject}`);
    this.options.push(options);
    const step = this.script.shift();
    if (typeof step === "function") step();
    if (step instanceof Error) return Promise.reject(step);
    return Promise.resolve({ id: `$${this.sent.length}`, ...(typeof step === "object" ? step : {}) });
  }
}

interface Scene {
  readonly queue: Queue;
  readonly runtime: FakeRuntime;
  readonly journal: () => { t: string; [key: string]: unknown }[];
  courier(...channels: Channel[]): Courier;
  add(subject: string, where?: { channel?: string; destination?: string; expires?: number }): Promise<string>;
}

async function courierTest(body: (scene: Scene) => Promise<void>) {
  const stateDir = Deno.makeTempDirSync();
  using runtime = fakeRuntime();
  const queue = Queue.open(stateDir, runtime);
  queue.prepare();
  using _lock = queue.deliverLock.tryAcquire();
  try {
    await body({
      queue,
      runtime,
      journal: () =>
        Deno.readTextFileSync(`${queue.directory}/queue.jsonl`).trimEnd().split("\n").map((line) => JSON.parse(line)),
      courier: (...channels) =>
        new Courier(queue, new Map(channels.map((channel) => [channel.name, channel])), runtime),
      async add(subject, { channel = "matrix", destination = "!a", expires = TEST_TIME * 2 } = {}) {
        const request = {
          channel,
          destination,
          notification: createNotification({ subject }, TEST_TIME),
          expires,
        };
        const { entries: [entry] } = await queue.enqueue([request], () => false);
        return entry.id;
      },
    });
  } finally {
    Deno.removeSync(stateDir, { recursive: true });
  }
}

const refused = () => new TransportError("connect", "Cannot connect");
const cut = () => new TransportError("exchange", "Connection broke");
const limited = (retryAfterMs: number) =>
  new MatrixError("429", { status: 429, errcode: "M_LIMIT_EXCEEDED", retryAfterMs });
const error = (status: number, errcode: string) => new MatrixError(errcode, { status, errcode });

Deno.test("Courier.run() does not send an entry whose destinations are not decided", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    const channel = new ScriptedChannel("matrix");
    for (const destination of ["?", "? !room"]) await add("Undecided", { destination });
    const own = courier(channel);
    assertEquals(own.hasWork(), false);
    await own.run({ patienceMs: 0 });
    assertEquals([channel.sent, queue.state.liveEntries().length], [[], 2]);
    await add("Decided");
    await own.run({ patienceMs: 0 });
    assertEquals(channel.sent, ["!a Decided"]);
  });
});

Deno.test("Courier.run() delivers in the order of arrival and empties the queue", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    for (const subject of ["1", "2", "3"]) await add(subject);
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: 0 });
    assertEquals(channel.sent, ["!a 1", "!a 2", "!a 3"]);
    assertEquals(queue.state.entries(), []);
  });
});

Deno.test("Courier.run() retries with the same txnId and backoff, and stops the lane meanwhile", async () => {
  await courierTest(async ({ courier, add, runtime }) => {
    const id = await add("1");
    await add("2");
    const channel = new ScriptedChannel("matrix", [refused(), refused(), refused()]);
    await courier(channel).run({ patienceMs: Infinity });
    assertEquals(channel.sent, ["!a 1", "!a 1", "!a 1", "!a 1", "!a 2"]);
    assertEquals(channel.options.slice(0, 4).map(({ txnId, late }) => [txnId, late]), [[id, false], [id, true], [
      id,
      true,
    ], [id, true]]);
    // Half fixed, half random with dice at one half: 1 s (the floor), 1.5 s, 3 s.
    assertEquals(Math.round((runtime.time - TEST_TIME) / 100) / 10, 5.5);
  });
});

Deno.test("Courier.run() makes one attempt for all entries of a channel that fails", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    for (let count = 0; count < 50; count++) await add(String(count), { destination: `!${count}` });
    const channel = new ScriptedChannel("matrix", [refused()]);
    await courier(channel).run({ patienceMs: 0 });
    assertEquals([channel.sent.length, queue.state.liveEntries().length], [1, 50]);
  });
});

Deno.test("Courier.run() waits as long as the server asks", async () => {
  await courierTest(async ({ courier, add, runtime }) => {
    await add("1");
    const channel = new ScriptedChannel("matrix", [limited(20_000)]);
    await courier(channel).run({ patienceMs: 10_000 });
    assertEquals(channel.sent.length, 1, "20 s exceed the patience");
    await courier(channel).run({ patienceMs: Infinity });
    assertEquals(channel.sent.length, 2);
    // A process that another test forks may hold our lock for a moment, which takes a little time.
    const waitedMs = runtime.time - TEST_TIME;
    assert(waitedMs >= 20_000 && waitedMs < 21_000, String(waitedMs));
  });
});

Deno.test("Courier.run() delivers to other channels while one waits", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1");
    await add("1", { channel: "ntfy", destination: "alerts" });
    const ntfy = new ScriptedChannel("ntfy");
    await courier(new ScriptedChannel("matrix", [refused()]), ntfy).run({ patienceMs: 0 });
    assertEquals([ntfy.sent, queue.state.liveEntries().map((entry) => entry.channel)], [["alerts 1"], ["matrix"]]);
  });
});

Deno.test("Courier.run() keeps nothing of each pause while an attempt takes long", async () => {
  await courierTest(async ({ add, queue, runtime }) => {
    await add("1");
    const slow = new ScriptedChannel("matrix");
    const { promise: answered, resolve: answer } = Promise.withResolvers<{ id: string }>();
    slow.send = () => answered;
    const ends = new Objects();
    const leave = new AbortController();
    const sleep = async () => {
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (ends.count === 100) {
        assertEquals(await ends.countUsed(), 0);
        answer({ id: "$1" });
        leave.abort();
      }
      const end: unknown = ends.add({});
      return end as void;
    };
    const courier = new Courier(queue, new Map([["matrix", slow]]), { ...runtime, sleep });
    await courier.run({ patienceMs: Infinity, runsOn: true, leave: leave.signal });
    assertEquals([ends.count >= 100, queue.state.entries()], [true, []]);
  });
});

Deno.test("Courier.run() stops the lane of a room that refuses, and delivers to other rooms", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1", { destination: "!closed" });
    await add("2", { destination: "!closed" });
    await add("3", { destination: "!open" });
    const channel = new ScriptedChannel("matrix", [error(403, "M_FORBIDDEN")]);
    await courier(channel).run({ patienceMs: 10_000 });
    assertEquals(channel.sent, ["!closed 1", "!open 3"]);
    assertEquals(queue.state.liveEntries().map((entry) => entry.destination), ["!closed", "!closed"]);
  });
});

Deno.test("Courier.run() stops only the lane of a busy destination, with backoff", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1", { destination: "!full" });
    for (const subject of ["2", "3"]) await add(subject, { destination: "!open" });
    const full = new ResponseError("450", { status: 450, failureClass: "destination-busy" });
    const channel = new ScriptedChannel("matrix", [full]);
    await courier(channel).run({ patienceMs: 0 });
    assertEquals(channel.sent, ["!full 1", "!open 2", "!open 3"]);
    assertEquals(queue.state.liveEntries().map(({ wait }) => [wait?.class, (wait?.next ?? 0) - (wait?.since ?? 0)]), [
      ["destination-busy", 60_000],
    ]);
  });
});

Deno.test("Courier.run() gives every room its turn if one always fails", async () => {
  await courierTest(async ({ courier, add }) => {
    for (const destination of ["!broken", "!a", "!b"]) await add("1", { destination });
    const broken = () => new ResponseError("500", { status: 500 });
    const channel = new ScriptedChannel("matrix", [broken(), "ok", "ok", broken()]);
    await courier(channel).run({ patienceMs: 10_000 });
    assertEquals(channel.sent, ["!broken 1", "!a 1", "!b 1", "!broken 1", "!broken 1"]);
  });
});

Deno.test("Courier.run() moves a rejected entry to the dead letters and goes on with the lane", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1");
    await add("2");
    const channel = new ScriptedChannel("matrix", [error(413, "M_TOO_LARGE")]);
    await courier(channel).run({ patienceMs: 0 });
    assertEquals(channel.sent, ["!a 1", "!a 2"]);
    assertEquals(queue.state.entries().map((entry) => entry.dead?.reason), ["M_TOO_LARGE"]);
  });
});

Deno.test("Courier.run() holds the entries of a channel with bad credentials, retries slowly, and goes on once they work", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1");
    await add("2");
    const channel = new ScriptedChannel("matrix", [error(401, "M_UNKNOWN_TOKEN"), error(401, "M_UNKNOWN_TOKEN")]);
    await courier(channel).run({ patienceMs: 60_000 });
    assertEquals(queue.state.liveEntries().map((entry) => queue.state.entryState(entry)), ["held", "held"]);
    runtime.time += 299_000;
    await courier(channel).run({ patienceMs: 1000 });
    assertEquals(channel.sent.length, 2, "the retry after 5 min");
    runtime.time += 300_000;
    await courier(channel).run({ patienceMs: 0 });
    assertEquals([channel.sent.length, queue.state.liveEntries().length], [4, 0]);
  });
});

Deno.test("Courier.run() leaves the entries of unknown channels in the queue", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1", { channel: "gone" });
    await add("2");
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: Infinity });
    assertEquals([channel.sent, queue.state.liveEntries().map(({ attempts, wait }) => [attempts, wait])], [["!a 2"], [[
      0,
      undefined,
    ]]]);
  });
});

Deno.test("Courier.run() moves an unreadable entry to the dead letters, and goes on", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await queue.enqueue([{
      channel: "matrix",
      destination: "!a",
      notification: { subject: 5 },
      expires: TEST_TIME * 2,
    }], () => false);
    await add("2");
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: 0 });
    assertEquals([channel.sent, queue.state.entries().map(({ dead }) => dead?.reason.slice(0, 28))], [["!a 2"], [
      "Cannot read the notification",
    ]]);
  });
});

Deno.test("Courier.run() ignores waits that a clock decided that ran ahead", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1");
    const channel = new ScriptedChannel("matrix", [limited(3_600_000)]);
    runtime.time += 365 * 86_400_000;
    await courier(channel).run({ patienceMs: 0 });
    runtime.time -= 365 * 86_400_000;
    await courier(channel).run({ patienceMs: 0 });
    assertEquals([channel.sent.length, queue.state.liveEntries().length], [2, 0]);
  });
});

Deno.test("Courier.run() does not expire what was queued before the clock was set", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    runtime.time = 0;
    await add("1", { expires: 86_400_000 });
    runtime.time = TEST_TIME;
    await courier(new ScriptedChannel("matrix")).run({ patienceMs: 0 });
    assertEquals(queue.state.entries(), []);
  });
});

Deno.test("Courier.run() expires nothing when the clock jumps to 2038", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1", { expires: runtime.time + 86_400_000 });
    runtime.time = Date.UTC(2038, 0, 19);
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: 0 });
    assertEquals([channel.sent.length, queue.state.entries()], [1, []]);
  });
});

Deno.test("Courier.run() announces each attempt on disk first, many in one write", async () => {
  await courierTest(async ({ courier, add, journal }) => {
    for (let count = 0; count < 8; count++) await add(String(count));
    const announced: number[] = [];
    const count = () => announced.push(journal().filter(({ t }) => t === "att").length);
    await courier(new ScriptedChannel("matrix", Array(8).fill(count))).run({ patienceMs: 0 });
    assertEquals(announced, [1, 3, 3, 7, 7, 7, 7, 8]);
  });
});

Deno.test("Courier.run() withdraws the announcements after a failure, so that they do not count as attempts", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    for (let count = 0; count < 4; count++) await add(String(count));
    const channel = new ScriptedChannel("matrix", ["ok", cut()]);
    await courier(channel).run({ patienceMs: 0 });
    assertEquals(
      queue.state.liveEntries().map(({ attempts, inFlight, inDoubt }) => [attempts, inFlight, inDoubt?.since]),
      [
        [1, undefined, TEST_TIME],
        [0, undefined, undefined],
        [0, undefined, undefined],
      ],
    );
  });
});

Deno.test("Courier.run() retries an attempt that was killed in flight after a gap, marked as in doubt", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1");
    await queue.announce(queue.state.liveEntries());
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: Infinity });
    const [{ inDoubt, late }] = channel.options;
    assertEquals([runtime.time - TEST_TIME, inDoubt, late], [2000, { since: TEST_TIME, until: TEST_TIME }, true]);
  });
});

Deno.test("Courier.run() waits once after an attempt that was killed in flight, even if later runs are short", async () => {
  // Each run without patience used to start the gap again, so that short runs never delivered.
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1");
    await queue.announce(queue.state.liveEntries());
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: 0 });
    const [{ wait }] = queue.state.liveEntries();
    assertEquals([wait?.class, wait?.next, queue.state.channelState("matrix")], ["in-doubt", TEST_TIME + 2000, {
      failures: 0,
    }]);
    runtime.time += 2000;
    await courier(channel).run({ patienceMs: 0 });
    assertEquals([channel.sent, queue.state.liveEntries()], [["!a 1"], []]);
  });
});

Deno.test("Courier.run() marks an entry as in doubt until that is cleared, also after a 429", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1");
    const channel = new ScriptedChannel("matrix", [cut(), limited(5000), { possibleDuplicate: true }]);
    await courier(channel).run({ patienceMs: Infinity });
    const doubt = { since: TEST_TIME, until: TEST_TIME };
    assertEquals(channel.options.map((options) => options.inDoubt), [undefined, doubt, doubt]);
    assertEquals(queue.figures().possibleDuplicates, 1);
  });
});

Deno.test("Courier.run() delivers to other lanes while it is too early to read a room back", async () => {
  await courierTest(async ({ courier, add, journal, runtime }) => {
    await add("1", { destination: "!a" });
    await add("2", { destination: "!b" });
    const tooEarly = new TooEarlyError("too early", TEST_TIME + 35_000);
    const channel = new ScriptedChannel("matrix", [tooEarly, "ok", { via: "read-back" }]);
    await courier(channel).run({ patienceMs: Infinity });
    assertEquals([channel.sent, runtime.time - TEST_TIME], [["!a 1", "!b 2", "!a 1"], 35_000]);
    assertEquals(journal().filter(({ t }) => t === "ack").map(({ via }) => via), ["put", "read-back"]);
  });
});

Deno.test("Courier.run() retries when something else than the service answers", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1");
    await courier(new ScriptedChannel("matrix", [new NotTheServiceError("It is a portal", { status: 200 })])).run({
      patienceMs: 0,
    });
    assertEquals(queue.state.liveEntries()[0].wait?.class, "not-the-service");
  });
});

Deno.test("Courier.run() moves expired entries to the dead letters, and sends one notice to each lane", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    const expires = TEST_TIME + 1000;
    await add("1", { expires });
    await add("2");
    await add("3", { expires, destination: "!b" });
    await add("4", { expires });
    runtime.time += 1000;
    const channel = new ScriptedChannel("matrix");
    await courier(channel).run({ patienceMs: 0 });
    assertEquals(channel.sent, ["!a 2", "!a 2 notifications expired", "!b A notification expired"]);
    assertEquals(queue.state.entries().map((entry) => entry.dead?.reason), Array(3).fill("Expired after 1 s"));
    assertEquals(queue.state.entries().map((entry) => entry.dead?.expired), [true, true, true]);
  });
});

Deno.test("Courier.run() uses the singular in a notice about one expired entry", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1", { expires: TEST_TIME + 1000 });
    runtime.time += 1000;
    await courier(new ScriptedChannel("matrix", [refused()])).run({ patienceMs: 0 });
    const { message } = notificationOf(queue.state.liveEntries()[0]) as { message: string };
    assertEquals(message.split("\n")[2].split(".")[0], "It was not delivered in time and is a dead letter now");
  });
});

Deno.test("Courier.run() reports what expires in an outage in one notice, which causes no further notice", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    const channel = new ScriptedChannel("matrix", Array(6).fill(refused()));
    for (let count = 1; count <= 12; count++) await add(`${count}`, { expires: TEST_TIME + count * 3_600_000 });
    const down = courier(channel);
    for (let hour = 0; hour < 13; hour++) {
      channel.script.push(refused());
      await down.run({ patienceMs: 0 });
      runtime.time += 3_600_000;
    }
    const [news, ...others] = queue.state.liveEntries();
    assertEquals([others, news.attempts > 0], [[], true]);
    const { subject, message } = notificationOf(news) as { subject: string; message: string };
    assertEquals(subject, "12 notifications expired");
    assertEquals(
      message.split("\n").slice(0, 11),
      [..."123456789"].map((n) => `- ${n}`).concat("- 10", "- … and 2 more"),
    );
    runtime.time = news.expires;
    await down.run({ patienceMs: 0 });
    assertEquals(queue.state.liveEntries(), []);
    assertEquals(queue.state.entries().length, 13);
  });
});

Deno.test("Courier.run() starts no attempt after its deadline, and limits timeouts to the time that is left", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    const mine = [await add("1"), await add("2"), await add("3")];
    const channel = new ScriptedChannel("matrix", [
      () => void (runtime.time += 4000),
      () => void (runtime.time += 10_000),
    ]);
    await courier(channel).run({ patienceMs: 0, deadline: TEST_TIME + 10_000, mine });
    assertEquals(channel.options.map(({ timeoutMs }) => timeoutMs), [10_000, 6000]);
    assertEquals(queue.state.liveEntries().map(({ attempts, inFlight }) => [attempts, inFlight]), [[0, undefined]]);
  });
});

for (const [patienceMs, left] of [[0, 2], [10_000, 1]]) {
  const title =
    `Courier.run() ends when none of \`mine\` can leave within ${patienceMs} ms, even if other entries wait`;
  Deno.test(title, async () => {
    await courierTest(async ({ courier, add, queue }) => {
      const mine = await add("1");
      await add("2", { channel: "ntfy", destination: "alerts" });
      const ntfy = new ScriptedChannel("ntfy", [limited(60_000)]);
      await courier(new ScriptedChannel("matrix", [refused()]), ntfy).run({ patienceMs, mine: [mine] });
      assertEquals(queue.state.liveEntries().length, left);
    });
  });
}

Deno.test("Courier.run() throws the reason of the signal and leaves the attempt in flight", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1");
    const controller = new AbortController();
    const reason = new Error("stopped by SIGTERM");
    const channel = new ScriptedChannel("matrix");
    channel.send = () => {
      controller.abort(reason);
      return Promise.reject(reason);
    };
    const thrown = await assertRejects(() => courier(channel).run({ patienceMs: Infinity, signal: controller.signal }));
    assertEquals([thrown, queue.state.liveEntries()[0].inFlight?.n], [reason, 1]);
  });
});

Deno.test("Courier.run() retries at once after a flush, but not before the gap after an attempt in doubt", async () => {
  await courierTest(async ({ courier, add, queue, runtime }) => {
    await add("1");
    const channel = new ScriptedChannel("matrix", [refused(), refused(), refused(), refused(), refused(), cut()]);
    const run = courier(channel);
    await run.run({ patienceMs: 20_000 });
    assertEquals(channel.sent.length, 6);
    const before = runtime.time;
    await queue.requestFlush();
    await run.run({ patienceMs: 30_000 });
    assertEquals([channel.sent.length, Math.round(runtime.time - before)], [7, 2000]);
  });
});

Deno.test("Courier.run() starts no attempt while it cannot read the spool", async () => {
  await courierTest(async ({ courier, add, queue }) => {
    await add("1");
    Deno.writeTextFileSync(`${queue.directory}/spool`, "a file in the place of a directory");
    const channel = new ScriptedChannel("matrix");
    await assertRejects(
      () => courier(channel).run({ patienceMs: 0 }),
      StorageError,
      "/spool: a part of the path is not a directory",
    );
    assertEquals(channel.sent, []);
    Deno.removeSync(`${queue.directory}/spool`);
    await courier(channel).run({ patienceMs: 0 });
    assertEquals(channel.sent, ["!a 1"]);
  });
});

Deno.test("Courier.run() finishes attempts in flight when the queue fails", async () => {
  await courierTest(async ({ courier, add, queue, journal }) => {
    const ids = [await add("1", { channel: "first" }), await add("2", { channel: "second" })];
    const answer = Promise.withResolvers<{ id: string }>();
    const trouble = () => Deno.writeTextFileSync(`${queue.directory}/spool`, "a file in the place of a directory");
    const first = new ScriptedChannel("first", [trouble]);
    const second: Channel = { ...createChannel("second"), send: () => answer.promise };
    const run = courier(first, second).run({ patienceMs: 0 });
    queue.refresh();
    while (queue.state.entry(ids[0])) await Promise.resolve(queue.refresh());
    answer.resolve({ id: "$late" });
    await assertRejects(() => run, StorageError, "/spool");
    assertEquals(journal().filter(({ t }) => t === "ack").map(({ receipt }) => receipt), ["$1", "$late"]);
  });
});

/** A channel without `send`. */
function createChannel(name: string): Omit<Channel, "send"> {
  return { name, kind: "scripted", isIdempotent: true, destinations: ["!a"], hasRoomFor: () => true };
}

for (
  const [when, wrap, state] of [
    ["before", (error: unknown) => new NotSentError(error), "not-sent"],
    ["while", (error: unknown) => error, "in-doubt"],
  ] as const
) {
  Deno.test(`Courier.run() ends an attempt whose server never finishes ${when} the message is sent`, async () => {
    await courierTest(async ({ courier, add, runtime, queue }) => {
      await add("1");
      const channel = new ScriptedChannel("matrix");
      channel.send = (_, { signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(wrap(signal.reason)));
          runtime.expireTimeouts();
        });
      await courier(channel).run({ patienceMs: 0, deadline: TEST_TIME + 5000 });
      const failure = queue.state.channelState("matrix").wait;
      assertEquals(
        [failure?.class, failure?.reason],
        [state, "Cannot finish the attempt within 6 s: the server answers too slowly"],
      );
    });
  });
}

Deno.test("Courier.run() does not end the program of a channel, which has a time limit of its own", async () => {
  await courierTest(async ({ courier, add }) => {
    await add("1");
    const channel = new ScriptedChannel("exec");
    await courier(Object.assign(channel, { name: "matrix", runsSubprocesses: true })).run({ patienceMs: 0 });
    assertEquals(channel.options.map(({ signal }) => signal), [undefined]);
  });
});

Deno.test("Courier.run() starts no further attempt after `leave`, and withdraws what it announced", async () => {
  await courierTest(async ({ courier, add, queue, journal }) => {
    for (const subject of ["1", "2", "3", "4", "5"]) await add(subject);
    const leave = new AbortController();
    // The second write to the journal announces two attempts.
    const channel = new ScriptedChannel("matrix", [undefined, () => leave.abort()]);
    const end = await courier(channel).run({ patienceMs: Infinity, runsOn: true, leave: leave.signal });
    assertEquals([end, channel.sent], ["handed-over", ["!a 1", "!a 2"]]);
    assertEquals(
      queue.state.entries().map(({ inFlight, attempts }) => [inFlight, attempts]),
      Array(3).fill([
        undefined,
        0,
      ]),
    );
    assertEquals(journal().filter(({ t, class: kind }) => t === "nack" && kind === "withdrawn").length, 1);
  });
});

Deno.test("Courier.run() reads the queue while the last attempt after `leave` takes minutes", async () => {
  await courierTest(async ({ courier, add, runtime }) => {
    await add("1");
    const leave = new AbortController(), end = TEST_TIME + 130_000;
    const channel = new ScriptedChannel("matrix");
    channel.send = async () => {
      leave.abort();
      for (let turns = 0; turns < 5000 && runtime.time < end; turns++) await new Promise((next) => setTimeout(next));
      runtime.time = Math.max(runtime.time, end);
      return { id: "$1" };
    };
    let last = runtime.time, longestMs = 0;
    const onRound = () => {
      longestMs = Math.max(longestMs, runtime.time - last);
      last = runtime.time;
    };
    await courier(channel).run({ patienceMs: Infinity, runsOn: true, leave: leave.signal, onRound });
    onRound();
    assert(longestMs < 1000, `${longestMs} ms passed between two rounds`);
  });
});
