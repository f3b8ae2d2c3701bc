import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { classify } from "../../../src/delivery/classify.ts";
import { formatIsoTime } from "../../../src/base/time.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { LoopbackWebhook, type WebhookOptions } from "../../../src/testing/mod.ts";
import { fakeRuntime, TEST_TIME } from "../../fakes/runtime.ts";
import { type ChannelTest, openChannel, TEST_ID } from "../harness.ts";

async function webhookTest(
  config: Readonly<Record<string, unknown>>,
  body: (t: ChannelTest & { webhook: LoopbackWebhook }) => Promise<void>,
  options: WebhookOptions = {},
) {
  using runtime = fakeRuntime();
  await using webhook = await LoopbackWebhook.start(options);
  await body({ webhook, ...openChannel("webhook", { url: `${webhook.url}/hook/s3cr3t`, ...config }, runtime) });
}

Deno.test("WebhookChannel.send() posts the default body, with the id of the entry as the idempotency key", async () => {
  await webhookTest({}, async ({ webhook, send }) => {
    const receipt = await send({ subject: 'a "b"', message: "<b>c</b>", format: "html", severity: "error" });
    assertEquals(receipt, { id: "202", possibleDuplicate: false });
    const [{ method, path, headers, body }] = webhook.deliveries;
    assertEquals([method, path, headers.get("idempotency-key")], ["POST", "/hook/s3cr3t", TEST_ID]);
    assertEquals(body, {
      id: TEST_ID,
      identity: "jump",
      origin: null,
      severity: "error",
      key: null,
      resolves: false,
      title: '[jump] ❌ a "b"',
      subject: 'a "b"',
      message: "c",
      link: null,
      silent: false,
      time: formatIsoTime(TEST_TIME - 5000),
      note: null,
    });
  });
});

Deno.test("WebhookChannel.send() inserts values so that a text cannot change the structure of the JSON", async () => {
  const body = {
    text: "{{identity}}: {{ subject }}{{link}}",
    loud: "{{silent}}",
    at: ["{{unix}}", 5, null, true],
    nested: { "{{subject}}": "{{note}}" },
  };
  await webhookTest({ method: "PUT", body }, async ({ webhook, send }) => {
    await send({ subject: '","x":"{{id}}', message: "m" }, { late: true });
    const [{ method, body }] = webhook.deliveries;
    assertEquals(method, "PUT");
    const { nested, ...rest } = body as { nested: Record<string, string> };
    assertEquals(rest, { text: 'jump: ","x":"{{id}}', loud: false, at: [TEST_TIME / 1000 - 5, 5, null, true] });
    assert(/^⏰ Queued since .*, 5 s late$/.test(nested["{{subject}}"]));
  });
});

Deno.test("WebhookChannel.send() passes key and resolution to a service with incidents", async () => {
  await webhookTest({ body: { incident: "{{key}}", over: "{{resolves}}" } }, async ({ webhook, send }) => {
    await send({ subject: "Disk full", key: "disk" });
    await send({ subject: "Disk full", key: "disk", resolves: true });
    assertEquals(webhook.deliveries.map(({ body }) => body), [
      { incident: "disk", over: false },
      { incident: "disk", over: true },
    ]);
  });
});

Deno.test("WebhookChannel.send() cuts {{message}} and {{text}} to maxChars, and marks the cut", async () => {
  await webhookTest({ maxChars: 200, body: { m: "{{message}}", t: "{{text}}" } }, async ({ webhook, send }) => {
    await send({ subject: "Up", message: "x".repeat(500), link: "https://example.org/" }, { late: true });
    const { m, t } = webhook.deliveries[0].body as Record<string, string>;
    assertEquals([m.length, t.length], [200, 200]);
    assert(/missing\nx+$/.test(m) && /missing\nx+\n\n🔗 https:\/\/example.org\/\n\n⏰ .* late$/.test(t), t);
  });
});

