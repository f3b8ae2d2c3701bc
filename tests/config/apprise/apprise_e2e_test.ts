/**
 * Sends with the same URL through Apprise and through matrix-notify, and compares destination,
 * title and text.
 */

import { assert, assertEquals } from "@std/assert";
import { installEnvironment } from "../../../scripts/python/environment.ts";
import { NotifierCore } from "../../../src/notifier/core.ts";
import {
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../../src/testing/mod.ts";
import { APPRISE, Apprise } from "./peer.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { startTlsFront, tlsFile } from "../../fakes/tls.ts";
import { installOrStub } from "../../fakes/installed_suite.ts";
import { readMail } from "../../fakes/read_mail.ts";
import { runCli, StateFolder } from "../../synapse/cli.ts";
import { fieldsOf } from "../../fakes/outcomes.ts";
import { SmtpServer, smtpSuite } from "../../fakes/smtp_server.ts";

/** A message to send. */
interface Said {
  readonly title: string;
  readonly text: string;
}

const SAID: Said = { title: "Größe & <Form>", text: 'Line 1: "ä€😀"\n\n  Line 2 <b>& 3</b>' };

/** Apprise treats a text for Telegram as HTML, so this one must not look like HTML. */
const SAID_BY_TELEGRAM: Said = { title: "Größe", text: "Line 1: ä€😀\nLine 2" };

/** A message that arrived. */
type Arrived = readonly [place: string, title: string, text: string];

interface CompareOptions {
  readonly said?: Said;
  /** The address of the loopback server that replaces Telegram. */
  readonly telegram?: string;
}

const stub = await installOrStub("Apprise", () => installEnvironment(APPRISE));

/** Registers a test with a running Apprise. */
function appriseTest(name: string, body: (apprise: Apprise) => Promise<void>): void {
  if (stub !== undefined) return stub(name);
  Deno.test(name, async () => {
    await using apprise = await Apprise.start();
    await body(apprise);
  });
}

/** Sends with Apprise and with matrix-notify, and compares the two messages that arrived. */
async function compare(
  apprise: Apprise,
  url: string,
  arrived: () => Promise<readonly Arrived[]> | readonly Arrived[],
  { said = SAID, telegram = "" }: CompareOptions = {},
): Promise<void> {
  await apprise.send(url, said, telegram);
  const [theirs] = await arrived();
  assert(theirs !== undefined, `nothing came from Apprise by ${url}`);
  await sendByUs(url, said, telegram);
  const [, ours] = await arrived();
  assertEquals(ours, theirs, url);
  assertEquals(theirs.slice(1), [said.title, said.text], url);
}

/**
 * Sends with matrix-notify. A URL always means the real Telegram, so `fetch` replaces its address.
 */
async function sendByUs(url: string, { title, text }: Said, telegram: string): Promise<void> {
  using real = fakeRuntime({ realIds: true });
  using client = Deno.createHttpClient({ caCerts: [Deno.readTextFileSync(tlsFile("authority.pem"))] });
  const fetch = (to: string, init: RequestInit) =>
    globalThis.fetch(to.replace("https://api.telegram.org", telegram), { ...init, client });
  const stateDir = await Deno.makeTempDir();
  try {
    await using notifier = await NotifierCore.open({
      ...{ stateDir, identity: "jump", channels: { copied: url } },
      runtime: { ...real, fetch },
    });
    const [{ state, reason }] = (await notifier.notify({ subject: title, message: text })).map(fieldsOf);
    assertEquals([state, reason], ["delivered", undefined], url);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

/** Removes the identity, which Apprise does not have, from a title. */
function titleOf(text: string): string {
  return text.replace(/^\[jump\] /, "");
}

/** Reads a message whose title is its first line. */
function arrivedAsText(place: string, whole: string): Arrived {
  const [first, ...rest] = whole.replaceAll("\r\n", "\n").split("\n");
  return [place, titleOf(first.replace(/^# /, "")), rest.join("\n").replace(/^\n/, "")];
}

appriseTest("a Matrix URL reaches the same room with the same title and text as Apprise's", async (apprise) => {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken: token } = homeserver.addUser("bot");
  const { host } = new URL(homeserver.url);
  await using front = startTlsFront(homeserver.url);
  const forms: readonly ((room: string, alias: string) => string)[] = [
    (_, alias) => `matrixs://${token}@localhost:${front.port}/${alias}?discovery=no`,
    (_, alias) => `matrix://${token}@${host}/${alias}`,
    (_, alias) => `matrix://:${token}@${host}/${encodeURIComponent(alias)}/`,
    (room) => `matrix://${token}@${host}/${room}?hsreq=no`,
    (room) => `matrix://${host}/?token=${token}&to=${encodeURIComponent(room)}&hsreq=no`,
  ];
  for (const [i, form] of forms.entries()) {
    const alias = `#alerts${i}:loopback.test`;
    const room = homeserver.createRoom({ members: [userId], alias });
    await compare(
      apprise,
      form(room, alias),
      () => homeserver.events(room).map(({ content }) => arrivedAsText(room, String(content.body))),
    );
  }
});

appriseTest("an ntfy URL reaches the same topic with the same title and text as Apprise's", async (apprise) => {
  const arrivedAt = (server: LoopbackNtfy) => (): Arrived[] =>
    server.messages("alerts").map(({ topic, title = "", message }) => [topic, titleOf(title), message]);
  for (const path of ["alerts", "alerts/", "?to=alerts"]) {
    await using ntfy = await LoopbackNtfy.start();
    await compare(apprise, `ntfy://${new URL(ntfy.url).host}/${path}`, arrivedAt(ntfy));
  }
  for (const form of ["tk_secret@HOST/alerts", "me:tk_secret@HOST/alerts?auth=token", "HOST/alerts?token=tk_secret"]) {
    await using ntfy = await LoopbackNtfy.start({ token: "tk_secret" });
    await compare(apprise, `ntfy://${form.replace("HOST", new URL(ntfy.url).host)}`, arrivedAt(ntfy));
  }
  {
    await using ntfy = await LoopbackNtfy.start();
    await using front = startTlsFront(ntfy.url);
    await compare(apprise, `ntfys://localhost:${front.port}/alerts`, arrivedAt(ntfy));
  }
  for (const form of ["me:p%40ss%3Aword@HOST/alerts", "HOST/alerts?user=me&pass=p%40ss%3Aword"]) {
    await using ntfy = await LoopbackNtfy.start({ login: { user: "me", password: "p@ss:word" } });
    await compare(apprise, `ntfy://${form.replace("HOST", new URL(ntfy.url).host)}`, arrivedAt(ntfy));
  }
});

appriseTest("a Gotify URL reaches the same application with the same title and text as Apprise's", async (apprise) => {
  for (const form of ["gotify", "gotifys"]) {
    await using gotify = await LoopbackGotify.start();
    await using front = startTlsFront(gotify.url);
    const host = form === "gotify" ? new URL(gotify.url).host : `localhost:${front.port}`;
    await compare(
      apprise,
      `${form}://${host}/${gotify.token}`,
      () => gotify.messages.map(({ appid, title, message }): Arrived => [String(appid), titleOf(title), message]),
    );
  }
});

appriseTest("a Telegram URL reaches the same chat with the same title and text as Apprise's", async (apprise) => {
  for (const form of ["-100123", "-100123/", "?to=-100123"]) {
    await using telegram = await LoopbackTelegram.start({ chats: ["-100123"] });
    await compare(
      apprise,
      `tgram://${telegram.token}/${form}`,
      () => telegram.messages("-100123").map(({ chat, text }) => arrivedAsText(chat, text)),
      { said: SAID_BY_TELEGRAM, telegram: telegram.url },
    );
  }
});

appriseTest("a JSON URL reaches the same address with the same title and text as Apprise's", async (apprise) => {
  for (const form of ["json", "jsons"]) {
    await using webhook = await LoopbackWebhook.start();
    await using front = startTlsFront(webhook.url);
    const host = form === "json" ? new URL(webhook.url).host : `localhost:${front.port}`;
    await compare(
      apprise,
      `${form}://me:se%3Acret@${host}/hook/a%20b?+X-Key=v&-q=1`,
      () =>
        webhook.deliveries.map(({ path, headers, body }): Arrived => {
          const { title, message, version } = body as Record<string, string>;
          return [[path, headers.get("Authorization"), headers.get("X-Key"), version].join(" "), title, message];
        }),
    );
  }
});

const smtpTest = stub ?? await smtpSuite();

smtpTest("a mail URL reaches the same mailbox with the same title and text as Apprise's", async () => {
  await using apprise = await Apprise.start();
  await using smtp = await SmtpServer.start({ security: "none" });
  const url = `mailto://127.0.0.1:${smtp.port}/root@example.org?from=jump@example.org&mode=insecure&format=text`;
  let expected = 0;
  await compare(apprise, url, async () => {
    await smtp.waitForMails(++expected);
    return await mailsOf(smtp);
  });
});

async function mailsOf(smtp: SmtpServer): Promise<Arrived[]> {
  return await Promise.all(smtp.mails.map(async ({ data, to, user }): Promise<Arrived> => {
    const { headers, parts } = await readMail(data);
    // matrix-notify repeats identity and subject above the text.
    const text = parts["text/plain"].replace(/^\[jump\] .*\n\n/, "");
    return [`${to}, ${user}`, titleOf(headers.subject), text];
  }));
}

smtpTest("a mail URL with a password logs in over STARTTLS, like Apprise", async () => {
  await using smtp = await SmtpServer.start({ login: { user: "jump", password: "se:cret" } });
  await using apprise = await Apprise.start(smtp.caFile);
  await using state = await StateFolder.create();
  const url = `mailtos://jump:se%3Acret@127.0.0.1:${smtp.port}/root@example.org?from=jump@example.org&format=text`;
  await apprise.send(url, SAID, "");
  // Only a new process can trust another authority.
  const configFile = `${state.path}/config.json`;
  Deno.writeTextFileSync(configFile, JSON.stringify({ identity: "jump", channels: { mail: url } }), { mode: 0o600 });
  const args = ["send", SAID.title, SAID.text, "--config", configFile, "--no-background"];
  const sent = await runCli(args, { stateDir: state.path, env: { DENO_CERT: smtp.caFile } });
  assertEquals([sent.code, sent.stderr], [0, ""]);
  await smtp.waitForMails(2);
  const [theirs, ours] = await mailsOf(smtp);
  assertEquals(ours, theirs);
  assertEquals(theirs, ["root@example.org, jump", SAID.title, SAID.text]);
});
