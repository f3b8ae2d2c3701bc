import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { MAX_TELEGRAM_CHARS } from "../../../src/channels/telegram/channel.ts";
import { classify } from "../../../src/delivery/classify.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { LoopbackTelegram, type TelegramOptions } from "../../../src/testing/mod.ts";
import { type FakeRuntime, fakeRuntime, TEST_TIME } from "../../fakes/runtime.ts";
import { type ChannelTest, openChannel } from "../harness.ts";

interface TelegramTest extends ChannelTest {
  readonly telegram: LoopbackTelegram;
  readonly runtime: FakeRuntime;
}

async function telegramTest(
  body: (t: TelegramTest) => Promise<void>,
  config: Readonly<Record<string, unknown>> = {},
  options: TelegramOptions = {},
) {
  using runtime = fakeRuntime();
  await using telegram = await LoopbackTelegram.start({ now: runtime.now, ...options });
  const whole = { server: telegram.url, token: telegram.token, chat: 1001, ...config };
  await body({ telegram, runtime, ...openChannel("telegram", whole, runtime) });
}

Deno.test("TelegramChannel.send() sends formatted text without a preview, and returns Telegram's id", async () => {
  await telegramTest(async ({ telegram, send }) => {
    const receipt = await send({ subject: "a < b", message: "c\nd", link: "https://example.org/x", silent: true });
    assertEquals(receipt, { id: "1", possibleDuplicate: false });
    const [{ text, tags, silent, hasPreview, thread }] = telegram.messages("1001");
    assertEquals(text, "[jump] a < b\nc\nd\n🔗 example.org/x");
    assertEquals([tags, silent, hasPreview, thread], [["b", "a"], true, false, undefined]);
  });
});

Deno.test("TelegramChannel.send() converts Markdown to the tags of Telegram, with a note if it is late", async () => {
  await telegramTest(async ({ telegram, send }) => {
    await send({ subject: "Up", message: "# T\n\n- `a`\n- **b**", format: "markdown" }, { late: true });
    const [{ text, tags }] = telegram.messages("1001");
    assert(/^\[jump\] Up\n\nT\n\n• a\n• b\n\n⏰ Queued since .*, 5 s late$/.test(text), text);
    assertEquals(tags, ["b", "b", "code", "b", "i"]);
  });
});

Deno.test("TelegramChannel.send() counts like Telegram: UTF-16 code units without tags and escapes", async () => {
  await telegramTest(async ({ telegram, send }) => {
    const room = MAX_TELEGRAM_CHARS - "[jump] Up\n".length;
    await send({ subject: "Up", message: "&".repeat(room) });
    await send({ subject: "Up", message: "🎉".repeat(room) });
    await send({ subject: "Up", message: "&".repeat(room + 1) }, { late: true });
    const sent = telegram.requests.filter(({ route }) => route === "sendMessage");
    assertEquals(sent.length, 3, "a text that is too long with its format is sent only as plain text");
    const [whole, cut, late] = telegram.messages("1001");
    assertEquals([whole.text.length, whole.tags], [MAX_TELEGRAM_CHARS, ["b"]]);
    assert(cut.text.length <= MAX_TELEGRAM_CHARS && cut.text.length > MAX_TELEGRAM_CHARS - 4, `${cut.text.length}`);
    assert(/🎉\n✂ Cut here: \d+ of \d+ bytes are missing\n(🎉)+$/u.test(cut.text));
    assert(/bytes are missing\n&+\n\n⏰ Queued since .*, 5 s late$/.test(late.text));
  });
});

Deno.test("TelegramChannel.send() replies to the first message of an incident", async () => {
  await telegramTest(async ({ telegram, send }) => {
    const { id } = await send({ subject: "Down", key: "link" });
    const incident = { receipt: id, title: "Down", since: TEST_TIME, count: 1 };
    await send({ subject: "Up", key: "link", resolves: true }, { incident });
    await send({ subject: "Up", key: "link", resolves: true }, { incident: { ...incident, receipt: "$event" } });
    assertEquals(telegram.messages("1001").map(({ replyTo }) => replyTo), [undefined, Number(id), undefined]);
  });
});

Deno.test("TelegramChannel.send() sends plain text if Telegram refuses the formatted text", async () => {
  await telegramTest(async ({ telegram, send }) => {
    telegram.fault("cannot-parse-entities", { times: 1 });
    assertEquals((await send({ subject: "Up", message: "<b>a</b>", format: "html" })).id, "1");
    assertEquals(telegram.messages("1001").map(({ text, tags }) => [text, tags]), [["[jump] Up\n\na", []]]);
  });
});

