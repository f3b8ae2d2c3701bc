/**
 * Sends each field of a Matrix message and of a webhook, and reads in the room what `docs/serve.md`
 * says about it.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { isAt, type Place, readFieldTable } from "./field_tables.ts";
import { type ServeTest, startServe } from "./serve.ts";

/** The fields of `m.room.message` (Client-Server API) and those of matrix-notify. */
const MESSAGE_FIELDS = [
  ...["body", "format", "formatted_body", "msgtype", "url", "file", "filename", "geo_uri", "external_url"],
  ...["m.mentions.user_ids", "m.mentions.room", "m.relates_to", "m.new_content"],
  ...["mimetype", "size", "w", "h", "duration", "thumbnail_url", "thumbnail_file", "thumbnail_info"]
    .map((name) => `info.${name}`),
  ...["id", "ids", "severity", "origin", "key"].map((name) => `dev.matrix-notify.${name}`),
];

/**
 * The fields of matrix-appservice-webhooks, matrix-hookshot, and those of Slack that Apprise sends.
 */
const WEBHOOK_FIELDS = [
  ...["text", "html", "format", "displayName", "username", "avatarUrl", "emoji", "msgtype", "mrkdwn"],
  ...["title", "text", "color", "footer", "ts"].map((name) => `attachments.${name}`),
];

/** A field, a place of it, and a text that only its message has. */
interface Trial {
  readonly name: string;
  readonly place: Place;
  readonly tag: string;
}

/** A content that sends a field, and the text that the room must show in the place. */
type Sent = readonly [content: Readonly<Record<string, unknown>>, seen: string];

const HTML = { format: "org.matrix.custom.html", formatted_body: "Title<br><strong>bold</strong>" };

/** @param uploads the addresses of an uploaded file, and the field `file` of an encrypted one */
function messageOf({ name, place, tag }: Trial, uploads: { readonly url: string; readonly file: unknown }): Sent {
  const { url, file } = uploads, value = `value-${tag}`;
  const text = { msgtype: "m.text", body: `${tag}\ntext` }, image = { msgtype: "m.image", body: tag, url };
  const caption = place === "subject" ? `${value} ${tag}` : `${tag}\n${value}`;
  switch (name) {
    case "body":
      return [{ ...text, body: caption }, value];
    case "formatted_body":
      if (place === "format") return [{ ...text, ...HTML, formatted_body: `${tag}<br><strong>bold</strong>` }, ""];
      return [{ ...text, ...HTML, formatted_body: caption.replace("\n", "<br>") }, value];
    case "format":
      return [{ ...text, ...HTML, formatted_body: `${tag}<br><strong>bold</strong>` }, ""];
    case "msgtype":
      return [{ ...text, msgtype: "m.notice" }, ""];
    case "url":
      return place === "shown"
        ? [{ ...image, url: `https://a.example/${tag}` }, `https://a.example/${tag}`]
        : [image, tag];
    case "file":
      return [{ msgtype: "m.file", body: tag, file }, tag];
    case "filename":
      return [{ ...image, filename: `${value}.png` }, `${value}.png`];
    case "info.mimetype":
      return [{ ...image, info: { mimetype: "image/png" } }, tag];
    case "m.mentions.user_ids":
      return [{ ...text, "m.mentions": { user_ids: [`@${tag}:example.org`] } }, `@${tag}:example.org`];
    case "m.mentions.room":
      return [{ ...text, "m.mentions": { room: true } }, "true"];
    case "external_url":
      return [{ ...text, external_url: `https://a.example/${tag}` }, `https://a.example/${tag}`];
    case "m.new_content":
      return [{ ...text, body: "* old", "m.new_content": { ...text, body: caption } }, value];
    case "dev.matrix-notify.severity":
      return [{ ...text, [name]: "critical" }, "critical"];
    case "other fields":
      return [{ ...text, "com.example.site": value }, value];
  }
  if (!name.startsWith("info.")) return [{ ...text, [name]: value }, value];
  return [{ ...image, info: { [name.slice("info.".length)]: value } }, value];
}

