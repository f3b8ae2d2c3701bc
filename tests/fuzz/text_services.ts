/** The services of the fuzzer `texts`: each kind of channel with the limits of its service. */

import { readMail } from "../../src/ingest/mail/read.ts";
import { byteLength } from "../../src/notification/cut.ts";
import {
  LoopbackGotify,
  LoopbackHomeserver,
  LoopbackNtfy,
  LoopbackTelegram,
  LoopbackWebhook,
} from "../../src/testing/mod.ts";
import { MailSink } from "../fakes/mail_sink.ts";
import { LoopbackSlack } from "../fakes/slack_server.ts";
import type { Dice } from "../faults/crash_dice.ts";
import { pick } from "./hostile.ts";

/** What has arrived at a service. */
export interface Arrived {
  /** The texts that readers see. */
  readonly texts: readonly string[];
  /** The contents of the files, as text. */
  readonly files: readonly string[];
}

/** A service that is already running. */
export interface Service {
  /** Returns the settings of a channel to the service. */
  settings(dice: Dice): object;
  /** Returns everything that has arrived so far. */
  arrived(): Arrived;
  /** True if the channel sends no files: a long text is cut, and no file has the whole text. */
  readonly hasNoFiles?: true;
  /** Returns true if the service accepts a text. @default the loopback server checks the length */
  readonly accepts?: (text: string) => boolean;
  /** True if the channel does not use `fetch`. */
  readonly isReachedWithoutFetch?: true;
}

/** The services by their names. */
export interface Services extends AsyncDisposable {
  readonly all: ReadonlyMap<string, Service>;
}

/** The setting `maxChars` of the channels whose service has no limit. */
const MAX_CHARS = 2000;
const MAX_GOTIFY_BYTES = 65_535;

/** Starts all services. */
export async function startServices(): Promise<Services> {
  await using open = new AsyncDisposableStack();
  const homeserver = open.use(await LoopbackHomeserver.start());
  const ntfy = open.use(await LoopbackNtfy.start({ maxFileBytes: 2 ** 24, maxTotalFileBytes: 2 ** 40 }));
  const smallNtfy = open.use(await LoopbackNtfy.start({ messageLimitBytes: 512 }));
  const gotify = open.use(await LoopbackGotify.start());
  const telegram = open.use(await LoopbackTelegram.start({ perMinute: 1e9 }));
  const webhook = open.use(await LoopbackWebhook.start());
  const slack = open.use(new LoopbackSlack());
  const mail = open.use(new MailSink());
  const started = open.move();
  const all = new Map<string, Service>(Object.entries({
    matrix: matrix(homeserver),
    ntfy: ntfyService(ntfy),
    "ntfy with a low limit": { ...ntfyService(smallNtfy), hasNoFiles: true },
    gotify: {
      settings: () => ({ kind: "gotify", server: gotify.url, token: gotify.token }),
      arrived: () => ({ texts: gotify.messages.map(({ title, message }) => `${title}\n${message}`), files: [] }),
      accepts: (text) => byteLength(text.slice(text.indexOf("\n") + 1)) <= MAX_GOTIFY_BYTES,
      hasNoFiles: true,
    },
    telegram: {
      settings: () => ({ kind: "telegram", server: telegram.url, token: telegram.token, chat: 1001 }),
      arrived() {
        const messages = telegram.messages("1001");
        return {
          texts: messages.flatMap(({ text, file }) => file ? [] : [text]),
          files: messages.flatMap(({ file }) => file ? [decode(file.bytes)] : []),
        };
      },
    },
    webhook: {
      settings: () => ({ kind: "webhook", url: webhook.url, maxChars: MAX_CHARS, body: { text: "{{text}}" } }),
      arrived: () => ({ texts: webhook.deliveries.map(({ body }) => (body as { text: string }).text), files: [] }),
      accepts: (text) => text.length <= MAX_CHARS,
      hasNoFiles: true,
    },
    slack: {
      settings: () => ({ kind: "slack", url: slack.url, maxChars: MAX_CHARS }),
      arrived: () => ({ texts: [...slack.texts], files: [] }),
      accepts: (text) => text.length <= MAX_CHARS,
      hasNoFiles: true,
    },
    email: email(mail),
  }));
  return { all, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** A room, and an account that writes to it. */
function matrix(homeserver: LoopbackHomeserver): Service {
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  return {
    settings: (dice) => ({
      ...{ kind: "matrix", homeserver: homeserver.url, accessToken, room },
      related: pick(dice, ["reply", "thread", "edit", "none"]),
      mentions: Array.from({ length: dice(11) }, (_, at) => `@${"&".repeat(200)}${at}:loopback.test`),
    }),
    arrived() {
      const contents = homeserver.events(room).map(({ content }) => content);
      return {
        // Clients show the HTML if there is one.
        texts: contents.filter(({ msgtype }) => msgtype !== "m.file").map((content) =>
          String(content.formatted_body ?? content.body)
        ),
        files: homeserver.uploads().map(({ bytes }) => decode(bytes)),
      };
    },
  };
}

function ntfyService(ntfy: LoopbackNtfy): Service {
  return {
    settings: () => ({ kind: "ntfy", server: ntfy.url, topic: "alerts" }),
    arrived() {
      const messages = ntfy.messages("alerts");
      return {
        texts: messages.map(({ title, message, click }) => [title, message, click].join("\n")),
        files: messages.flatMap(({ attachment }) => {
          const bytes = attachment && ntfy.file(attachment);
          return bytes ? [decode(bytes)] : [];
        }),
      };
    },
  };
}

function email(server: MailSink): Service {
  return {
    settings: () => ({
      ...{ kind: "email", server: "127.0.0.1", port: server.port, security: "none" },
      ...{ from: "a@b.test", to: "c@d.test" },
    }),
    arrived() {
      const mails = server.mails.map((bytes) => readMail(bytes, { dotEnds: false }));
      return {
        texts: mails.map(({ subject, text }) => `${subject}\n${text}`),
        files: mails.flatMap(({ attachments }) => attachments.map(({ content }) => decode(content))),
      };
    },
    isReachedWithoutFetch: true,
  };
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}
