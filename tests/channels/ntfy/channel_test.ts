import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { MAX_NTFY_BYTES } from "../../../src/channels/ntfy/settings.ts";
import { ConfigError, NotTheServiceError, ResponseError } from "../../../src/base/errors.ts";
import type { NotificationInput } from "../../../src/notification/notification.ts";
import { byteLength } from "../../../src/notification/cut.ts";
import { classify } from "../../../src/delivery/classify.ts";
import { LoopbackNtfy, type NtfyOptions } from "../../../src/testing/mod.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { testFile } from "../../fakes/files.ts";
import { type ChannelTest, openChannel, TEST_ID } from "../harness.ts";

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
    assert(/^ä+\n✂ Cut here: \d+ of 20000 bytes are missing\nä+\n\n⏰ Queued since .*, 5 s late$/.test(message));
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

/** Opens a channel to a server with special limits. */
async function limitsTest(
  options: NtfyOptions,
  config: Readonly<Record<string, unknown>>,
  body: (t: ChannelTest & { readonly ntfy: LoopbackNtfy; readonly sizes: () => number[] }) => Promise<void>,
) {
  using runtime = fakeRuntime();
  await using ntfy = await LoopbackNtfy.start(options);
  const sizes = () => ntfy.messages("alerts").map(({ message }) => byteLength(message));
  await body({ ntfy, sizes, ...openChannel("ntfy", { server: ntfy.url, topic: "alerts", ...config }, runtime) });
}

Deno.test("NtfyChannel.send() sends a request of 8191 bytes, which is the largest that ntfy accepts", async () => {
  await limitsTest({}, {}, async ({ ntfy, send }) => {
    // Each quote takes two bytes in JSON, so the request is full before the message is.
    for (const start of ["", "x"]) await send({ subject: "Up", message: start + '"'.repeat(8000) });
    assertEquals(ntfy.requests.map(({ status }) => status), [200, 200]);
    assertEquals(Math.max(...ntfy.requests.map(({ body }) => byteLength(body))), 8191);
  });
});

Deno.test("NtfyChannel.send() learns the limit of a server that accepts only shorter messages", async () => {
  for (const unit of ["x", '"']) {
    await limitsTest({ messageLimitBytes: 2048 }, {}, async ({ ntfy, send, sizes, warnings }) => {
      await send({ subject: "Up", message: unit.repeat(5000) });
      await send({ subject: "Up", message: unit.repeat(5000) });
      assertEquals(ntfy.requests.map(({ status }) => status).slice(1), [200, 200], "the limit is learned once");
      assert(sizes().every((size) => size <= 2047 && size > 1700), `${sizes()}`);
      assertEquals(warnings.length, 1);
      assertStringIncludes(warnings[0], "set maxBytes in channel ntfy");
    });
  }
  await limitsTest({ messageLimitBytes: 2048, maxFileBytes: 1e6 }, {}, async ({ ntfy, send }) => {
    await send({ subject: "Up", message: "x".repeat(3000) });
    await send({ subject: "Up", message: "x".repeat(3000) });
    const [first, second] = ntfy.messages("alerts");
    assertEquals([first.attachment?.size, second.attachment, ntfy.requests.length], [3000, undefined, 2]);
    assert(second.message.length > 2040, `${second.message.length}`);
  });
});

Deno.test("NtfyChannel.send() uses maxBytes as its limit", async () => {
  await limitsTest({ messageLimitBytes: 2048 }, { maxBytes: 2047 }, async ({ ntfy, send, sizes, warnings }) => {
    await send({ subject: "Up", message: "x".repeat(5000) });
    assertEquals([sizes(), warnings, ntfy.requests.length], [[2047], [], 1]);
  });
  await limitsTest({ messageLimitBytes: 16_384 }, { maxBytes: 16_383 }, async ({ send, sizes }) => {
    await send({ subject: "Up", message: "x".repeat(20_000) });
    assertEquals(sizes(), [16_383]);
  });
});

Deno.test("NtfyChannel.send() rejects a short message that the server calls too long", async () => {
  await limitsTest({}, {}, async ({ ntfy, send }) => {
    ntfy.fault("too-large");
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals([failure.class, failure.errcode, ntfy.requests.length], ["rejected", "41303", 1]);
    assertStringIncludes(failure.reason, "message-size-limit");
  });
});

Deno.test("NtfyChannel.send() lets only the topic wait that it may not write to, and explains the refusal", async () => {
  await limitsTest({ protectedTopics: ["private"] }, {}, async ({ ntfy, send }) => {
    const failureOf = async (destination: string) =>
      classify(await assertRejects(() => send({ subject: "Up" }, { destination })));
    const [denied, reserved] = [await failureOf("private"), await failureOf("docs")];
    assertEquals([denied.class, denied.errcode, reserved.class, reserved.errcode], [
      ...["destination", "40301"],
      ...["destination", "40010"],
    ]);
    assertStringIncludes(denied.reason, "this topic may be reserved");
    assertStringIncludes(reserved.reason, "choose another topic");
    ntfy.fault("unauthorized", { times: 1 });
    assertEquals((await failureOf("alerts")).class, "credentials");
  });
});

Deno.test("NtfyChannel.send() names the limit that refuses a file", async () => {
  const limits = { maxFileBytes: 1000, maxTotalFileBytes: 1500 };
  await limitsTest(limits, {}, async ({ ntfy, send }) => {
    const sendFile = (bytes: number) =>
      send({ subject: "📎" }, { file: testFile("a.log", "text/plain", "x".repeat(bytes)) });
    const reasonOf = async (bytes: number) => {
      const failure = classify(await assertRejects(() => sendFile(bytes)));
      assertEquals([failure.class, failure.errcode], ["rejected", "41301"]);
      return failure.reason;
    };
    assertStringIncludes(await reasonOf(1001), "the limit of the server is 1000 bytes per file");
    await sendFile(1000);
    assertStringIncludes(await reasonOf(501), "only 500 bytes of the space for files is free on the server");
    assertStringIncludes(await reasonOf(501), "files are deleted after 3 h");
    await sendFile(500);
    ntfy.fault("502", { on: "account" });
    assertStringIncludes(await reasonOf(1), "attachment too large, or bandwidth limit reached (41301)");
  });
});
