/** Posts JSON to a service of any kind. */

import { NotTheServiceError, type ResponseClass } from "../../base/errors.ts";
import { rememberSecret } from "../../base/secret.ts";
import { formatIsoTime } from "../../base/time.ts";
import { USER_AGENT } from "../../base/version.ts";
import { firstChars } from "../../base/printable.ts";
import { isBatch } from "../../notification/batch.ts";
import type { Notification } from "../../notification/notification.ts";
import { fitsInBytes } from "../../notification/cut.ts";
import { formatNotes, Layout } from "../../notification/render.ts";
import { formatTitle } from "../../notification/title.ts";
import { exchangeJson, type Service } from "../../runtime/http.ts";
import { findSecrets } from "../fields/concealed.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { layOutToFit, longestNotes, MAX_BATCH_BYTES, type RenderedMessage, renderMessage } from "../message.ts";
import type { WebhookSettings } from "./settings.ts";
import { fillTemplate, type Values } from "./template.ts";

/**
 * The failure classes of statuses. These statuses concern the configuration or the state of the
 * service, not the notification.
 */
const FAILURE_CLASSES: Readonly<Record<number, ResponseClass>> = {
  402: "credentials",
  404: "destination",
  405: "credentials",
  406: "credentials",
  407: "credentials",
  409: "not-sent",
  410: "destination",
  411: "credentials",
  415: "credentials",
  421: "not-sent",
  423: "not-sent",
  425: "not-sent",
};

/** The maximum length of the answer in an error message, in characters. A longer answer is cut. */
const MAX_SAID_CHARS = 200;

/**
 * An unknown service. Every status 2xx counts as a success, and every status of 400 or more counts
 * as a refusal.
 */
const ANY_SERVICE: Service = {
  name: "a webhook",
  isSuccess: ({ status }) => status >= 200 && status < 300,
  readRefusal({ host, status, headers, text, retryAfterMs }) {
    if (status < 400) {
      throw new NotTheServiceError(`${host} answered ${status}: redirects are not followed`, { status, retryAfterMs });
    }
    const isPage = /html/i.test(headers.get("Content-Type") ?? "");
    const said = isPage ? "" : firstChars(text.replace(/\s+/g, " ").trim(), MAX_SAID_CHARS);
    const hint = status === 413 ? "set maxChars in the channel to the limit of the service" : undefined;
    return { said, failureClass: FAILURE_CLASSES[status], hint };
  },
};

/** A channel that posts to one address. */
export class WebhookChannel implements Channel {
  readonly kind = "webhook";
  readonly isIdempotent = false;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: WebhookSettings;
  readonly #context: ChannelContext;

  /**
   * Creates the channel. The destination is the configured name of the channel, because the address
   * may be a secret.
   */
  constructor({ name, settings }: ChannelSetup<WebhookSettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = [name];
    this.#settings = settings;
    this.#context = context;
    findSecrets(settings.body).forEach(rememberSecret);
  }

  /**
   * Posts a notification. `Idempotency-Key` is the same for every attempt. The service may ignore
   * this header, so a repeated message is counted as a possible duplicate.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, inDoubt, timeoutMs, signal } = options;
    const { url, method, headers, body } = this.#settings;
    const answer = await exchangeJson(this.#context.runtime, {
      method,
      url: url.reveal(),
      hidesUrl: true,
      cutsAnswer: true,
      headers: {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        ...Object.fromEntries(Array.from(headers, ([name, secret]) => [name, secret.reveal()])),
        "Idempotency-Key": txnId,
      },
      body: JSON.stringify(fillTemplate(body, await this.#values(envelope, options))),
      timeoutMs,
      signal,
    }, ANY_SERVICE);
    const { id } = answer.json;
    const isId = typeof id === "number" || typeof id === "string" && /^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u.test(id);
    return { id: isId ? String(id) : `${answer.status}`, possibleDuplicate: inDoubt !== undefined };
  }

  hasRoomFor(notification: Notification, { text }: RenderedMessage): boolean {
    const { identity, titleTemplate } = this.#context;
    const { maxChars = Infinity } = this.#settings;
    const whole = new Layout(notification, { identity, titleTemplate, ...longestNotes(notification) }).plain(text);
    return whole.length <= maxChars && (!isBatch(notification) || fitsInBytes(whole, MAX_BATCH_BYTES));
  }

  async #values({ notification }: Envelope, { txnId, late, replaced }: SendOptions): Promise<Values> {
    const { identity, titleTemplate, runtime, warn } = this.#context;
    const { maxChars = Infinity } = this.#settings;
    const { origin = null, link = null, key = null, subject, severity, silent, time } = notification;
    const whole = (await renderMessage(notification, warn)).text;
    const lateAt = late ? runtime.now() : undefined;
    const notes = formatNotes(notification, { lateAt, replaced });
    const layout = new Layout(notification, { identity, titleTemplate, lateAt, replaced });
    const fit = (layout: (message: string) => string) =>
      layOutToFit(notification, whole, { layout, fits: (text) => text.length <= maxChars, maxUnits: maxChars });
    return {
      id: txnId,
      title: formatTitle(notification, this.#context),
      ...{ identity, origin, subject, severity, link, key, silent },
      resolves: notification.resolves === true,
      message: fit((message) => message),
      text: fit((message) => layout.plain(message)),
      time: formatIsoTime(time),
      unix: Math.floor(time / 1000),
      note: notes.length === 0 ? null : notes.join("\n"),
    };
  }
}
