/**
 * The limits of each loopback server: the last value that passes, and the first value that does
 * not. The source of each limit is the published source or the documentation of the service.
 */

import type { LoopbackGotify, LoopbackHomeserver, LoopbackTelegram } from "../../src/testing/mod.ts";
import type { RequestParts } from "./scene.ts";

/** A request. With the token "", the test sends the token of the user. */
export type EdgeRequest = readonly [method: string, path: string, parts?: RequestParts];

/**
 * One limit of a server. The answers are a status and, where the service has one, an error code.
 */
export interface Edge<Server = unknown> {
  readonly limit: string;
  readonly source: string;
  /** The last value that passes, and the first value that does not. */
  readonly values: readonly [passes: string | number, fails: string | number];
  readonly answers: readonly [passes: string, fails: string];
  /** Sends a request with one of the values. */
  readonly request: (value: string | number, server: Server) => EdgeRequest;
  /** The number of equal requests that must succeed before the one with the value. @default {0} */
  readonly earlier?: (value: string | number) => number;
}

const json = (value: unknown): RequestParts => ({
  body: JSON.stringify(value),
  headers: { "content-type": "application/json" },
});

const text = (unit: string, count: string | number) => unit.repeat(Number(count));

/** Returns a JSON request of this size in bytes. */
function jsonOfSize(size: string | number): RequestParts {
  const empty = { topic: "alerts", message: "m", title: "" };
  return json({ ...empty, title: text("t", Number(size) - JSON.stringify(empty).length) });
}

/** The limits of ntfy without files. */
export const NTFY_EDGES: readonly Edge[] = [
  {
    limit: "JSON request, in bytes",
    source: "ntfy server/server.go transformBodyJSON (twice message-size-limit), util/peek.go (the limit itself fails)",
    values: [8191, 8192],
    answers: ["200", "413 41303"],
    request: (size) => ["POST", "/", jsonOfSize(size)],
  },
  {
    limit: "message in JSON, in bytes, without files",
    source: "ntfy server/config.go DefaultMessageSizeLimit 4096, util/peek.go",
    values: [4095, 4096],
    answers: ["200", "400 40014"],
    request: (size) => ["POST", "/", json({ topic: "alerts", message: text("m", size) })],
  },
  {
    limit: "message as text, in bytes, without files",
    source: "ntfy server/server.go handlePublishBody, cases 6 and 7",
    values: [4095, 4096],
    answers: ["200", "400 40014"],
    request: (size) => ["PUT", "/alerts", { body: text("m", size) }],
  },
  {
    limit: "topic in JSON, in characters",
    source: "ntfy server/server.go topicRegex",
    values: [64, 65],
    answers: ["200", "400 40009"],
    request: (size) => ["POST", "/", json({ topic: text("a", size), message: "m" })],
  },
  {
    limit: "topic in the path, in characters",
    source: "ntfy server/server.go topicPathRegex",
    values: [64, 65],
    answers: ["200", "404 40401"],
    request: (size) => ["POST", `/${text("a", size)}`, { body: "m" }],
  },
  {
    limit: "topic names that ntfy uses itself",
    source: "ntfy server/config.go DefaultDisallowedTopics",
    values: ["doc", "docs"],
    answers: ["200", "400 40010"],
    request: (topic) => ["POST", "/", json({ topic, message: "m" })],
  },
  {
    limit: "highest priority",
    source: "ntfy util/util.go ParsePriority",
    values: [5, 6],
    answers: ["200", "400 40007"],
    request: (priority) => ["POST", "/", json({ topic: "alerts", message: "m", priority })],
  },
  {
    limit: "lowest priority in the query",
    source: "ntfy util/util.go ParsePriority",
    values: [1, 0],
    answers: ["200", "400 40007"],
    request: (priority) => ["POST", `/alerts?priority=${priority}`, { body: "m" }],
  },
  {
    limit: "priority that tests the right to write",
    source: "ntfy server/server.go authorizeTopicWrite, then parsePublishParams",
    values: ["alerts", "private"],
    answers: ["400 40007", "403 40301"],
    request: (topic) => ["POST", `/${topic}?priority=99`],
  },
  {
    limit: "sequence id, in characters",
    source: "ntfy documentation, Updating and deleting notifications (2.16)",
    values: [64, 65],
    answers: ["200", "400 40049"],
    request: (size) => ["POST", "/", json({ topic: "alerts", message: "m", sequence_id: text("s", size) })],
  },
];