Deno.test("TelegramChannel.send() follows a group that became a supergroup, and warns", async () => {
  await telegramTest(
    async ({ telegram, send, warnings }) => {
      telegram.upgrade("-7", "-1007");
      await send({ subject: "One" });
      await send({ subject: "Two" });
      assertEquals(telegram.messages("-1007").map(({ text }) => text), ["[jump] One", "[jump] Two"]);
      assertEquals(telegram.requests.filter(({ route }) => route === "sendMessage").length, 3);
      assertEquals(warnings, [
        "Telegram gave the chat -7 the new number -1007: change the number in the configuration of channel telegram",
      ]);
    },
    { chat: "-7" },
    { chats: ["-7"] },
  );
});

Deno.test("TelegramChannel.send() sends to several chats, or to one thread of a forum", async () => {
  await telegramTest(
    async ({ telegram, channel, send }) => {
      assertEquals(channel.destinations, ["1001", "@alerts"]);
      for (const destination of channel.destinations) await send({ subject: "Up" }, { destination });
      assertEquals([telegram.messages("1001").length, telegram.messages("@alerts").length], [1, 1]);
    },
    { chat: [1001, "@alerts"] },
    { chats: ["1001", "@alerts"] },
  );
  await telegramTest(async ({ telegram, send }) => {
    await send({ subject: "Up" });
    assertEquals(telegram.messages("1001")[0].thread, 42);
  }, { thread: 42 });
});

Deno.test("TelegramChannel.send() reads the wait that Telegram asks for", async () => {
  await telegramTest(
    async ({ send, runtime }) => {
      for (let count = 0; count < 2; count++) await send({ subject: "Up" });
      const { class: limited, retryAfterMs = 0 } = classify(await assertRejects(() => send({ subject: "Up" })));
      assertEquals([limited, retryAfterMs], ["rate-limited", 60_000]);
      runtime.time += retryAfterMs;
      assertEquals((await send({ subject: "Up" })).id, "3");
    },
    {},
    { perMinute: 2 },
  );
});

Deno.test("TelegramChannel.send() throws errors that classify() distinguishes", async () => {
  await telegramTest(async ({ telegram, send }) => {
    const cases = [
      ["unauthorized", "credentials", "use the token from BotFather"],
      ["bot-blocked", "destination", "send a message to the bot"],
      ["chat-not-found", "destination", "check the number of the chat"],
      ["too-large-page", "rejected"],
      ["500", "in-doubt"],
      ["504-after-persisting", "in-doubt"],
      ["drop-before-persisting", "in-doubt"],
      ["captive-portal", "not-the-service"],
      ["ok-without-message", "not-the-service"],
      ["refuse", "not-sent"],
    ] as const;
    for (const [fault, expected, hint = ""] of cases) {
      telegram.fault(fault);
      const failure = classify(await assertRejects(() => send({ subject: "Up" })));
      assertEquals(failure.class, expected, `${fault}: ${failure.reason}`);
      assertStringIncludes(failure.reason, hint);
      await telegram.clearFaults();
    }
  });
});

Deno.test("TelegramChannel.send() never shows its token in an error", async () => {
  await telegramTest(async ({ telegram, send, runtime }) => {
    const faults = ["refuse", "drop-before-persisting", "502", "redirect", "captive-portal", "unauthorized"] as const;
    for (const fault of faults) {
      telegram.fault(fault);
      const error = await assertRejects(() => send({ subject: "Up" }));
      const shown = [Deno.inspect(error, { depth: 10, showHidden: true }), JSON.stringify(classify(error))].join("\n");
      assert(!shown.includes(telegram.token) && !shown.includes("AAloopback"), `${fault}: ${shown}`);
      await telegram.clearFaults();
    }
    telegram.fault("hang");
    const waiting = assertRejects(() => send({ subject: "Up" }));
    await telegram.received(({ fault }) => fault === "hang");
    runtime.expireTimeouts();
    assert(!Deno.inspect(await waiting, { depth: 10 }).includes(telegram.token));
  });
});

Deno.test("telegram/kind.ts reports missing and invalid settings without showing the token", () => {
  using runtime = fakeRuntime();
  const error = (config: Record<string, unknown>) =>
    assertThrows(() => openChannel("telegram", config, runtime), ConfigError).message;
  const token = "1:secret";
  assertEquals(error({ chat: 1 }), "Missing channels.telegram.token");
  assertStringIncludes(error({ token: "secret", chat: 1 }), "it must look like 123456789:AA…");
  assert(!error({ token: "secret", chat: 1 }).includes("secret"));
  for (const chat of [undefined, [], 0, 1.5, "", "name", [1, 1], [1, "1"], {}, [null]]) {
    assertStringIncludes(error({ token, chat }), "channels.telegram.chat: it must be the number of a chat", `${chat}`);
  }
  assertStringIncludes(error({ token, chat: [1, 2], thread: 3 }), "there are several chats");
  assertStringIncludes(error({ token, chat: 1, thread: -3 }), "it must be a whole number from 1");
});
