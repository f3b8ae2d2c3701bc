import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { MAX_GOTIFY_BYTES } from "../../../src/channels/gotify/channel.ts";
import { classify } from "../../../src/delivery/classify.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { byteLength } from "../../../src/notification/cut.ts";
import { LoopbackGotify } from "../../../src/testing/mod.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { type ChannelTest, openChannel } from "../harness.ts";

async function gotifyTest(body: (t: ChannelTest & { gotify: LoopbackGotify }) => Promise<void>, token?: string) {
  using runtime = fakeRuntime();
  await using gotify = await LoopbackGotify.start();
  await body({ gotify, ...openChannel("gotify", { server: gotify.url, token: token ?? gotify.token }, runtime) });
}

Deno.test("GotifyChannel.send() sends title, message, priority and link, and returns Gotify's id", async () => {
  await gotifyTest(async ({ gotify, send }) => {
    const receipt = await send({ subject: "Up", message: "a\nb", link: "https://example.org/", severity: "critical" });
    assertEquals(receipt, { id: "1", possibleDuplicate: false });
    const [{ title, message, priority, extras }] = gotify.messages;
    assertEquals([title, message, priority], ["[jump] Up", "a\nb\n\n🔗 https://example.org/", 10]);
    assertEquals(extras, {
      "client::display": { contentType: "text/plain" },
      "client::notification": { click: { url: "https://example.org/" } },
    });
  });
});

Deno.test("GotifyChannel.send() sends Markdown unchanged, and maps silence and severity to priorities", async () => {
  await gotifyTest(async ({ gotify, send }) => {
    await send({ subject: "Up", message: "**bold**", format: "markdown", silent: true, severity: "critical" });
    await send({ subject: "Up", message: "<b>bold</b>", format: "html" });
    assertEquals(gotify.messages.map(({ message, priority, extras }) => [message, priority, extras]), [
      ["**bold**", 2, { "client::display": { contentType: "text/markdown" } }],
      ["bold", 4, { "client::display": { contentType: "text/plain" } }],
    ]);
  });
});

Deno.test("GotifyChannel.send() sends a subject without a body as the message, with a note if it is late", async () => {
  await gotifyTest(async ({ gotify, send }) => {
    await send({ subject: "Up" }, { late: true });
    const [{ title, message }] = gotify.messages;
    assertEquals(title, "jump");
    assert(/^Up\n\n⏰ Queued since .*, 5 s late$/.test(message), message);
  });
});

Deno.test("GotifyChannel.send() cuts a message to the limit of its database", async () => {
  await gotifyTest(async ({ gotify, send }) => {
    await send({ subject: "Up", message: "<li>x".repeat(11_000), format: "html" }, { late: true });
    const [{ message }] = gotify.messages;
    assert(byteLength(message) <= MAX_GOTIFY_BYTES, `${byteLength(message)}`);
  });
});

Deno.test("GotifyChannel.send() uses a server under a path", async () => {
  await using gotify = await LoopbackGotify.start();
  using real = fakeRuntime();
  const fetch = (url: string, init: RequestInit) => real.fetch(url.replace("/push/", "/"), init);
  using runtime = fakeRuntime({ fetch });
  const { send, channel } = openChannel("gotify", { server: `${gotify.url}/push/`, token: gotify.token }, runtime);
  assertEquals([(await send({ subject: "Up" })).id, channel.destinations], ["1", [new URL(gotify.url).host]]);
});

Deno.test("GotifyChannel.send() counts a possible duplicate after an attempt in doubt", async () => {
  await gotifyTest(async ({ channel, send }) => {
    assertEquals(channel.isIdempotent, false);
    assertEquals((await send({ subject: "Up" }, { inDoubt: { since: 1, until: 2 } })).possibleDuplicate, true);
  });
});

Deno.test("GotifyChannel.send() throws errors that classify() distinguishes", async () => {
  await gotifyTest(async ({ gotify, send }) => {
    const cases = [
      ["unauthorized", "credentials"],
      ["forbidden", "credentials"],
      ["not-found", "not-the-service"],
      ["500", "in-doubt"],
      ["502", "in-doubt"],
      ["drop-after-persisting", "in-doubt"],
      ["captive-portal", "not-the-service"],
      ["redirect", "not-the-service"],
      ["too-large-page", "rejected"],
      ["refuse", "not-sent"],
    ] as const;
    for (const [fault, expected] of cases) {
      gotify.fault(fault, fault === "refuse" ? {} : { times: 1 });
      const failure = classify(await assertRejects(() => send({ subject: "Up" })));
      assertEquals(failure.class, expected, `${fault}: ${failure.reason}`);
      await gotify.clearFaults();
    }
    gotify.fault("429-retry-after-seconds", { times: 1, retryAfterMs: 7000 });
    const { class: limited, retryAfterMs } = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals([limited, retryAfterMs], ["rate-limited", 7000]);
  });
  await gotifyTest(async ({ send }) => {
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals([failure.class, failure.reason.includes("A-wrong")], ["credentials", false]);
  }, "A-wrong");
});

Deno.test("GotifyChannel.send() holds the channel if the token belongs to a client, with every version of Gotify", async () => {
  for (const version of ["2.6.3", "3.0.0"] as const) {
    using runtime = fakeRuntime();
    await using gotify = await LoopbackGotify.start({ version });
    const { send } = openChannel("gotify", { server: gotify.url, token: gotify.clientToken }, runtime);
    const failure = classify(await assertRejects(() => send({ subject: "Up" })));
    assertEquals(failure.class, "credentials", version);
    assertStringIncludes(failure.reason, "the token of a client cannot send");
    const answers = gotify.requests.map(({ route, status }) => `${route} ${status}`);
    assertEquals(answers, version === "3.0.0" ? ["message 400", "current-user 200"] : ["message 401"]);
    assertEquals(gotify.messages, []);
  }
});

Deno.test("GotifyChannel.send() rejects a message after status 400 only if the token belongs to an application", async () => {
  await using gotify = await LoopbackGotify.start();
  using real = fakeRuntime();
  const fetch = (url: string, init: RequestInit) =>
    real.fetch(url, init.method === "POST" ? { ...init, body: "{}" } : init);
  using runtime = fakeRuntime({ fetch });
  const { send } = openChannel("gotify", { server: gotify.url, token: gotify.token }, runtime);
  const classes = async () => classify(await assertRejects(() => send({ subject: "Up" }))).class;
  assertEquals(await classes(), "rejected");
  gotify.fault("drop-before-persisting", { on: "current-user", times: 1 });
  assertEquals(await classes(), "not-sent");
});

Deno.test("gotify/kind.ts reports a missing and an unknown key", () => {
  using runtime = fakeRuntime();
  const error = (config: Record<string, unknown>) =>
    assertThrows(() => openChannel("gotify", config, runtime), ConfigError);
  const server = "https://gotify.example.org";
  assertEquals(error({ server }).message, "Missing channels.gotify.token");
  const { message, hint } = error({ token: "A" });
  assertEquals([message, hint], ["Missing channels.gotify.server", 'set it, for example "https://gotify.example.org"']);
  assertEquals(
    error({ server, token: "A", topic: "x" }).message,
    "Cannot use channels.gotify.topic: there is no such key",
  );
});
