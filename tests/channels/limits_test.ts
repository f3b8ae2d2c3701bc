/**
 * Sends notifications of the largest size through each kind of channel, which must cut them to the
 * limit of its service.
 */

import { assert, assertEquals } from "@std/assert";
import type { Channel } from "../../src/channels/channel.ts";
import type { NotificationInput } from "../../src/notification/notification.ts";
import { MAX_SUBJECT_BYTES } from "../../src/notification/repair.ts";
import { byteLength } from "../../src/notification/cut.ts";
import {
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../src/testing/mod.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { LoopbackSlack } from "../fakes/slack_server.ts";
import { SmtpServer, smtpSuite } from "../fakes/smtp_server.ts";
import { openChannel } from "./harness.ts";

/**
 * Texts that become longer when they are escaped for JSON, HTML or mail, or that have many bytes or
 * code units per character.
 */
const UNITS = [
  '"',
  "\\",
  "a\n",
  "\t|",
  "&<",
  "=",
  "ä",
  "ä\n",
  "😀",
  "👨‍👩‍👧‍👦",
  "e\u0301",
  "\u2028",
  "\u202e",
  " \n",
  "* ",
  "<li>",
  "       x",
];

/** More than any service accepts in a message. */
const MESSAGE_BYTES = 100_000;

/** A message of this size fits into a mail, perhaps also as HTML. */
const MAIL_BYTES = 14_000;

const NOTIFICATIONS: readonly NotificationInput[] = UNITS.flatMap((unit) =>
  (["text", "code"] as const).flatMap((format) => {
    const notification = {
      subject: `S${filled(unit.replace("\n", "x"), MAX_SUBJECT_BYTES - 1)}`,
      message: `${filled(unit, MESSAGE_BYTES)}.`,
      format,
      link: `https://example.org/${"%22".repeat(600)}`,
    };
    // Without its message, the last one is too long for some services.
    const problems = Array.from({ length: 5 }, (_, at) => `Problem ${at}: ${filled(unit, 900)}`);
    return [notification, { ...notification, message: `${filled(unit, MAIL_BYTES)}.` }, { ...notification, problems }];
  })
);

function filled(unit: string, bytes: number): string {
  return unit.repeat(Math.floor(bytes / byteLength(unit)));
}

/** Sends each notification. A service that rejects one makes the test fail. */
async function sendAll(kind: string, config: Readonly<Record<string, unknown>>): Promise<Channel> {
  using runtime = fakeRuntime();
  const { channel, send } = openChannel(kind, config, runtime);
  for (const input of NOTIFICATIONS) {
    for (const late of [false, true]) await send(input, { late, txnId: crypto.randomUUID() });
  }
  return channel;
}

const COUNT = 2 * NOTIFICATIONS.length;

Deno.test("send() of every kind over HTTP cuts the largest notifications to the limit of its service", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using ntfy = await LoopbackNtfy.start();
  await using gotify = await LoopbackGotify.start();
  await using telegram = await LoopbackTelegram.start({ perMinute: COUNT });
  await using webhook = await LoopbackWebhook.start();
  await using slack = new LoopbackSlack();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  await sendAll("matrix", { homeserver: homeserver.url, accessToken, room });
  await sendAll("ntfy", { server: ntfy.url, topic: "alerts" });
  await sendAll("gotify", { server: gotify.url, token: gotify.token });
  await sendAll("telegram", { server: telegram.url, token: telegram.token, chat: 1001 });
  await sendAll("webhook", { url: webhook.url, maxChars: 2000, body: { message: "{{message}}", text: "{{text}}" } });
  await sendAll("slack", { url: slack.url, maxChars: 2000 });
  const cut = [
    homeserver.events(room).map(({ content }) => String(content.body)),
    ntfy.messages("alerts").map(({ message }) => message),
    gotify.messages.map(({ message }) => message),
    telegram.messages("1001").map(({ text }) => text),
    webhook.deliveries.map(({ body }) => (body as { text: string }).text),
    slack.texts,
  ];
  assertEquals(cut.map((texts) => texts.length), cut.map(() => COUNT));
  // Gotify and Matrix do not cut every text.
  for (const texts of [cut[1], cut[3], cut[4], cut[5]]) {
    assert(texts.every((text) => text.includes(" bytes are missing")));
  }
  assertEquals([...cut[4], ...cut[5]].filter((text) => text.length > 2000), []);
});

const smtpTest = await smtpSuite();

smtpTest("EmailChannel.send() makes a mail that every server accepts from the largest notification", async () => {
  await using peer = await SmtpServer.start({ security: "none", size: 64 * 1024 });
  const address = { from: "Jump host <jump@example.org>", to: "root@example.org" };
  await sendAll("email", { server: "127.0.0.1", port: peer.port, security: "none", ...address });
  await peer.waitForMails(COUNT);
});
