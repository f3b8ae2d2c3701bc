import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ConfigError, InvalidNotificationError } from "../../../src/base/errors.ts";
import { renderMessage } from "../../../src/channels/message.ts";
import { parseAppriseUrl } from "../../../src/config/channels.ts";
import { classify } from "../../../src/delivery/classify.ts";
import { createBatch } from "../../../src/notification/batch.ts";
import { createNotification } from "../../../src/notification/notification.ts";
import { examine } from "../../../src/doctor/examination.ts";
import { denoHost } from "../../../src/doctor/host.ts";
import { fakeRuntime, TEST_TIME } from "../../fakes/runtime.ts";
import { LoopbackSlack } from "../../fakes/slack_server.ts";
import { type ChannelTest, openChannel, TEST_ID } from "../harness.ts";

async function slackTest(
  body: (t: ChannelTest & { readonly slack: LoopbackSlack }) => Promise<void>,
  config: Readonly<Record<string, unknown>> = {},
) {
  using runtime = fakeRuntime();
  await using slack = new LoopbackSlack();
  await body({ slack, ...openChannel("slack", { url: slack.url, ...config }, runtime) });
}

Deno.test("SlackChannel.send() posts subject, message, severity and link, and returns its own id", async () => {
  await slackTest(async ({ slack, send, channel }) => {
    const receipt = await send({
      subject: "Backup failed",
      message: "No space\nleft",
      severity: "error",
      link: "https://example.org/?a=1&b=2",
    });
    assertEquals(receipt, { id: TEST_ID, possibleDuplicate: false });
    assertEquals(slack.texts, ["*[jump] ❌ Backup failed*\nNo space\nleft\n🔗 https://example.org/?a=1&amp;b=2"]);
    assertEquals([channel.destinations, channel.isIdempotent], [["slack"], false]);
  });
});

Deno.test("SlackChannel.send() shows code as code, Markdown and HTML as text, with a note if it is late", async () => {
  await slackTest(async ({ slack, send }) => {
    await send({ subject: "a", message: "if (a < b)", format: "code" });
    await send({ subject: "b", message: "```", format: "code" });
    await send({ subject: "c", message: "<b>bold</b> &amp; more", format: "html" });
    await send({ subject: "d*e" }, { late: true });
    const [code, fence, html, late] = slack.texts;
    assertEquals(code, "*[jump] a*\n```\nif (a &lt; b)\n```");
    assertEquals(fence, "*[jump] b*\n```");
    assertEquals(html, "*[jump] c*\nbold &amp; more");
    assert(/^\[jump\] d\*e\n⏰ Queued since .*, 5 s late$/.test(late), late);
  });
});

Deno.test("SlackChannel.send() sends @channel and similar texts in a form that notifies no users", async () => {
  await slackTest(async ({ slack, send }) => {
    await send({ subject: "<!channel> & <@U1>", message: "@channel @All @here @everyone me@example.org <!here>" });
    const [text] = slack.texts;
    assertEquals(
      text,
      "*[jump] &lt;!channel&gt; &amp; &lt;@U1&gt;*\n" +
        "@\u200bchannel @\u200bAll @\u200bhere @\u200beveryone me@example.org &lt;!here&gt;",
    );
  });
});

Deno.test("SlackChannel.send() cuts a text at the limit, counted after escaping", async () => {
  for (const maxChars of [undefined, 16_383]) {
    await slackTest(async ({ slack, send }) => {
      await send({ subject: "Up", message: "<".repeat(20_000) });
      await send({ subject: "Up", message: "x".repeat(20_000), format: "code" }, { late: true });
      for (const text of slack.texts) {
        assert(text.length <= (maxChars ?? 4000) && text.length > (maxChars ?? 4000) - 10, `${text.length}`);
        assert(text.includes(" bytes are missing"));
      }
    }, maxChars === undefined ? {} : { maxChars });
  }
});

const batchOf = (count: number, message: string) =>
  createBatch(Array.from({ length: count }, (_, at) => {
    const format = at % 2 === 0 ? "text" : "code";
    return { id: `${at}`, notification: createNotification({ subject: `Number ${at}`, message, format }, TEST_TIME) };
  }));

const batch = batchOf(12, "<&>".repeat(20));

Deno.test("SlackChannel.hasRoomFor() knows that Slack accepts longer texts than other servers", async () => {
  using runtime = fakeRuntime();
  const large = batchOf(100, "x".repeat(100));
  const message = await renderMessage(large, () => {});
  const hasRoom = (host: string) => {
    const { channel } = openChannel("slack", { url: `https://${host}/services/T0/B0/s3cr3t` }, runtime);
    return channel.hasRoomFor(large, message);
  };
  assertEquals([hasRoom("hooks.slack.com"), hasRoom("chat.example.org")], [true, false]);
});

Deno.test("SlackChannel.send() sends a batch with a block for each notification, and code as code", async () => {
  await slackTest(async ({ slack, channel }) => {
    const envelope = { channel: "slack", destination: "slack", notification: batch };
    const options = { txnId: TEST_ID, late: false, timeoutMs: 1000 };
    assertEquals(channel.hasRoomFor(batch, await renderMessage(batch, () => {})), true);
    await channel.send(envelope, options);
    const blocks = slack.texts[0].split("\n\n").map((block) => block.replace(/\d\d:\d\d:\d\d/, "TIME"));
    const shown = "&lt;&amp;&gt;".repeat(20);
    assertEquals(blocks.slice(1, 3), [`*TIME Number 1*\n\`\`\`\n${shown}\n\`\`\``, `*TIME Number 2*\n${shown}`]);
    assertEquals(blocks.length, 12);
    const notification = batchOf(13, "<&>".repeat(200));
    assertEquals(channel.hasRoomFor(notification, await renderMessage(notification, () => {})), false);
    await assertRejects(() => channel.send({ ...envelope, notification }, options), InvalidNotificationError);
  });
});

