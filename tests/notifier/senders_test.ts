/** Tests that the senders of `serve` cannot use the ids and incident keys of each other. */

import { assertEquals, assertMatch } from "@std/assert";
import { NotifierCore } from "../../src/notifier/core.ts";
import type { CoreNotifyOptions } from "../../src/notifier/core.ts";
import type { NotificationInput } from "../../src/notification/notification.ts";
import { LoopbackNtfy } from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

const SOCKET = "socket socket", NUT = "socket nut";

/** A queue that several senders use. */
async function openQueue() {
  const ntfy = await LoopbackNtfy.start();
  const folder = await Deno.makeTempDir();
  const runtime = fakeRuntime({ realIds: true });
  const configFile = `${folder}/config.json`;
  const configure = (mistake: Readonly<Record<string, unknown>> = {}) => {
    const phone = { kind: "ntfy", server: ntfy.url, topic: "alerts", ...mistake };
    Deno.writeTextFileSync(configFile, JSON.stringify({ channels: { phone } }), { mode: 0o600 });
  };
  configure();
  const use = async <Result>(act: (notifier: NotifierCore) => Result | Promise<Result>) => {
    await using notifier = await NotifierCore.open({ runtime, configFile, stateDir: `${folder}/state` });
    return await act(notifier);
  };
  return {
    ...{ configure, use },
    notify: (input: NotificationInput, options: CoreNotifyOptions = {}) =>
      use((notifier) => notifier.notify(input, options)),
    texts: () => ntfy.messages("alerts").map(({ message }) => `${message}`),
    async [Symbol.asyncDispose]() {
      runtime[Symbol.dispose]();
      await ntfy[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("NotifierCore.notify() resolves only incidents of the same sender", async () => {
  await using queue = await openQueue();
  await queue.notify({ subject: "Disk full", key: "disk" });
  const isOpen = (sender?: string) =>
    queue.use((notifier) => notifier.hasOpenIncident({ subject: "", key: "disk" }, { sender }));
  assertEquals([await isOpen(), await isOpen(SOCKET), await isOpen(NUT)], [true, false, false]);
  await queue.notify({ subject: "No incident", key: "disk", resolves: true }, { sender: SOCKET });
  await queue.notify({ subject: "UPS on battery", key: "disk" }, { sender: NUT });
  assertEquals([await isOpen(), await isOpen(SOCKET), await isOpen(NUT)], [true, false, true]);
  await queue.notify({ subject: "UPS on mains", key: "disk", resolves: true }, { sender: NUT });
  assertEquals([await isOpen(), await isOpen(SOCKET), await isOpen(NUT)], [true, false, false]);
  await queue.notify({ subject: "Disk has space", key: "disk", resolves: true });
  const resolutions = queue.texts().filter((text) => text.includes("Resolved"));
  assertEquals(resolutions.map((text) => text.includes("after")), [false, true, true], resolutions.join("\n"));
});

Deno.test("NotifierCore.notify() replaces only queued notifications of the same sender", async () => {
  await using queue = await openQueue();
  for (const sender of [undefined, SOCKET, NUT, SOCKET]) {
    await queue.notify({ subject: `from ${sender ?? "root"}`, key: "disk" }, { sender, waitMs: 0 });
  }
  const entries = await queue.use((notifier) => notifier.entries());
  assertEquals(entries.map(({ key, sender }) => [key, sender]), [["disk", undefined], ["disk", NUT], ["disk", SOCKET]]);
});

Deno.test("NotifierCore.notify() takes the same id once from each sender", async () => {
  await using queue = await openQueue();
  const senders = [undefined, SOCKET, NUT, SOCKET, undefined];
  for (const sender of senders) await queue.notify({ subject: "once" }, { id: "7", sender });
  await queue.notify({ subject: "an id like that of another sender" }, { id: `7 ${NUT}` });
  assertEquals(queue.texts().length, 4);
});

Deno.test("NotifierCore.notify() keeps the sender of a notification while the channel has a mistake", async () => {
  await using queue = await openQueue();
  await queue.notify({ subject: "Disk full", key: "disk" });
  queue.configure({ topik: "x" });
  await queue.notify({ subject: "Not mine", key: "disk", resolves: true }, { id: "7", sender: SOCKET });
  queue.configure();
  await queue.notify({ subject: "Not mine", key: "disk", resolves: true }, { id: "7", sender: SOCKET });
  await queue.notify({ subject: "Disk has space", key: "disk", resolves: true });
  const [, , last, ...more] = queue.texts();
  assertMatch(last, /Resolved after /);
  assertEquals(more, []);
});
