/**
 * Sends random notifications of all formats, with sizes around the limit of each service, through
 * each kind of channel, with batches. Every text must be in what the service stored, or in the file
 * that goes along. Only a text that is too long for a channel without files may be cut.
 */

import { assert, assertEquals } from "@std/assert";
import type { CoreOptions } from "../../src/notifier/wiring.ts";
import type { Format, NotificationInput } from "../../src/notification/notification.ts";
import { FORMATS } from "../../src/notification/notification.ts";
import { LoopbackGotify, LoopbackNtfy, LoopbackTelegram, LoopbackWebhook } from "../../src/testing/mod.ts";
import { readMail } from "../fakes/read_mail.ts";
import { type Scene, setScene } from "../fakes/scene.ts";
import { LoopbackSlack } from "../fakes/slack_server.ts";
import { SmtpServer, smtpSuite } from "../fakes/smtp_server.ts";
import { dice } from "../markup/random_html.ts";

type Roll = (limit: number) => number;

/** A service with a channel that sends to it. */
interface Service extends AsyncDisposable {
  readonly channels: CoreOptions["channels"];
  /** The limit of a text, in the unit of the service. */
  readonly limit: number;
  readonly takesFiles: boolean;
  /** The texts that the service stored, each with its size in the unit of the service. */
  texts(): Promise<readonly { readonly text: string; readonly size: number }[]>;
  files(): Promise<readonly string[]>;
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytesOf = (text: string) => new TextEncoder().encode(text).length;
const byBytes = (text: string) => ({ text, size: bytesOf(text) });
const byUnits = (text: string) => ({ text, size: text.length });
const none = { takesFiles: false, files: () => Promise.resolve([]) };

/** Opens the services, by the kind of the channel. */
const SERVICES: Readonly<Record<string, (scene: Scene) => Promise<Service>>> = {
  matrix: ({ homeserver, accessToken, room }) =>
    Promise.resolve({
      channels: { matrix: { homeserver: homeserver.url, accessToken, room } },
      limit: 60 * 1024,
      takesFiles: true,
      texts: () => Promise.resolve(homeserver.events(room).map(({ content }) => byBytes(String(content.body)))),
      files: () => Promise.resolve(homeserver.uploads().map(({ bytes }) => decode(bytes))),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  async ntfy() {
    const ntfy = await LoopbackNtfy.start({ maxFileBytes: 1_000_000 });
    const messages = () => ntfy.messages("alerts");
    return {
      channels: { ntfy: { server: ntfy.url, topic: "alerts" } },
      limit: 4095,
      takesFiles: true,
      texts: () =>
        Promise.resolve(
          messages().map(({ title, message }) => ({ ...byBytes(`${title}\n${message}`), size: bytesOf(message) })),
        ),
      files: () =>
        Promise.resolve(
          messages().flatMap(({ attachment }) => attachment ? [decode(ntfy.file(attachment) ?? new Uint8Array())] : []),
        ),
      [Symbol.asyncDispose]: () => ntfy[Symbol.asyncDispose](),
    };
  },
  async gotify() {
    const gotify = await LoopbackGotify.start();
    return {
      ...none,
      channels: { gotify: { server: gotify.url, token: gotify.token } },
      limit: 65_535,
      texts: () =>
        Promise.resolve(
          gotify.messages.map(({ title, message }) => ({ ...byBytes(`${title}\n${message}`), size: bytesOf(message) })),
        ),
      [Symbol.asyncDispose]: () => gotify[Symbol.asyncDispose](),
    };
  },
  async telegram() {
    const telegram = await LoopbackTelegram.start({ perMinute: 1000 });
    const messages = () => telegram.messages("1001");
    return {
      channels: { telegram: { server: telegram.url, token: telegram.token, chat: 1001, insecureHttp: true } },
      limit: 4096,
      takesFiles: true,
      texts: () => Promise.resolve(messages().map(({ text }) => byUnits(text))),
      files: () => Promise.resolve(messages().flatMap(({ file }) => file ? [decode(file.bytes)] : [])),
      [Symbol.asyncDispose]: () => telegram[Symbol.asyncDispose](),
    };
  },
  slack() {
    const slack = new LoopbackSlack();
    const unescape = (text: string) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
    return Promise.resolve({
      ...none,
      channels: { slack: { url: slack.url, insecureHttp: true } },
      limit: 4000,
      texts: () => Promise.resolve(slack.texts.map((text) => ({ text: unescape(text), size: text.length }))),
      [Symbol.asyncDispose]: () => slack[Symbol.asyncDispose](),
    });
  },
  async webhook() {
    const webhook = await LoopbackWebhook.start();
    return {
      ...none,
      channels: { webhook: { url: webhook.url, maxChars: 3000, body: { text: "{{text}}" } } },
      limit: 3000,
      texts: () => Promise.resolve(webhook.deliveries.map(({ body }) => byUnits((body as { text: string }).text))),
      [Symbol.asyncDispose]: () => webhook[Symbol.asyncDispose](),
    };
  },
  exec({ stateDir }) {
    const path = `${stateDir}/got.jsonl`;
    const lines = () => Deno.readTextFileSync(path).trim().split("\n").map((line) => JSON.parse(line));
    return Promise.resolve({
      ...none,
      channels: { exec: { command: ["/bin/sh", "-c", `cat >> ${path}`] } },
      limit: 64 * 1024,
      texts: () => Promise.resolve(lines().map(({ subject, text }) => byBytes(`${subject}\n${text}`))),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};

/** Characters that services count, escape or cut in different ways. */
const CHARACTERS = ["a", "ä", "😀", "漢", "&", "<", ">", '"', "\\", "*", "_", "é", " ", "  ", "\n", "\n  ", "👨‍👩‍👧"];

/** A notification, and the parts of its text that must be stored in this order. */
interface Sent {
  readonly input: NotificationInput & { readonly message: string };
  readonly parts: readonly string[];
}

/** Creates a notification whose message has about this number of UTF-16 units. */
function createRandom(roll: Roll, number: number, units: number): Sent {
  const format: Format = FORMATS[roll(FORMATS.length)];
  const words: string[] = [];
  const isPlain = format === "text" || format === "code";
  let length = 0;
  for (let word = 0; length < units; word++) {
    const random = () => CHARACTERS[roll(CHARACTERS.length)];
    words.push(isPlain ? `n${number}w${word}${random()}${random()}${random()}` : `n${number}w${word}😀ä`);
    length += words[word].length + 1;
  }
  const message = toSource(words, format);
  return {
    input: {
      subject: `<Subject ${number}>`,
      message,
      format,
      severity: (["info", "warning", "error", "critical"] as const)[roll(20) === 0 ? 3 : roll(3)],
      ...(roll(5) === 0 ? { link: `https://example.org/${number}` } : {}),
      ...(roll(4) === 0 ? { origin: "test" } : {}),
    },
    parts: isPlain ? [message.trimEnd()] : words,
  };
}

function toSource(words: readonly string[], format: Format): string {
  const lines = Array.from({ length: Math.ceil(words.length / 8) }, (_, at) => words.slice(8 * at, 8 * at + 8));
  if (format === "markdown") {
    return lines.map((line, at) => at % 3 === 0 ? `- ${line.join(" ")}` : `${line.join(" **bold** ")}\n`).join("\n");
  }
  if (format === "html") return lines.map((line, at) => `<p>${line.join(at % 2 === 0 ? "<br>" : " ")}</p>`).join("\n");
  return words.join(" ");
}

/** Returns true if a text contains all parts in order. */
function contains(text: string, parts: readonly string[]): boolean {
  let at = 0;
  for (const part of parts) {
    at = text.indexOf(part, at);
    if (at < 0) return false;
    at += part.length;
  }
  return true;
}

/** Returns the subjects of the notifications that a service did not store in full. */
async function findLosses(service: Service, all: readonly Sent[]): Promise<string[]> {
  const [texts, files] = [await service.texts(), await service.files()];
  return all.filter(({ input, parts }) => {
    const own = texts.filter(({ text }) => text.includes(input.subject));
    const isWhole = own.some(({ text }) => contains(text.slice(text.indexOf(input.subject)), parts));
    if (isWhole || files.some((file) => contains(file, parts))) return false;
    if (service.takesFiles || own.length !== 1) return true;
    const [{ text, size }] = own;
    const [first, last] = [parts[0].slice(0, 100), (parts.at(-1) ?? "").slice(-100)];
    const hasEnds = text.includes(last) && (input.format === "code" || text.includes(first));
    return !hasEnds || size < 0.9 * service.limit || !text.includes("bytes are missing");
  }).map(({ input }) => `${input.subject} ${input.format} ${input.message.length}`);
}

async function checkRun(kind: string, service: Service, scene: Scene, seed: number): Promise<number> {
  const { limit } = service;
  const sizes = [
    0,
    1,
    40,
    limit / 20,
    limit / 8,
    limit / 3,
    limit / 2,
    limit - 500,
    limit - 150,
    limit - 60,
    limit,
    2 * limit,
  ];
  const roll = dice(seed);
  await using notifier = await scene.open({ channels: service.channels });
  const all = Array.from({ length: 24 }, (_, at) => {
    return createRandom(roll, 1000 * seed + at, sizes[roll(at < 12 ? 6 : sizes.length)]);
  });
  for (const { input } of all) {
    await notifier.notify(input, { waitMs: 0 });
    scene.runtime.time += roll(3) * 1000;
  }
  scene.runtime.time += 11_000;
  const outcomes = await notifier.flush({ waitMs: 600_000 });
  assertEquals(outcomes.filter(({ state }) => state !== "delivered"), [], `${kind}, seed ${seed}`);
  assertEquals(notifier.entries(), []);
  assertEquals(await findLosses(service, all), [], `${kind}, seed ${seed}`);
  const texts = (await service.texts()).map(({ text }) => text).join("\n");
  const positions = all.map(({ input }) => texts.indexOf(input.subject));
  assertEquals(positions.toSorted((a, b) => a - b), positions, "in order");
  return texts.split("notifications since").length - 1;
}

for (const [kind, open] of Object.entries(SERVICES)) {
  Deno.test(`planBatches() and send() of kind ${kind} lose no text`, async () => {
    let batches = 0;
    for (let seed = 1; seed <= 6; seed++) {
      await using scene = await setScene();
      await using service = await open(scene);
      batches += await checkRun(kind, service, scene, seed);
    }
    assert(batches >= 6, `${batches} batches`);
  });
}

const smtpTest = await smtpSuite();

smtpTest("planBatches() and send() of kind email lose no text", async () => {
  await using peer = await SmtpServer.start({ security: "none" });
  await using scene = await setScene();
  const parsed = async () => await Promise.all(peer.mails.map(({ data }) => readMail(data)));
  const service: Service = {
    channels: {
      email: {
        ...{ server: "127.0.0.1", port: peer.port, security: "none" },
        ...{ from: "jump@example.org", to: "root@example.org" },
      },
    },
    limit: 42 * 1024,
    takesFiles: true,
    texts: async () => (await parsed()).map(({ parts }) => byBytes(parts["text/plain"])),
    files: async () =>
      (await parsed()).flatMap(({ files }) => files.map(([, , base64]) => decode(Uint8Array.fromBase64(base64)))),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  assert(await checkRun("email", service, scene, 1) > 0);
});