Deno.test("SlackChannel.send() counts a possible duplicate after an attempt in doubt", async () => {
  await slackTest(async ({ send }) => {
    assertEquals((await send({ subject: "Up" }, { inDoubt: { since: 1, until: 2 } })).possibleDuplicate, true);
  });
});

Deno.test("SlackChannel.send() throws errors that classify() distinguishes, for every documented error", async () => {
  const cases: readonly (readonly [status: number, body: string, expected: string])[] = [
    [400, "invalid_payload", "rejected"],
    [400, "no_text", "rejected"],
    [400, "too_many_attachments", "rejected"],
    [400, "user_not_found", "destination"],
    [403, "action_prohibited", "destination"],
    [403, "posting_to_general_channel_denied", "destination"],
    [404, "channel_not_found", "destination"],
    [410, "channel_is_archived", "destination"],
    [403, "invalid_token", "credentials"],
    [403, "team_disabled", "credentials"],
    [404, "no_service", "credentials"],
    [404, "no_service_id", "credentials"],
    [404, "no_active_hooks", "credentials"],
    [404, "no_team", "credentials"],
    [500, "rollup_error", "in-doubt"],
    [429, "rate_limited", "rate-limited"],
    [
      400,
      '{"id":"web.incoming_webhook.invalid.app_error","message":"Invalid webhook.","status_code":400}',
      "credentials",
    ],
    [400, '{"id":"web.incoming_webhook.channel.app_error","message":"No channel.","status_code":400}', "destination"],
    [400, '{"success":false,"error":"invalid-channel"}', "destination"],
    [400, '{"success":false,"error":"error-not-allowed"}', "destination"],
    [400, `{"success":false,"error":"You can't send messages because the room is readonly."}`, "destination"],
    [413, '{"id":"api.context.request_body_too_large.app_error","message":"Too large.","status_code":413}', "rejected"],
    [404, '{"success":false,"error":"Invalid integration id or token provided."}', "destination"],
    [200, "<html>Log in</html>", "not-the-service"],
    [302, "", "not-the-service"],
    [404, "<html>Not here</html>", "not-the-service"],
    [502, "<html>Bad gateway</html>", "in-doubt"],
  ];
  await slackTest(async ({ slack, send }) => {
    for (const [status, body, expected] of cases) {
      slack.answers.push(new Response(body, { status, headers: { "Retry-After": "7" } }));
      const failure = classify(await assertRejects(() => send({ subject: "Up" })));
      assertEquals(failure.class, expected, `${status} ${body}: ${failure.reason}`);
      assertEquals([failure.retryAfterMs, failure.reason.includes("s3cr3t")], [7000, false]);
    }
    slack.answers.push(new Response('{"success":true}'));
    assertEquals((await send({ subject: "Up" })).id, TEST_ID);
  });
});

Deno.test("slack/kind.ts rejects invalid settings without showing the address", () => {
  using runtime = fakeRuntime();
  const problem = (config: Record<string, unknown>) =>
    assertThrows(() => openChannel("slack", config, runtime), ConfigError).message;
  assertEquals(problem({}), "Missing channels.slack.url");
  assertEquals(
    problem({ url: "http://chat.example.org/s3cr3t" }),
    "Cannot use channels.slack.url: plain http would send it unencrypted: use https://, or set insecureHttp if you trust the network",
  );
  const url = "https://hooks.slack.com/services/T0/B0/X";
  assertEquals(
    problem({ url, maxChars: 100_000 }),
    "Cannot use channels.slack.maxChars: it must be a whole number from 2000 to 40000",
  );
});

Deno.test("slack/apprise.ts converts the three tokens to a webhook, and rejects unsupported parts", async () => {
  assertEquals(await parseAppriseUrl("slack://T1/B2/x3", "channels.x"), {
    kind: "slack",
    url: "https://hooks.slack.com/services/T1/B2/x3",
  });
  for (const url of ["slack://T1/B2", "slack://T1/B2/x3/#general", "slack://bot@T1/B2/x3"]) {
    await assertRejects(() => parseAppriseUrl(url, "channels.x"), ConfigError);
  }
});

Deno.test("slack/checks.ts reaches the host and checks the address without sending a message", async () => {
  await using slack = new LoopbackSlack();
  const fetchLoopback = async (url: string, init: RequestInit) => {
    const answer = await fetch(url.replace("https://hooks.slack.com", new URL(slack.url).origin), init);
    return new Response(await answer.text(), { headers: { Date: new Date(TEST_TIME).toUTCString() } });
  };
  using runtime = fakeRuntime({ env: { HOME: "/nowhere" }, fetch: fetchLoopback });
  const folder = await Deno.makeTempDir();
  try {
    const configFile = `${folder}/config.json`;
    const look = async (url: string) => {
      await Deno.writeTextFile(configFile, JSON.stringify({ channels: { slack: { url } } }), { mode: 0o600 });
      const options = { configFile, stateDir: `${folder}/state` };
      const findings = await Array.fromAsync(examine({ runtime, host: denoHost(), options }));
      return findings.filter(({ check }) => check.startsWith("slack/")).map(({ check, state }) => `${check} ${state}`);
    };
    assertEquals(await look(slack.url), [
      "slack/connection ok",
      "slack/clock ok",
      "slack/address ok",
      "slack/webhook skipped",
    ]);
    assertEquals([slack.methods, slack.texts], [["HEAD"], []]);
    assertEquals((await look("https://hooks.slack.com/nothing")).at(-2), "slack/address failure");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
