import { assertEquals, assertRejects } from "@std/assert";
import { parseAppriseUrl } from "../../src/config/channels.ts";
import { ConfigError } from "../../src/base/errors.ts";

const BOT = "123456789:AAExampleExampleExampleExampleExamp";

/** URLs, and the channels they become. */
const TAKEN: Readonly<Record<string, Record<string, unknown>>> = {
  "matrixs://syt_token@matrix.example.org/!room:example.org": matrix("!room:example.org"),
  "matrixs://:syt_token@matrix.example.org/#alerts:example.org": matrix("#alerts:example.org"),
  "matrixs://matrix.example.org/%23alerts:example.org/?token=syt_token&discovery=no&format=markdown": matrix(
    "#alerts:example.org",
  ),
  "matrixs://syt_token@matrix.example.org/alerts:example.org?mode=off": matrix("#alerts:example.org"),
  "matrixs://syt_token@matrix.example.org/!opaque?hsreq=no": matrix("!opaque"),
  "matrixs://syt_token@matrix.example.org/@alice:example.org": matrix("@alice:example.org"),
  "matrixs://syt_token@matrix.example.org/!room:example.org/#alerts:example.org": matrix(
    "!room:example.org",
    "#alerts:example.org",
  ),
  "matrix://t@localhost:8008/?to=!room:example.org": {
    ...{ kind: "matrix", homeserver: "http://localhost:8008", accessToken: "t", room: ["!room:example.org"] },
  },
  "ntfy://alerts": { kind: "ntfy", server: "https://ntfy.sh", topic: "alerts" },
  "ntfys://ntfy.sh/alerts": { kind: "ntfy", server: "https://ntfy.sh", topic: "alerts" },
  "ntfys://ntfy.example.org/alerts": { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts" },
  "ntfy://localhost:8080/alerts/": { kind: "ntfy", server: "http://localhost:8080", topic: "alerts" },
  "ntfys://me:p%40ss@ntfy.example.org/alerts": {
    ...{ kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts", user: "me", password: "p@ss" },
  },
  "ntfys://me:p@ss@ntfy.example.org/alerts": {
    ...{ kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts", user: "me", password: "p@ss" },
  },
  "ntfys://me:p%3Ass@ntfy.example.org:8443/alerts": {
    ...{ kind: "ntfy", server: "https://ntfy.example.org:8443", topic: "alerts", user: "me", password: "p:ss" },
  },
  "ntfys://ntfy.example.org/alerts?user=me&pass=p%40ss": {
    ...{ kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts", user: "me", password: "p@ss" },
  },
  "ntfys://tk_abc@ntfy.example.org/alerts": ntfyToken("tk_abc"),
  "ntfys://secret@ntfy.example.org/alerts?auth=token": ntfyToken("secret"),
  "NTFYS://ntfy.example.org/?to=alerts&token=tk_abc": ntfyToken("tk_abc"),
  "gotifys://gotify.example.org/AbC.def": { kind: "gotify", server: "https://gotify.example.org", token: "AbC.def" },
  "gotifys://example.org/gotify/AbC": { kind: "gotify", server: "https://example.org/gotify", token: "AbC" },
  "gotify://localhost:8080/AbC": { kind: "gotify", server: "http://localhost:8080", token: "AbC" },
  [`tgram://${BOT}/-100123/@alerts`]: { kind: "telegram", token: BOT, chat: ["-100123", "@alerts"] },
  [`tgram://bot${BOT}/-100123:7/`]: { kind: "telegram", token: BOT, chat: ["-100123"], thread: 7 },
  [`tgram://${BOT.replace(":", "%3A")}/alerts?topic=7`]: { kind: "telegram", token: BOT, chat: ["@alerts"], thread: 7 },
  "mailtos://jump:secret@mail.example.org/root@example.org": {
    ...{ kind: "email", server: "mail.example.org", security: "starttls", user: "jump", password: "secret" },
    ...{ from: "jump@mail.example.org", to: ["root@example.org"] },
  },
  "mailtos://jump:secret@example.org:465?smtp=mail.example.org&mode=ssl&from=jump@example.org&name=Jump": {
    ...{ kind: "email", server: "mail.example.org", port: 465, security: "tls", user: "jump", password: "secret" },
    ...{ from: "Jump <jump@example.org>", to: ["jump@example.org"] },
  },
  "mailtos://example.org?user=jump&pass=secret&smtp=mail.example.org&to=root@example.org": {
    ...{ kind: "email", server: "mail.example.org", security: "starttls", user: "jump", password: "secret" },
    ...{ from: "jump@example.org", to: ["root@example.org"] },
  },
  "mailto://me:secret@gmail.com/you@example.org,other@example.org": {
    ...{ kind: "email", server: "smtp.gmail.com", security: "starttls", user: "me@gmail.com", password: "secret" },
    ...{ from: "me@gmail.com", to: ["you@example.org", "other@example.org"] },
  },
  "mailto://localhost?from=jump@example.org&to=root@example.org": {
    ...{ kind: "email", server: "localhost", security: "none", from: "jump@example.org", to: ["root@example.org"] },
  },
  "jsons://me:secret@example.org/hook/A,b?method=put&+X-Key=v&-q=a%20b": {
    kind: "webhook",
    url: "https://example.org/hook/A,b?q=a+b",
    method: "PUT",
    headers: { Authorization: "Basic bWU6c2VjcmV0", "X-Key": "v" },
    body: { version: "1.0", title: "{{subject}}", message: "{{message}}", attachments: [], type: "{{severity}}" },
  },
};

/** URLs that are rejected, and why. */
const REFUSED: Readonly<Record<string, string>> = {
  "just text": "it must be a JSON object or an Apprise URL such as ntfys://host/topic",
  "discord://a/b": "there is no kind of channel for discord://",
  "constructor://a": "there is no kind of channel for constructor://",
  "ntfys://host/%zz": "it contains a % that does not begin an escaped character",
  "ntfys://host/t?verify=no": "certificates are always checked, so the option verify=no is not supported",
  "ntfys://host/t?priority=high": "the option priority is not supported",
  "ntfys://host/a/b": "it contains 2 topics",
  "ntfys://": "it contains 0 topics",
  "ntfys://:secret@host/topic": "it has a password without a user",
  "ntfys://user@host/topic": "it has a user without a password",
  "matrixs://user:secret@host/!a:b": "it has a password, but a channel needs an access token",
  "matrixs://host/!a:b": "it has no access token",
  "matrixs://secret@host": "it does not contain a room",
  "matrixs://secret@host/@user": "a room in the URL has no server name",
  "matrixs://secret@host/!opaque": "a room in the URL has no server name",
  "matrixs://secret@host/alerts?hsreq=no": "a room in the URL has no server name",
  "matrixs://secret@host/!a:b?msgtype=notice": "the option msgtype is not supported",
  "matrixs://user:secret@host/!a:b?mode=slack": "its mode slack is for a webhook, not for a Matrix account",
  "gotifys://host": "it does not contain a token",
  "gotifys:///secret": "it does not contain a host",
  "ntfys://user:pa?secret@host/topic": "an option is not supported",
  "ntfys://user:pa&secret@host/topic?secret&secret2=1": "an option is not supported",
  "tgram://123456789:%zz/5": "it contains a % that does not begin an escaped character",
  "tgram://secret/chat": "it does not contain the token of a bot",
  [`tgram://${BOT}`]: "it does not contain a chat",
  [`tgram://${BOT}/1:2/3`]: "it contains several chats or topics",
  [`tgram://${BOT}/ä`]: "each chat must be a number or a name",
  [`tgram://${BOT}/1?silent=yes`]: "the option silent is not supported",
  "mailtos://mail.example.org": "it does not contain a sender",
  "mailtos://me:secret@host?mode=plain": 'its mode "plain" is unknown: use insecure, starttls or ssl',
  "mailtos://me:secret@host?cc=you@example.org": "the option cc is not supported",
  "jsons://host?:title=subject": "fields that start with a colon (:name=value) are not supported",
};

for (const [url, channel] of Object.entries(TAKEN)) {
  Deno.test(`parseAppriseUrl() converts ${url}`, async () => {
    assertEquals(await parseAppriseUrl(url, "channels.x"), channel);
  });
}

Deno.test("parseAppriseUrl() names the part that it cannot use, and shows no secret", async () => {
  for (const [url, state] of Object.entries(REFUSED)) {
    const error = await assertRejects(() => parseAppriseUrl(url, "channels.x"), ConfigError);
    assertEquals(error.message, `Cannot use channels.x: ${state}`, url);
    assertEquals(/secret|AAExample/.test(`${error.message} ${error.hint}`), false, url);
  }
});

Deno.test("docs/apprise.md lists every supported form", () => {
  const text = Deno.readTextFileSync(new URL("../../docs/apprise.md", import.meta.url));
  for (const url of Object.keys(TAKEN)) {
    const shown = url.replace(/AAExample(Example)*Examp/, "AA…");
    assertEquals(text.includes(`| \`${shown}\` `), true, shown);
  }
});

function matrix(...room: string[]): Record<string, unknown> {
  return { kind: "matrix", homeserver: "https://matrix.example.org", accessToken: "syt_token", room };
}

function ntfyToken(token: string): Record<string, unknown> {
  return { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts", token };
}
