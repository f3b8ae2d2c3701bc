import { assert, assertEquals } from "@std/assert";
import type { Channel } from "../../../src/channels/channel.ts";
import { kind } from "../../../src/channels/matrix/kind.ts";
import { MAX_CONTENT_BYTES } from "../../../src/channels/matrix/content.ts";
import { TEST_FILES } from "../../fakes/files.ts";
import { PARSE_CONTEXT } from "../../fakes/parse_context.ts";
import { Fields } from "../../../src/base/fields.ts";
import {
  createNotification,
  MAX_MESSAGE_BYTES,
  type NotificationInput,
} from "../../../src/notification/notification.ts";
import { byteLength } from "../../../src/notification/cut.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { fakeRuntime, TEST_TIME } from "../../fakes/runtime.ts";

async function channelTest(
  body: (
    t: {
      homeserver: LoopbackHomeserver;
      warnings: string[];
      content(input: NotificationInput, late?: boolean): Promise<Record<string, unknown>>;
    },
  ) => Promise<void>,
  config: { readonly mentions?: readonly string[] } = {},
) {
  using runtime = fakeRuntime();
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const warnings: string[] = [];
  const fields = new Fields({ homeserver: homeserver.url, accessToken, room, ...config }, "channels.matrix");
  const channel: Channel = kind.configure("matrix", fields, PARSE_CONTEXT).open({
    runtime,
    identity: "jump",
    files: TEST_FILES,
    warn: (text) => void warnings.push(text),
  });
  await body({
    homeserver,
    warnings,
    async content(input, late = false) {
      const notification = createNotification(input, TEST_TIME - 5000);
      await channel.send({ channel: "matrix", destination: room, notification }, {
        txnId: crypto.randomUUID(),
        late,
        timeoutMs: 1000,
      });
      return { ...homeserver.events(room).at(-1)?.content };
    },
  });
}

Deno.test("MatrixChannel.send() sends text, HTML and the transaction id, without mentions", async () => {
  await channelTest(async ({ content }) => {
    const { "dev.matrix-notify.id": id, ...rest } = await content({
      subject: "Up",
      message: "a <b>\nc",
      link: "https://example.org/",
    });
    assert(typeof id === "string" && id.length === 36);
    assertEquals(rest, {
      msgtype: "m.text",
      body: "[jump] Up\n\na <b>\nc\n\n🔗 https://example.org/",
      format: "org.matrix.custom.html",
      formatted_body:
        '<strong>[jump] Up</strong><br>a &lt;b&gt;<br>c<br>🔗 <a href="https://example.org/">example.org</a>',
      "m.mentions": {},
      "dev.matrix-notify.severity": "info",
    });
  });
});

Deno.test("MatrixChannel.send() puts severity, origin and key into the content for programs", async () => {
  await channelTest(async ({ content }) => {
    const sent = await content({ subject: "Disk", severity: "critical", origin: "cron", key: "disk" });
    const fields = ["severity", "origin", "key"].map((name) => sent[`dev.matrix-notify.${name}`]);
    assertEquals(fields, ["critical", "cron", "disk"]);
  });
});

Deno.test("MatrixChannel.send() shows in text and HTML when a late notification was queued", async () => {
  await channelTest(async ({ content }) => {
    const { body, formatted_body } = await content({ subject: "Up" }, true);
    assert(/^\[jump\] Up\n\n⏰ Queued since .*, 5 s late$/.test(String(body)));
    assert(/<br><em>⏰ Queued since .*, 5 s late<\/em>$/.test(String(formatted_body)));
  });
});

Deno.test("MatrixChannel.send() sends a silent notification as a notice", async () => {
  await channelTest(async ({ content }) =>
    assertEquals((await content({ subject: "Up", silent: true })).msgtype, "m.notice")
  );
});

Deno.test("MatrixChannel.send() drops the HTML of a long message before it cuts the text, and fills the limit", async () => {
  await channelTest(async ({ content }) => {
    const message = "x".repeat(40_000);
    const { body, formatted_body } = await content({ subject: "Up", message });
    assertEquals([String(body).endsWith(message), formatted_body], [true, undefined]);
  });
});

for (const [what, message] of [["quotes, which JSON doubles", '"'], ["backslashes and emoji", "\\\\😀"]]) {
  Deno.test(`MatrixChannel.send() cuts a message of ${what} to the limit of the homeserver`, async () => {
    await channelTest(async ({ content }) => {
      const sent = await content({
        subject: "Up",
        message: message.repeat(Math.floor(MAX_MESSAGE_BYTES / byteLength(message))),
      });
      const size = byteLength(JSON.stringify(sent));
      assert(size <= MAX_CONTENT_BYTES && size > MAX_CONTENT_BYTES - 20, String(size));
      assert(/\n✂ Cut here: \d+ of \d+ bytes are missing\n/.test(String(sent.body)));
    });
  });
}

Deno.test("MatrixChannel.send() renders Markdown, and reduces HTML to the tags that the specification allows", async () => {
  await channelTest(async ({ content, warnings }) => {
    const markdown = await content({ subject: "Up", message: "**bold** <script>x</script>", format: "markdown" });
    assertEquals(markdown.body, "[jump] Up\n\n**bold** <script>x</script>");
    assert(/<strong>bold<\/strong>/.test(String(markdown.formatted_body)));
    const html = await content({
      subject: "Up",
      message: '<p onclick="x">a<script>y</script><b>c</p>',
      format: "html",
    });
    assertEquals([html.body, html.formatted_body], [
      "[jump] Up\n\nac",
      "<strong>[jump] Up</strong><br><p>a<b>c</b></p>",
    ]);
    assertEquals(warnings, []);
  });
});

Deno.test("MatrixChannel.send() mentions the users of the notification, for clients and in the text", async () => {
  await channelTest(async ({ content }) => {
    const sent = await content({ subject: "Up", mentions: ["@alice:example.org", "@a/b:example.org", "@room"] });
    assertEquals(sent["m.mentions"], { user_ids: ["@alice:example.org", "@a/b:example.org"], room: true });
    assertEquals(sent.body, "[jump] Up\n\n👤 For @alice:example.org, @a/b:example.org, @room");
    assertEquals(
      sent.formatted_body,
      "<strong>[jump] Up</strong><br>👤 For " +
        '<a href="https://matrix.to/#/@alice:example.org">@alice:example.org</a>, ' +
        '<a href="https://matrix.to/#/@a%2Fb:example.org">@a/b:example.org</a>, @room',
    );
  });
});

Deno.test("MatrixChannel.send() mentions the configured users in a critical message, and no users in a silent one", async () => {
  await channelTest(async ({ content }) => {
    const mentioned = async (input: Partial<NotificationInput>) =>
      (await content({ subject: "Up", ...input }))["m.mentions"];
    assertEquals(await mentioned({ severity: "error" }), {});
    assertEquals(await mentioned({ severity: "critical" }), { room: true });
    assertEquals(await mentioned({ severity: "critical", mentions: ["@a:b", "@room"] }), {
      user_ids: ["@a:b"],
      room: true,
    });
    assertEquals(await mentioned({ severity: "critical", mentions: ["@a:b"], silent: true }), {});
  }, { mentions: ["@room"] });
});
