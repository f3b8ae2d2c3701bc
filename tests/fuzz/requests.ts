/**
 * Fuzzes HTTP requests to the receivers of `serve`: whole requests, whose words must arrive, and
 * damaged or hostile ones, which must arrive somehow.
 *
 * @module
 */

import { HOOK_PRESETS, hookProtocol } from "../../src/ingest/http/hook.ts";
import { chooseProtocol } from "../../src/ingest/http/protocols.ts";
import type { IncomingRequest } from "../../src/ingest/http/request.ts";
import { createNotification, type NotificationInput } from "../../src/notification/notification.ts";
import { type Dice, garbage, seededDice } from "../faults/crash_dice.ts";
import type { Fuzzer } from "./fuzzer.ts";
import { changeBytes, changeJson, concat, hostileText, hostileValue, pick } from "./hostile.ts";

const encoder = new TextEncoder();

/** A reading that takes longer blocks the other senders, in milliseconds of the real clock. */
const MAX_READ_MS = 5_000;

const HOOKS = new Map([
  ["pve", hookProtocol("pve", HOOK_PRESETS.proxmox)],
  ["nas", hookProtocol("nas", HOOK_PRESETS.truenas)],
  ["any", hookProtocol("any", { subject: "{{a.b}} {{a.0}}", message: "{{x}}", key: "{{k}}", id: "{{i}}" })],
]);

const PATHS = ["/notify", "/message", "/alertmanager", "/grafana", "/uptime-kuma", "/hooks/pve", "/hooks/nas"];
const MORE_PATHS = [
  ...["/hooks/any", "/", "/topic", "/topic/publish", "/a-b_C/trigger", "/webhook/t", "/api/v1/matrix/hook/t"],
  ...["/_matrix/client/v3/rooms/%21a%3Ab/send/m.room.message", "/_matrix/client/r0/rooms/%zz/send/m.room.message"],
];

const TYPES = [
  ...["", "application/json", "application/x-www-form-urlencoded", "text/plain", "text/markdown", "image/png"],
  ...["multipart/form-data; boundary=b", "multipart/form-data", 'multipart/mixed; boundary="', "\x7f", "a/b;c*0*=%"],
];

const HEADERS = [
  ...["Title", "X-Title", "t", "Priority", "p", "Tags", "ta", "Click", "Attach", "a", "Filename", "f", "Icon", "Delay"],
  ...["Actions", "Markdown", "md", "Email", "Call", "Cache", "Template", "Sequence-ID", "Idempotency-Key", "Message"],
];

const NAMES = [
  ...["subject", "title", "message", "text", "severity", "priority", "key", "resolve", "status", "link", "silent"],
  ...["format", "markdown", "mentions", "ttl", "id", "origin", "topic", "tags", "actions", "attach", "delay", "extras"],
  ...[
    "alerts",
    "fingerprint",
    "labels",
    "annotations",
    "heartbeat",
    "monitor",
    "msg",
    "data",
    "fields",
    "__proto__",
    "a",
  ],
  ...["msgtype", "body", "formatted_body", "url", "file", "m.mentions", "m.new_content", "html", "attachments"],
];

const ALERT = {
  status: "firing",
  labels: { alertname: "A", severity: "critical" },
  annotations: { summary: "s", description: "d" },
  startsAt: "2026-11-22T19:00:00Z",
  endsAt: "0001-01-01T00:00:00Z",
  generatorURL: "http://p/",
  fingerprint: "f",
  values: { B: 1 },
  embeddedImage: "data:image/png;base64,iVBORw==",
};

/** Documents as real senders send them. */
const DOCUMENTS: readonly unknown[] = [
  {
    version: "4",
    status: "firing",
    receiver: "r",
    truncatedAlerts: 1,
    groupLabels: { a: "b" },
    alerts: [ALERT, ALERT],
  },
  {
    heartbeat: { monitorID: 1, status: 0, time: "t", msg: "m", ping: 1 },
    monitor: { id: 1, name: "n", url: "https://x/", tags: [{ name: "a", value: "b" }] },
    msg: "[n] [🔴 Down] m",
  },
  { title: "t", message: "m", priority: 5, extras: { "client::notification": { click: { url: "https://x" } } } },
  { topic: "t", message: "m", tags: ["warning", "x"], actions: [{ action: "view", label: "l", url: "https://x" }] },
  { title: "t", message: "m", severity: "error", fields: { type: "vzdump", hostname: "h", "job-id": "j" } },
  {
    msgtype: "m.image",
    body: "# t\r\nb",
    format: "org.matrix.custom.html",
    formatted_body: "<h1>t</h1><br/><b>b</b> <a href='https://x'>l</a>",
    url: "mxc://matrix-notify/1",
    file: { url: "mxc://matrix-notify/1", key: { k: "AA" }, iv: "AA", hashes: { sha256: "AA" } },
    info: { mimetype: "image/png" },
    "m.mentions": { user_ids: ["@a:b"], room: true },
    "m.new_content": { body: "n" },
    "dev.matrix-notify.severity": "error",
  },
  {
    displayName: "d",
    format: "html",
    text: "<p>t</p>",
    attachments: [{ title: "t", text: "a&amp;b", color: "danger" }],
  },
  { subject: "s", message: "m", severity: "warning", key: "k", resolve: true, link: "https://x", ttl: "1h", id: "1" },
];