/** The limits of ntfy with files. */
export const NTFY_FILE_EDGES: readonly Edge[] = [
  {
    limit: "file, in bytes (limit 1000)",
    source: "ntfy server/server.go handleBodyAsAttachment, util/limit.go FixedLimiter",
    values: [1000, 1001],
    answers: ["200", "413 41301"],
    request: (size) => ["PUT", "/files?filename=a.bin", { body: text("m", size) }],
  },
  {
    limit: "all files of a visitor, in bytes (limit 1500)",
    source: "ntfy server/server.go handleBodyAsAttachment (AttachmentTotalSizeRemaining)",
    values: [750, 751],
    answers: ["200", "413 41301"],
    earlier: () => 1,
    request: (size) => ["PUT", "/files?filename=b.bin", { body: text("m", size) }],
  },
];

/** The limits of Gotify 3. */
export const GOTIFY_EDGES: readonly Edge<LoopbackGotify>[] = [
  {
    limit: "shortest message, in characters",
    source: "gotify/server model/message.go (binding:required)",
    values: [1, 0],
    answers: ["200", "400 400"],
    request: (size, { token }) => ["POST", `/message?token=${token}`, json({ message: text(" ", size) })],
  },
  {
    limit: "priority",
    source: "gotify/server model/message.go (*int)",
    values: ["99999999999", "1.5"],
    answers: ["200", "400 400"],
    request: (priority, { token }) => [
      ...["POST", `/message?token=${token}`] as const,
      json({ message: "m", priority: Number(priority) }),
    ],
  },
  {
    limit: "application of a message that a client sends",
    source: "gotify/server api/message.go CreateMessage (3.0.0)",
    values: [1, 2],
    answers: ["200", "400 400"],
    request: (appid, { clientToken }) => ["POST", `/message?token=${clientToken}`, json({ message: "m", appid })],
  },
  {
    limit: "token that may send without an application",
    source: "gotify/server auth/authentication.go RequireApplicationOrClient, api/message.go (3.0.0)",
    values: ["application", "client"],
    answers: ["200", "400 400"],
    request: (kind, { token, clientToken }) => [
      ...["POST", `/message?token=${kind === "client" ? clientToken : token}`] as const,
      json({ message: "m" }),
    ],
  },
  {
    limit: "token that may read its user",
    source: "gotify/server router/router.go (clientAuth, current/user)",
    values: ["client", "application"],
    answers: ["200", "401 401"],
    request: (kind, { token, clientToken }) => [
      "GET",
      `/current/user?token=${kind === "client" ? clientToken : token}`,
    ],
  },
];

const telegram = (method: string, value: object, { token }: LoopbackTelegram) =>
  ["POST", `/bot${token}/${method}`, json({ chat_id: "1001", ...value })] as const;

/** Returns a form with a file, as `fetch` would encode it. */
function form(field: string, type: string, size: number, caption = ""): RequestParts {
  const head = `--b\r\ncontent-disposition: form-data; name="chat_id"\r\n\r\n1001\r\n` +
    `--b\r\ncontent-disposition: form-data; name="caption"\r\n\r\n${caption}\r\n` +
    `--b\r\ncontent-disposition: form-data; name="${field}"; filename="a"\r\ncontent-type: ${type}\r\n\r\n`;
  return {
    body: head + text("x", size) + "\r\n--b--\r\n",
    headers: { "content-type": "multipart/form-data; boundary=b" },
  };
}

const MIB = 2 ** 20;

