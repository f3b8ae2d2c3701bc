/**
 * Publishes to ntfy topics (ntfy documentation, "Publishing", "Publish as JSON", "Attach local
 * file").
 */

import { USER_AGENT } from "../../base/version.ts";
import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import type { Attachment, Notification } from "../../notification/notification.ts";
import { formatNotes, Layout, type RenderOptions } from "../../notification/render.ts";
import { byteLength, cutLine } from "../../notification/cut.ts";
import { formatTitle, formatTitleBesideSubject } from "../../notification/title.ts";
import { ResponseError } from "../../base/errors.ts";
import { exchangeJson, type HttpRequest } from "../../runtime/http.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { type FitOptions, layOutToFit, longestNotes, type RenderedMessage, renderMessage } from "../message.ts";
import { FILE_TOO_LARGE_CODE, MESSAGE_TOO_LONG_CODE, NTFY, REQUEST_TOO_LONG_CODE } from "./refusals.ts";
import { authHeaders, type NtfySettings } from "./settings.ts";

/**
 * If a server refuses messages as too long, the channel lowers its limit, but not below this number
 * of bytes. If the server refuses a shorter message, the length is not the reason.
 */
const MIN_LEARNED_BYTES = 255;

/**
 * If a server does not accept files, the channel tries again after this time, in milliseconds. An
 * administrator may have changed the settings of the server.
 */
const REFUSAL_MS = 24 * 3_600_000;

/** A transaction id and a topic of the largest size, used to measure a request. */
const ANY_TXN_ID = "00000000-0000-4000-8000-000000000000";
const MAX_TOPIC = "x".repeat(64);

/** The parts of a request that depend on the notification. */
type NtfyRequest = Pick<HttpRequest, "method" | "url" | "headers" | "body" | "timeoutMs">;

/** A channel that publishes to one topic. */
export class NtfyChannel implements Channel {
  readonly kind = "ntfy";
  readonly isIdempotent = false;
  readonly attachmentMode = "separate";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: NtfySettings;
  readonly #context: ChannelContext;
  /** The longest message, in bytes. Becomes smaller if the server accepts only shorter messages. */
  #maxBytes: number;

  constructor({ name, destinations, settings }: ChannelSetup<NtfySettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = destinations;
    this.#settings = settings;
    this.#context = context;
    this.#maxBytes = settings.maxBytes;
  }