function request(dice: Dice, body: Uint8Array, parts: Partial<IncomingRequest> = {}): IncomingRequest {
  const headers = new Headers();
  for (let count = dice(5); count > 0; count--) setHeader(headers, pick(dice, HEADERS), hostileText(dice));
  setHeader(headers, "Content-Type", dice(9) === 0 ? hostileText(dice) : pick(dice, TYPES));
  const query = new URLSearchParams();
  for (let count = dice(8) === 0 ? dice(5) : 0; count > 0; count--) query.append(pick(dice, NAMES), hostileText(dice));
  return { method: "POST", path: pick(dice, [...PATHS, ...MORE_PATHS]), query, headers, body, ...parts };
}

/** Sets a header to bytes that a client can send. */
function setHeader(headers: Headers, name: string, value: string): void {
  const bytes = encoder.encode(value).slice(0, 20_000).filter((byte) => byte >= 0x20 || byte === 9);
  headers.set(name, Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** Reads a request as `serve` does, checks the result, and returns the notifications. */
function receive(request: IncomingRequest): readonly NotificationInput[] {
  const start = performance.now();
  const protocol = chooseProtocol(request.method, request.path, HOOKS);
  if (protocol === undefined) throw new Error(`No protocol takes ${request.method} ${request.path}`);
  const { notifications, answer } = protocol.read(request, { now: Date.UTC(2026, 10, 22) });
  if (notifications.length === 0) throw new Error("There is no notification");
  for (const { input, id } of notifications) {
    const { subject, message } = createNotification(input, 0);
    const wrong = /(?![\n\t])\p{Cc}|\p{Cs}/u.exec(`${subject}\n${message}`);
    if (wrong !== null) throw new Error(`The notification contains U+${wrong[0].charCodeAt(0).toString(16)}`);
    if (id !== undefined && typeof id !== "string") throw new Error("The id is no text");
  }
  for (const ids of [[], ["0123abcd-4567-89ab-cdef-000000000000"]]) {
    const { status, body } = answer(ids);
    if (status < 200 || status > 202 || body.includes("\n")) throw new Error(`The answer is ${status} ${body}`);
  }
  const tookMs = performance.now() - start;
  if (tookMs > MAX_READ_MS) throw new Error(`Reading ${request.body.length} bytes took ${Math.round(tookMs)} ms`);
  return notifications.map(({ input }) => input);
}

/** Builds a request whose words must arrive, in a way that senders use. */
function wholeRequest(dice: Dice): { readonly request: IncomingRequest; readonly words: readonly string[] } {
  const words = [`w0w${dice(1e9)}`, `w1w${dice(1e9)}`];
  const [subject, message] = [`${words[0]} ä & = %`, `${pick(dice, ["", "\n", "x\n"])}${words[1]}\n\t"<b>" 100%`];
  const [title, text, path] = pick(dice, [
    ["subject", "message", "/notify"],
    ["title", "message", "/message"],
    ["title", "message", "/hooks/pve"],
    ["title", "message", "/"],
  ]);
  const headers = (type: string) => new Headers({ "Content-Type": type });
  const form = new URLSearchParams({ [title]: subject, [text]: message });
  const parts = { query: new URLSearchParams(), path };
  switch (path === "/" ? 0 : dice(3)) {
    case 0: {
      const body = encoder.encode(JSON.stringify({ [title]: subject, [text]: message, topic: "t" }));
      return { request: request(dice, body, { ...parts, headers: headers(pick(dice, TYPES.slice(0, 5))) }), words };
    }
    case 1: {
      const type = "application/x-www-form-urlencoded";
      return { request: request(dice, encoder.encode(`${form}`), { ...parts, headers: headers(type) }), words };
    }
    default: {
      const field = (name: string, value: string) =>
        `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
      const body = encoder.encode(`${field(title, subject)}${field(text, message)}--b--\r\n`);
      return { request: request(dice, body, { ...parts, headers: headers("multipart/form-data; boundary=b") }), words };
    }
  }
}

/** A random request, and the words that must arrive. */
interface RandomRequest {
  readonly kind: string;
  readonly request: IncomingRequest;
  readonly words?: readonly string[];
}

/** Builds a request of a random kind. */
export function randomRequest(dice: Dice): RandomRequest {
  switch (dice(6)) {
    case 0:
      return { kind: "a whole request", ...wholeRequest(dice) };
    case 1:
      return { kind: "a damaged request", request: request(dice, changeBytes(wholeRequest(dice).request.body, dice)) };
    case 2: {
      const body = encoder.encode(changeJson(pick(dice, DOCUMENTS), dice));
      return { kind: "a changed document", request: request(dice, body) };
    }
    case 3: {
      const fields = Object.fromEntries(
        Array.from({ length: dice(6) }, () => [pick(dice, NAMES), hostileValue(dice)]),
      );
      return { kind: "hostile JSON", request: request(dice, encoder.encode(changeJson(fields, dice))) };
    }
    case 4: {
      const pairs = Array.from({ length: dice(8) }, () => `${pick(dice, NAMES)}=${hostileText(dice)}`);
      return {
        kind: "a hostile form",
        request: request(dice, encoder.encode(pairs.join(pick(dice, ["&", "\r\n", ";"])))),
      };
    }
    default: {
      const body = concat(garbage(dice(3000), dice), encoder.encode(hostileText(dice)));
      return { kind: "garbage", request: request(dice, body) };
    }
  }
}

/** Reads a random request. Returns its kind. @throws {Error} if a word is lost */
function play(seed: number): string {
  const { kind, request, words = [] } = randomRequest(seededDice(seed));
  const arrived = receive(request).map(({ subject, message }) => `${subject}\n${message}`).join("\n");
  for (const word of words) if (!arrived.includes(word)) throw new Error(`"${word}" is lost`);
  return kind;
}

export const requests: Fuzzer = {
  name: "requests",
  open: () =>
    Promise.resolve({
      play: (seed) => Promise.try(play, seed),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};
