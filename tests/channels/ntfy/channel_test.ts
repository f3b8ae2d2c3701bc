import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { MAX_NTFY_BYTES } from "../../../src/channels/ntfy/channel.ts";
import { ConfigError, NotTheServiceError, ResponseError } from "../../../src/base/errors.ts";
import type { NotificationInput } from "../../../src/notification/notification.ts";
import { byteLength } from "../../../src/notification/render.ts";
import { LoopbackNtfy, type NtfyOptions } from "../../../src/testing/mod.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { openChannel, TEST_ID } from "../harness.ts";

async function ntfyTest(
  options: NtfyOptions,
  body: (
    t: { ntfy: LoopbackNtfy; send(input: NotificationInput, token?: string, late?: boolean): Promise<string> },
  ) => Promise<void>,
) {
  using runtime = fakeRuntime();
  await using ntfy = await LoopbackNtfy.start(options);
  await body({
    ntfy,
    async send(input, token, late = false) {
      const { send } = openChannel("ntfy", { server: ntfy.url, topic: "alerts", token }, runtime);
      return (await send(input, { txnId: "t", late, timeoutMs: 1000 })).id;
    },
  });
}

Deno.test("NtfyChannel.send() publishes title, message, priority and link, and returns ntfy's id", async () => {
  await ntfyTest({}, async ({ ntfy, send }) => {
    const id = await send({ subject: "Up", message: "a\nb", link: "https://example.org/", severity: "critical" });
    const [message] = ntfy.messages("alerts");
    assertEquals([message.id, message.title, message.message, message.priority, message.click], [
      id,
      "[jump] Up",
      "a\nb",
      5,
      "https://example.org/",
    ]);
  });
});

Deno.test("NtfyChannel.send() uses the same sequence id on every attempt, so that newer apps show one message", async () => {
  await using ntfy = await LoopbackNtfy.start();
  using runtime = fakeRuntime();
  const { send } = openChannel("ntfy", { server: ntfy.url, topic: "alerts" }, runtime);
  ntfy.fault("drop-after-persisting", { times: 1 });
  await assertRejects(() => send({ subject: "Up" }));
  assertEquals((await send({ subject: "Up" }, { inDoubt: { since: 1, until: 2 } })).possibleDuplicate, true);
  assertEquals(ntfy.messages("alerts").map(({ sequence_id }) => sequence_id), [TEST_ID, TEST_ID]);
});

Deno.test("NtfyChannel.send() sends a subject without a body as the message", async () => {
  await ntfyTest({}, async ({ ntfy, send }) => {
    await send({ subject: "Up", silent: true });
    const [{ title, message, priority }] = ntfy.messages("alerts");
    assertEquals([title, message, priority], ["jump", "Up", 2]);
  });
});

Deno.test("NtfyChannel.send() cuts a message to the limit of ntfy, with space for the note that it is late", async () => {
  await ntfyTest({}, async ({ ntfy, send }) => {
    await send({ subject: "Up", message: "ä".repeat(10_000) }, undefined, true);
    const [{ message = "" }] = ntfy.messages("alerts");
    assert(byteLength(message) <= MAX_NTFY_BYTES && byteLength(message) > MAX_NTFY_BYTES - 4);
    assert(/✂ Cut here: \d+ of 20000 bytes are missing\n\n⏰ Queued since .*, 5 s late$/.test(message));
  });
});

Deno.test("NtfyChannel.send() sends its token, and throws if the server rejects it", async () => {
  await ntfyTest({ token: "tk_right" }, async ({ ntfy, send }) => {
    await send({ subject: "Up" }, "tk_right");
    assertEquals(ntfy.messages("alerts").length, 1);
    const error = await assertRejects(() => send({ subject: "Up" }, "tk_wrong"), ResponseError);
    assertEquals(error.status, 401);
  });
});

Deno.test("NtfyChannel.send() throws errors that classify() distinguishes", async () => {
  await ntfyTest({}, async ({ ntfy, send }) => {
    ntfy.fault("captive-portal", { times: 1 });
    await assertRejects(() => send({ subject: "Up" }), NotTheServiceError, "does not answer like ntfy: 200");
    ntfy.fault("429", { times: 1 });
    assertEquals((await assertRejects(() => send({ subject: "Up" }), ResponseError)).status, 429);
  });
});

Deno.test("NtfyChannel.send() logs in with user and password, and ntfy/kind.ts needs both or a token", async () => {
  await using ntfy = await LoopbackNtfy.start({ login: { user: "me", password: "pä:ss wörd" } });
  using runtime = fakeRuntime();
  const where = { server: ntfy.url, topic: "alerts" };
  await openChannel("ntfy", { ...where, user: "me", password: "pä:ss wörd" }, runtime).send({ subject: "A" });
  assertEquals(ntfy.messages("alerts").length, 1);
  const problem = (config: Record<string, string>) =>
    assertThrows(() => openChannel("ntfy", { ...where, ...config }, runtime), ConfigError).message;
  assertEquals(problem({ user: "me" }), "Cannot use channels.ntfy.user: channels.ntfy.password is not set");
  assertEquals(problem({ password: "x" }), "Cannot use channels.ntfy.password: channels.ntfy.user is not set");
  assertEquals(
    problem({ user: "me", password: "x", token: "y" }),
    "Cannot use channels.ntfy.user: channels.ntfy.token is set too",
  );
});