  /**
   * Publishes a message. If the outcome of an earlier attempt is unknown, the message is sent again
   * and counted as a possible duplicate. Since ntfy 2.16, the apps show only one message for each
   * `sequence_id`, which is the transaction id.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { inDoubt, signal, timeoutMs } = options;
    const { file } = envelope.notification;
    const headers = { "User-Agent": USER_AGENT, ...authHeaders(this.#settings) };
    for (;;) {
      const request = await this.#request(envelope, options);
      try {
        const { json } = await exchangeJson(
          this.#context.runtime,
          { ...request, headers: { ...request.headers, ...headers }, signal },
          NTFY,
        );
        // If a text is too long, a server that accepts files delivers the text as a file. The
        // answer then contains an attachment.
        if (file === undefined && json.attachment !== undefined) this.#learnLimit(messageBytes(request));
        return { id: String(json.id), possibleDuplicate: inDoubt !== undefined };
      } catch (error) {
        if (!(error instanceof ResponseError)) throw error;
        if (file === undefined && error.errcode === MESSAGE_TOO_LONG_CODE) {
          if (this.#learnLimit(messageBytes(request))) continue;
        }
        // This error means that the request is at least twice as long as the server's
        // message-size-limit.
        if (file === undefined && error.errcode === REQUEST_TOO_LONG_CODE) {
          if (this.#learnLimit(Math.floor(byteLength(String(request.body)) / 2))) continue;
        }
        if (file !== undefined && error.errcode === MESSAGE_TOO_LONG_CODE) {
          await this.#context.roomCache?.remember(this.#refusalKey(), this.#context.runtime.now());
        }
        if (file === undefined || error.errcode !== FILE_TOO_LARGE_CODE) throw error;
        const { explainRefusedFile } = await import("./quota.ts");
        const url = `${this.#settings.server}/v1/account`;
        throw await explainRefusedFile(this.#context.runtime, { url, headers, timeoutMs, signal, file, error });
      }
    }
  }

  refusesFiles(): boolean {
    const time = this.#context.roomCache?.get(this.#refusalKey());
    const ageMs = this.#context.runtime.now() - (typeof time === "number" ? time : -Infinity);
    return ageMs >= 0 && ageMs < REFUSAL_MS;
  }

  #refusalKey(): string {
    return `refuses files: ${this.#settings.server}`;
  }

  /**
   * Lowers the limit of this channel after the server refused a message as too long.
   *
   * @param bytes an upper bound of the server's message-size-limit, which is usually a power of two
   * @returns false if the length of the message cannot be the problem
   */
  #learnLimit(bytes: number): boolean {
    const learned = 2 ** Math.floor(Math.log2(Math.min(bytes, this.#maxBytes))) - 1;
    if (learned < MIN_LEARNED_BYTES) return false;
    this.#maxBytes = learned;
    const { host } = new URL(this.#settings.server);
    this.#context.warn(
      `${host} does not accept messages with a length of maxBytes, so messages are now cut to ${learned} bytes: ` +
        `set maxBytes in channel ${this.name} to one byte less than the message-size-limit of the server`,
    );
    return true;
  }

  async #request(
    { destination, notification }: Envelope,
    { txnId, late, replaced, timeoutMs }: SendOptions,
  ): Promise<NtfyRequest> {
    const { file } = notification;
    const ids = { topic: destination, sequence_id: txnId };
    if (file !== undefined) return await this.#fileRequest(file, notification, { ...ids, timeoutMs });
    const lateAt = late ? this.#context.runtime.now() : undefined;
    const { text, isSourceUnsafe = false } = await renderMessage(notification, this.#context.warn);
    const isMarkdown = notification.format === "markdown" && !isSourceUnsafe;
    const { request, ...how } = this.#message(notification, text, { ids, lateAt, replaced, isMarkdown });
    return {
      method: "POST",
      url: `${this.#settings.server}/`,
      headers: { "Content-Type": "application/json" },
      body: request(layOutToFit(notification, text, { ...how, maxUnits: this.#maxBytes })),
      timeoutMs,
    };
  }

  /**
   * Creates the request for a file. The file is the body of the request. The query contains the
   * file name, the title, the priority and the id.
   */
  async #fileRequest(
    file: Attachment,
    notification: Notification,
    { topic, sequence_id, timeoutMs }: {
      readonly topic: string;
      readonly sequence_id: string;
      readonly timeoutMs: number;
    },
  ): Promise<NtfyRequest> {
    const { files } = this.#context;
    const query = new URLSearchParams({
      filename: file.name,
      title: formatTitle(notification, this.#context),
      priority: String(priorityOf(notification)),
      sequence_id,
    });
    return {
      method: "PUT",
      url: `${this.#settings.server}/${topic}?${query}`,
      headers: { "Content-Type": file.type },
      body: await files.read(file),
      timeoutMs: timeoutWithAttachments(timeoutMs, [file]),
    };
  }

  hasRoomFor(notification: Notification, { text }: RenderedMessage): boolean {
    const ids = { topic: MAX_TOPIC, sequence_id: ANY_TXN_ID };
    const { layout, fits } = this.#message(notification, text, {
      ids,
      ...longestNotes(notification),
      isMarkdown: true,
    });
    return fits(layout(text));
  }

  /**
   * Returns the functions that create the message and the request, and check the size. ntfy shows
   * an empty message as "triggered", so the subject is sent as the message if there is no text.
   *
   * @param text the rendered text of the notification
   */
  #message(
    notification: Notification,
    text: string,
    { ids, isMarkdown, ...late }: Pick<RenderOptions, "lateAt" | "replaced"> & {
      readonly ids: object;
      readonly isMarkdown: boolean;
    },
  ): NtfyForm {
    const context = this.#context;
    const note = formatNotes(notification, late).map((line) => `\n\n${line}`).join("");
    const format = text === "" ? formatTitleBesideSubject : formatTitle;
    const title = format(notification, context);
    const form = (fields: object, layout: NtfyForm["layout"]): NtfyForm => {
      const request = (message: string) =>
        JSON.stringify({
          ...ids,
          ...fields,
          message,
          priority: priorityOf(notification),
          ...(isMarkdown ? { markdown: true } : {}),
        });
      // ntfy accepts a JSON request that is shorter than twice the server's message-size-limit.
      const fits = (message: string) =>
        byteLength(message) <= this.#maxBytes && byteLength(request(message)) <= 2 * this.#maxBytes + 1;
      return { layout, request, fits };
    };
    const { link } = notification;
    const usual = form(
      { title, ...(link === undefined ? {} : { click: link }) },
      (message) => (message || notification.subject) + note,
    );
    if (usual.fits(usual.layout(""))) return usual;
    // The title, the link and the notes leave no space. The message contains all of them, so that
    // they can be cut.
    const whole = new Layout(notification, { ...context, ...late });
    return form({ title: cutLine(title, Math.floor(this.#maxBytes / 4)) }, (message) => whole.plain(message));
  }
}

/** The functions that create a request for a message. */
interface NtfyForm extends Pick<FitOptions, "layout" | "fits"> {
  /** Creates the request as JSON. */
  readonly request: (message: string) => string;
}

/** Returns the size of the message in a JSON request. */
function messageBytes({ body }: NtfyRequest): number {
  return byteLength(JSON.parse(String(body)).message);
}

/**
 * Returns the priority, from 1 (lowest) to 5 (highest). Without a priority, ntfy uses 3. A message
 * with priority 2 has no sound.
 */
function priorityOf({ silent, severity }: Notification): number {
  if (silent) return 2;
  return { info: 3, warning: 4, error: 4, critical: 5 }[severity];
}