/** The limits of the Bot API. */
export const TELEGRAM_EDGES: readonly Edge<LoopbackTelegram>[] = [
  {
    limit: "text, in UTF-16 code units",
    source: "Bot API sendMessage (1-4096 characters after entities parsing); TDLib MessageContent.cpp (code points)",
    values: [4096, 4097],
    answers: ["200", "400 400"],
    request: (size, server) => telegram("sendMessage", { text: text("m", size) }, server),
  },
  {
    limit: "text of emoji (two code units each)",
    source: "Bot API, Formatting options (offsets are UTF-16 code units)",
    values: [2048, 2049],
    answers: ["200", "400 400"],
    request: (size, server) => telegram("sendMessage", { text: text("😀", size) }, server),
  },
  {
    limit: "text with tags and entities",
    source: "Bot API sendMessage (after entities parsing)",
    values: [4096, 4097],
    answers: ["200", "400 400"],
    request: (size, server) =>
      telegram("sendMessage", { text: `<b>${text("&amp;", size)}</b>`, parse_mode: "HTML" }, server),
  },
  {
    limit: "shortest text",
    source: "Bot API sendMessage (1-4096 characters)",
    values: ["x", " "],
    answers: ["200", "400 400"],
    request: (value, server) => telegram("sendMessage", { text: value }, server),
  },
  {
    limit: "caption, in characters",
    source: "Bot API sendDocument (0-1024 characters after entities parsing)",
    values: [1024, 1025],
    answers: ["200", "400 400"],
    request: (size, { token }) => [
      ...["POST", `/bot${token}/sendDocument`] as const,
      form("document", "text/plain", 1, text("c", size)),
    ],
  },
  {
    limit: "photo, in bytes",
    source: "Bot API sendPhoto (10 MB)",
    values: [10 * MIB, 10 * MIB + 1],
    answers: ["200", "413 413"],
    request: (size, { token }) => ["POST", `/bot${token}/sendPhoto`, form("photo", "image/png", Number(size))],
  },
  {
    limit: "document, in bytes",
    source: "Bot API sendDocument (50 MB)",
    values: [50 * MIB, 50 * MIB + 1],
    answers: ["200", "413 413"],
    request: (size, { token }) => ["POST", `/bot${token}/sendDocument`, form("document", "text/plain", Number(size))],
  },
  {
    limit: "chat",
    source: "telegram-bot-api Client.cpp check_chat",
    values: ["1001", "1003"],
    answers: ["200", "400 400"],
    request: (chat, server) => telegram("sendMessage", { chat_id: chat, text: "m" }, server),
  },
  {
    limit: "group that became a supergroup",
    source: "telegram-bot-api Client.cpp check_chat_access (migrate_to_chat_id)",
    values: ["-1009", "-9"],
    answers: ["200", "400 400"],
    request: (chat, server) => telegram("sendMessage", { chat_id: chat, text: "m" }, server),
  },
  {
    limit: "group that removed the bot",
    source: "telegram-bot-api Client.cpp check_chat_access (403, kicked)",
    values: ["1001", "1002"],
    answers: ["200", "403 403"],
    request: (chat, server) => telegram("sendMessage", { chat_id: chat, text: "m" }, server),
  },
];

const SEND = (server: LoopbackHomeserver) =>
  `/_matrix/client/v3/rooms/${server.roomIds()[0]}/send/m.room.message/${crypto.randomUUID()}`;

const matrix = (method: string, path: string, value?: unknown): readonly [string, string, RequestParts] => [
  method,
  path,
  { token: "", ...(value === undefined ? {} : json(value)) },
];

const V3 = "/_matrix/client/v3";

/** Sends a message whose content contains a number, as it is written. */
const sendNumber = (number: string | number, server: LoopbackHomeserver): EdgeRequest => [
  "PUT",
  SEND(server),
  { token: "", body: `{"msgtype":"m.text","body":"x","n":${number}}` },
];

