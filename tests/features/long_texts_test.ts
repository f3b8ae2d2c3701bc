/** Sends the logs of twelve failures through an outage, and five reports within a second. */

import { assertEquals, assertLessOrEqual } from "@std/assert";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import { LoopbackTelegram } from "../../src/testing/mod.ts";
import { createLogs, createReports, findMissingLine, type LongText } from "../fakes/long_texts.ts";
import { readMail } from "../fakes/read_mail.ts";
import { type Scene, setScene } from "../fakes/scene.ts";
import { SmtpServer, smtpSuite } from "../fakes/smtp_server.ts";

/** Sends logs while the service is down, and delivers them later. Then sends reports. */
async function sendAll(
  scene: Scene,
  { up, down }: { readonly up: CoreOptions["channels"]; readonly down: CoreOptions["channels"] },
) {
  {
    await using notifier = await scene.open({ channels: down });
    for (const log of createLogs()) await notifier.notify(log);
  }
  await using notifier = await scene.open({ channels: up });
  await notifier.flush({ waitMs: 600_000 });
  for (const report of createReports()) await notifier.notify(report);
  await notifier.flush({ waitMs: 600_000 });
  assertEquals([notifier.entries(), notifier.status().possibleDuplicates], [[], 0]);
}

const ALL: readonly LongText[] = [...createLogs(), ...createReports()];

Deno.test("NotifierCore.flush() delivers long logs and reports in full and in order into a room that another user reads", async () => {
  await using scene = await setScene({ rateLimit: { perSecond: 0.2, burst: 10 } });
  const { homeserver, accessToken } = scene;
  const reader = homeserver.addUser("reader");
  const room = homeserver.createRoom({ members: ["@bot:loopback.test", reader.userId] });
  const matrix = { accessToken, room };
  await sendAll(scene, {
    up: { matrix: { ...matrix, homeserver: homeserver.url } },
    down: { matrix: { ...matrix, homeserver: "http://127.0.0.1:9" } },
  });
  const url = `${homeserver.url}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=100`;
  const page = await (await fetch(url, { headers: { Authorization: `Bearer ${reader.accessToken}` } })).json();
  const bodies: string[] = page.chunk.map(({ content }: { content: { body?: string } }) => content.body ?? "")
    .reverse();
  assertEquals(findMissingLine(bodies.join("\n"), ALL), undefined);
  assertLessOrEqual(bodies.length, 8 + 5 + 4);
});

Deno.test("NotifierCore.flush() delivers long logs and reports in full to Telegram, as texts and files", async () => {
  await using scene = await setScene();
  await using server = await LoopbackTelegram.start({ perMinute: 1000 });
  const telegram = { token: server.token, chat: 1001, insecureHttp: true };
  await sendAll(scene, {
    up: { telegram: { ...telegram, server: server.url } },
    down: { telegram: { ...telegram, server: "http://127.0.0.1:9" } },
  });
  const messages = server.messages("1001");
  const files = messages.flatMap(({ file }) => file ? [new TextDecoder().decode(file.bytes)] : []);
  assertEquals(files, createLogs().map(({ message }) => message));
  assertEquals(findMissingLine(messages.map(({ text }) => text).join("\n"), createReports()), undefined);
  // Each text has the error, which is in the last line.
  const errors = messages.flatMap(({ text }) => /rsync error: no space left on device \d+/.exec(text) ?? []);
  assertEquals(errors, Array.from({ length: 12 }, (_, at) => `rsync error: no space left on device ${at + 1}`));
});

const smtpTest = await smtpSuite();

smtpTest("NotifierCore.flush() delivers long logs and reports in full and in order into a mailbox", async () => {
  await using scene = await setScene();
  await using peer = await SmtpServer.start({ security: "none" });
  const email = { server: "127.0.0.1", security: "none", from: "jump@example.org", to: "root@example.org" } as const;
  await sendAll(scene, { up: { email: { ...email, port: peer.port } }, down: { email: { ...email, port: 9 } } });
  const texts: string[] = [];
  for (const { data } of peer.mails) texts.push((await readMail(data)).parts["text/plain"]);
  assertEquals(findMissingLine(texts.join("\n"), ALL), undefined);
});