function webhookOf({ name, place, tag }: Trial): Sent {
  const value = `value-${tag}`, field = name.replace("attachments.", "");
  const caption = place === "subject" ? `${value} ${tag}` : `${tag}\n${value}`;
  switch (name) {
    case "text":
      return [{ text: caption }, value];
    case "html":
    case "format": {
      const html = place === "format" ? `${tag}<br><strong>bold</strong>` : caption.replace("\n", "<br>");
      return [name === "html" ? { text: "old", html } : { text: html, format: "html" }, value];
    }
    case "msgtype":
      return [{ text: tag, msgtype: "m.notice" }, ""];
    case "attachments.color":
      return [{ attachments: [{ text: tag, color: "danger" }] }, "error"];
    case "other fields":
      return [{ text: tag, site: value }, value];
  }
  return [
    field === name ? { text: tag, [name]: value } : { text: tag, attachments: [{ [field]: value }] },
    value,
  ];
}

/** Uploads a file, once as it is and once encrypted. */
async function upload({ url, token }: ServeTest) {
  const post = async (body: BodyInit) => {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch(`${url}/_matrix/media/v3/upload`, { method: "POST", headers, body });
    return (await response.json()).content_uri;
  };
  const key = await crypto.subtle.generateKey({ name: "AES-CTR", length: 256 }, true, ["encrypt"]);
  const counter = new Uint8Array(16);
  const encrypted = await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, key, counter);
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", encrypted)).toBase64({ omitPadding: true });
  const file = { url: await post(encrypted), key: await crypto.subtle.exportKey("jwk", key), hashes: { sha256 } };
  return { url: await post("file"), file: { ...file, iv: counter.toBase64({ omitPadding: true }), v: "v2" } };
}

const TABLES = [
  { column: "field of a message", published: MESSAGE_FIELDS },
  { column: "field of a webhook", published: WEBHOOK_FIELDS },
];

Deno.test("docs/serve.md has a row for each field of a Matrix message and of a webhook", () => {
  const missing = TABLES.flatMap(({ column, published }) => {
    const table = readFieldTable("### Matrix", column);
    return published.filter((name) => !table.has(name));
  });
  assertEquals(missing, []);
});

Deno.test("serve shows each field of a Matrix message and of a webhook as docs/serve.md says", async () => {
  await using server = await startServe({ http: { rateLimit: { count: 10_000, per: "1m" } } });
  const uploads = await upload(server);
  const trials = TABLES.flatMap(({ column }, at) =>
    [...readFieldTable("### Matrix", column)].flatMap(([name, places], row) =>
      places.map((place, number) => ({ name, place, tag: `case-${at}-${row}-${number}x`, isWebhook: at === 1 }))
    )
  );
  const sent = trials.map((trial) => ({
    ...trial,
    sent: trial.isWebhook ? webhookOf(trial) : messageOf(trial, uploads),
  }));
  const problems: string[] = [];
  for (const { sent: [content, seen], isWebhook, name, place, tag } of sent) {
    const path = isWebhook
      ? `/webhook/${server.token}`
      : `/_matrix/client/v3/rooms/%21rules:matrix-notify/send/m.room.message/${tag}`;
    for (let times = place === "idempotency key" ? 2 : 1; times > 0; times--) {
      const late = times === 2 ? { ...content, body: `${content.body}\nearlier` } : content;
      const headers = { Authorization: `Bearer ${server.token}` };
      const response = await fetch(server.url + path, {
        ...{ method: isWebhook ? "POST" : "PUT", headers, body: JSON.stringify(late) },
      });
      assertEquals(response.status, 200, await response.text());
    }
    // Read after each message, because messages that wait together become a batch.
    const contents = (await server.events()).map(({ content }) => content);
    const files = contents.filter(({ url }) => url !== undefined).map(({ body }) => String(body));
    const texts = contents.filter(({ url }) => url === undefined);
    if (texts.length === 1 && isAt(place, { content: texts[0], files }, seen)) continue;
    problems.push(`${name}: ${place}: ${JSON.stringify(texts)}`);
  }
  assertEquals(problems, []);
});
