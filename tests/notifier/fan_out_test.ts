/** Sends one notification to six channels with real processes. Two of the channels are down. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { NotifierCore } from "../../src/notifier/core.ts";
import { LoopbackWebhook } from "../../src/testing/mod.ts";
import { fanOutTest, LOGIN, NAMES } from "./fan_out_scene.ts";
import { readAllFiles } from "../fakes/read_all_files.ts";
import { smtpSuite } from "../fakes/smtp_server.ts";

const smtpTest = await smtpSuite();

smtpTest(
  "send delivers through four channels at once, and later through the two that were down, each once",
  async () => {
    await fanOutTest(async ({ homeserver, telegram, email, counts, run }) => {
      await homeserver.stop();
      await telegram.stop();
      const sent = await run(["send", "Link down", "ether1", "--no-background"]);
      assertEquals([sent.code, sent.stderr], [0, ""]);
      assertEquals(sent.states, {
        matrix: "queued",
        phone: "delivered",
        gotify: "delivered",
        telegram: "queued",
        email: "delivered",
        hook: "delivered",
      });
      await email.waitForMails(1);
      assertEquals(await counts(), [0, 1, 1, 0, 1, 1]);
      // While some channels are down, the other channels do not deliver the notification again.
      const early = await run(["flush", "--no-background", "--wait", "0"]);
      assertEquals([early.code, await counts()], [75, [0, 1, 1, 0, 1, 1]]);
      await homeserver.restart();
      await telegram.restart();
      const flushed = await run(["flush", "--no-background"]);
      assertEquals([flushed.code, flushed.states], [0, { matrix: "delivered", telegram: "delivered" }]);
      assertEquals(await counts(), NAMES.map(() => 1));
    });
  },
);

smtpTest(
  "send delivers through four channels while one hangs and one is down, and a kill repeats nothing",
  async () => {
    await fanOutTest(async ({ homeserver, telegram, email, counts, run, start, acknowledged }) => {
      // The homeserver stores the message, but does not respond.
      homeserver.fault("hang-after-persisting");
      telegram.fault("refuse");
      const sender = start(["send", "Link down", "ether1", "--no-background"]);
      await acknowledged(4);
      await homeserver.received(({ fault, handled }) => fault === "hang-after-persisting" && handled);
      sender.kill("SIGKILL");
      await sender.output();
      await email.waitForMails(1);
      assertEquals(await counts(), [1, 1, 1, 0, 1, 1]);
      await homeserver.clearFaults();
      await telegram.clearFaults();
      const flushed = await run(["flush", "--no-background"]);
      assertEquals([flushed.code, flushed.states], [0, { matrix: "delivered", telegram: "delivered" }]);
      assertEquals(await counts(), NAMES.map(() => 1));
    });
  },
);

smtpTest("the background deliverer sends through every channel what its parent could not", async () => {
  await fanOutTest(async ({ email, telegram, counts, run, acknowledged, stateDir }) => {
    await email.end();
    telegram.fault("refuse");
    const sent = await run(["send", "Link down", "ether1", "--wait", "5s"]);
    assertEquals([sent.code, sent.states.email, sent.states.telegram], [0, "queued", "queued"]);
    await telegram.clearFaults();
    await email.begin();
    await acknowledged(NAMES.length);
    await email.waitForMails(1);
    assertEquals(await counts(), NAMES.map(() => 1));
    const text = readAllFiles(stateDir());
    assertStringIncludes(text, "delivered");
    for (const secret of [telegram.token, LOGIN.password]) assert(!text.includes(secret), "no secret is on disk");
  });
});

Deno.test("channels of one kind have separate lanes", async () => {
  await using one = await LoopbackWebhook.start();
  await using two = await LoopbackWebhook.start();
  const stateDir = await Deno.makeTempDir();
  const hook = (url: string) => ({ kind: "webhook", url, body: { subject: "{{subject}}" } } as const);
  const channels = { one: hook(one.url), two: hook(two.url), webhook: hook(`${two.url}/third`) };
  await using notifier = await NotifierCore.open({ stateDir, channels });
  const outcomes = await notifier.notify({ subject: "Up" });
  assertEquals(outcomes.map(({ channel, state }) => [channel, state]), [
    ["one", "delivered"],
    ["two", "delivered"],
    ["webhook", "delivered"],
  ]);
  assertEquals([one.deliveries.length, two.deliveries.map(({ path }) => path)], [1, ["/", "/third"]]);
  await Deno.remove(stateDir, { recursive: true });
});