/** The limits of Synapse. */
export const SYNAPSE_EDGES: readonly Edge<LoopbackHomeserver>[] = [
  {
    limit: "body of a message of @notifier:synapse.test, in bytes (the whole event: 65536)",
    source: "Synapse event_auth.py _check_size_limits, api/constants.py MAX_PDU_SIZE; measured with Synapse 1.163.2",
    values: [64_922, 64_923],
    answers: ["200", "413 M_TOO_LARGE"],
    request: (size, server) => matrix("PUT", SEND(server), { msgtype: "m.text", body: text("x", size) }),
  },
  {
    limit: "type of an event, in bytes",
    source: "Synapse event_auth.py _check_size_limits",
    values: [255, 256],
    answers: ["200", "413 M_TOO_LARGE"],
    request: (size, server) => matrix("PUT", SEND(server).replace("m.room.message", text("t", size)), { a: 1 }),
  },
  {
    limit: "type of an event, with two bytes a character",
    source: "Synapse event_auth.py _check_size_limits",
    values: [127, 128],
    answers: ["200", "413 M_TOO_LARGE"],
    request: (size, server) => matrix("PUT", SEND(server).replace("m.room.message", text("%C3%A4", size)), { a: 1 }),
  },
  {
    limit: "state key, in bytes",
    source: "Synapse event_auth.py _check_size_limits",
    values: [255, 256],
    answers: ["200", "413 M_TOO_LARGE"],
    request: (size, server) => matrix("PUT", `${V3}/rooms/${server.roomIds()[0]}/state/org.x/${text("k", size)}`, {}),
  },
  {
    limit: "largest number",
    source: "Synapse api/constants.py CANONICALJSON_MAX_INT",
    values: ["9007199254740991", "9007199254740992"],
    answers: ["200", "400 M_BAD_JSON"],
    request: sendNumber,
  },
  {
    limit: "number format",
    source: "Synapse events/validator.py validate_canonicaljson",
    values: ["1", "1.0"],
    answers: ["200", "400 M_BAD_JSON"],
    request: sendNumber,
  },
  {
    limit: "upload, in bytes (limit 1000)",
    source: "Synapse rest/media/upload_resource.py (content_length > max_upload_size)",
    values: [1000, 1001],
    answers: ["200", "413 M_TOO_LARGE"],
    request: (size) => ["POST", "/_matrix/media/v3/upload", { token: "", body: text("x", size) }],
  },
  {
    limit: "longest request that is read, in bytes",
    source: "Synapse app/_base.py max_request_body_size, http/site.py (the connection is closed)",
    values: [200 * 65_536, 200 * 65_536 + 1],
    answers: ["413 M_TOO_LARGE", "cut"],
    request: (size) => ["POST", "/_matrix/media/v3/upload", { token: "", body: text("x", size) }],
  },
  {
    limit: "display name, in characters",
    source: "Synapse handlers/profile.py MAX_DISPLAYNAME_LEN",
    values: [256, 257],
    answers: ["200", "400 M_UNKNOWN"],
    request: (size) =>
      matrix("PUT", `${V3}/profile/@notifier:synapse.test/displayname`, { displayname: text("n", size) }),
  },
  {
    limit: "name of a device, in characters",
    source: "Synapse handlers/device.py MAX_DEVICE_DISPLAY_NAME_LEN",
    values: [100, 101],
    answers: ["200", "400 M_TOO_LARGE"],
    request: (size) => matrix("PUT", `${V3}/devices/DEVICE`, { display_name: text("n", size) }),
  },
  {
    limit: "alias with # and the name of the server, in characters",
    source: "Synapse api/constants.py MAX_ALIAS_LENGTH",
    values: [255, 256],
    answers: ["200", "400 M_INVALID_PARAM"],
    request: (size) =>
      matrix("POST", `${V3}/createRoom`, { room_alias_name: text("a", Number(size) - "#:synapse.test".length) }),
  },
  {
    limit: "limit of a page of messages (a larger one counts as 1000)",
    source: "Synapse streams/config.py MAX_LIMIT",
    values: ["1001", "-1"],
    answers: ["200", "400 M_INVALID_PARAM"],
    request: (limit, server) => matrix("GET", `${V3}/rooms/${server.roomIds()[0]}/messages?dir=b&limit=${limit}`),
  },
];

/** The rate limit of Synapse. */
export const SYNAPSE_RATE_EDGES: readonly Edge<LoopbackHomeserver>[] = [
  {
    limit: "messages in a burst (limit 10)",
    source: "Synapse config/ratelimiting.py rc_message (per_second 0.2, burst_count 10)",
    values: [10, 11],
    answers: ["200", "429 M_LIMIT_EXCEEDED"],
    earlier: (count) => Number(count) - 1,
    request: (_, server) => matrix("PUT", SEND(server), { msgtype: "m.text", body: "x" }),
  },
];

/** The limits of a webhook. */
export const WEBHOOK_EDGES: readonly Edge[] = [
  {
    limit: "body",
    source: "RFC 8259 (JSON is UTF-8)",
    values: ["{}", "{"],
    answers: ["202", "400 invalid_json"],
    request: (body) => ["POST", "/hook", { body: String(body) }],
  },
];