Deno.test("WebhookChannel.send() reads secret headers and addresses from files for each request", async () => {
  const directory = Deno.makeTempDirSync();
  try {
    const headerFiles = { Authorization: `${directory}/auth` };
    await webhookTest({ headers: { "X-Team": "ops" }, headerFiles }, async ({ webhook, send }) => {
      Deno.writeTextFileSync(`${directory}/auth`, "Bearer abc\n", { mode: 0o600 });
      await send({ subject: "Up" });
      const [{ headers }] = webhook.deliveries;
      assertEquals([headers.get("authorization"), headers.get("x-team")], ["Bearer abc", "ops"]);
      Deno.chmodSync(`${directory}/auth`, 0o644);
      assertEquals(classify(await assertRejects(() => send({ subject: "Up" }))).class, "credentials");
    });
    await webhookTest({ url: undefined, urlFile: `${directory}/url` }, async ({ webhook, send }) => {
      Deno.writeTextFileSync(`${directory}/url`, "http://example.org/hook", { mode: 0o600 });
      const error = await assertRejects(() => send({ subject: "Up" }), ConfigError);
      assertEquals(
        error.message,
        `Cannot use channels.webhook.urlFile ${directory}/url: plain http would send it unencrypted: use https://, or set insecureHttp if you trust the network`,
      );
      Deno.writeTextFileSync(`${directory}/url`, `${webhook.url}/from-file`);
      await send({ subject: "Up" });
      assertEquals(webhook.deliveries[0].path, "/from-file");
    });
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
});

Deno.test("WebhookChannel.send() repeats an attempt in doubt with the same key, and counts it", async () => {
  await webhookTest({}, async ({ webhook, send }) => {
    webhook.fault("drop-after-persisting", { times: 1 });
    await assertRejects(() => send({ subject: "Up" }));
    assertEquals((await send({ subject: "Up" }, { inDoubt: { since: 1, until: 2 } })).possibleDuplicate, true);
    assertEquals(webhook.deliveries.length, 1);
  }, { isIdempotent: true });
});

Deno.test("WebhookChannel.send() throws errors that classify() distinguishes, without the address", async () => {
  await webhookTest({}, async ({ webhook, send }) => {
    const cases = [
      ["400", "rejected"],
      ["401", "credentials"],
      ["404", "destination"],
      ["405", "credentials"],
      ["409", "not-sent"],
      ["410", "destination"],
      ["500", "in-doubt"],
      ["502", "in-doubt"],
      ["too-large-page", "rejected"],
      ["redirect", "not-the-service"],
      ["drop-before-persisting", "in-doubt"],
      ["refuse", "not-sent"],
    ] as const;
    for (const [fault, expected] of cases) {
      webhook.fault(fault);
      const error = await assertRejects(() => send({ subject: "Up" }));
      const failure = classify(error);
      assertEquals(failure.class, expected, `${fault}: ${failure.reason}`);
      assertEquals(failure.reason.includes("set maxChars"), fault === "too-large-page");
      assert(!Deno.inspect(error, { depth: 10 }).includes("s3cr3t"), Deno.inspect(error));
      await webhook.clearFaults();
    }
    for (
      const [fault, expected] of [["429-retry-after-seconds", "rate-limited"], [
        "503-retry-after-seconds",
        "in-doubt",
      ]] as const
    ) {
      webhook.fault(fault, { times: 1, retryAfterMs: 9000 });
      const { class: failure, retryAfterMs } = classify(await assertRejects(() => send({ subject: "Up" })));
      assertEquals([failure, retryAfterMs], [expected, 9000]);
    }
  });
});

Deno.test("webhook/kind.ts rejects invalid settings without showing the address", () => {
  using runtime = fakeRuntime();
  const url = "https://example.org/hook/s3cr3t";
  const cases: readonly (readonly [config: Record<string, unknown>, message: string])[] = [
    [{}, "Missing channels.webhook.url"],
    [{ url: "example.org/s3cr3t" }, "channels.webhook.url: it is not an address"],
    [{ url: "http://example.org/s3cr3t" }, "channels.webhook.url: plain http would send it unencrypted"],
    [{ url: "https://a:s3cr3t@example.org/" }, "channels.webhook.url: it must not contain a user name or a password"],
    [{ url, method: "GET" }, 'channels.webhook.method: it must be "POST" or "PUT"'],
    [{ url, body: '{"text": "{{subject}}"}' }, "channels.webhook.body: it must be a JSON object or array"],
    [{ url, body: { a: ["{{subjct}}"] } }, "channels.webhook.body: {{subjct}} is not a known placeholder"],
    [{ url, body: { a: "{{text}" } }, 'channels.webhook.body: it contains a "{{" without a "}}"'],
    [{ url, body: { a: undefined } }, "channels.webhook.body: undefined in it is not JSON"],
    [{ url, body: { a: NaN } }, "channels.webhook.body: NaN in it is not JSON"],
    [{ url, headers: { "X Y": "z" } }, 'channels.webhook.headers: "X Y" is not the name of a header'],
    [{ url, headers: { "X-Y": "a\nb" } }, "channels.webhook.headers.X-Y: it must be one line of ASCII"],
    [{ url, headers: { "host": "x" } }, "channels.webhook.headers: host cannot be set"],
    [{ url, headers: { A: "x" }, headerFiles: { a: "y" } }, "channels.webhook.headerFiles: a is set twice"],
    [{ url, headers: { A: "x" }, headerFiles: { A: "y" } }, "channels.webhook.headerFiles.A is set too"],
    [{ url, maxChars: 10 }, "channels.webhook.maxChars: it must be a whole number from 100"],
    [{ url, token: "x" }, "channels.webhook.token: there is no such key"],
  ];
  for (const [config, message] of cases) {
    const error = assertThrows(() => openChannel("webhook", config, runtime), ConfigError);
    assertStringIncludes(error.message, message);
    assert(!`${error.message} ${error.hint}`.includes("s3cr3t"));
  }
});
