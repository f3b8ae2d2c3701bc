/**
 * Publishes to ntfy topics (ntfy documentation, "Publishing", "Publish as JSON", "Attach local
 * file").
 */

import { USER_AGENT } from "../../base/version.ts";
import { timeoutWithAttachments } from "../../notification/attachment_mode.ts";
import type { Attachment, Notification } from "../../notification/notification.ts";
import { byteLength, cutToFit, formatNotes, subjectLine } from "../../notification/render.ts";
import { exchangeJson, type HttpRequest, type Service } from "../../runtime/http.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { renderMessage } from "../message.ts";
import { authHeaders, type NtfySettings } from "./settings.ts";

/** The longest message, in bytes. ntfy converts a longer message to an attachment. */
export const MAX_NTFY_BYTES = 4095;

/**
 * The largest JSON request that ntfy accepts, in bytes. In JSON, quotes and line breaks need two
 * bytes.
 */
const MAX_REQUEST_BYTES = 8192;

/**
 * The error code of ntfy if the daily limit of files is reached. After this answer, the file is not
 * sent again. A repeated attempt could succeed only on the next day, and later messages would have
 * to wait for this attempt.
 */
const DAILY_FILE_LIMIT = 42905;

const NTFY: Service = {
  name: "ntfy",
  isSuccess: ({ status, json }) =>
    status === 200 && typeof json.id === "string" && json.id.length <= 255 && json.event === "message",
  readRefusal({ json: { code, error } }) {
    if (typeof code !== "number" || typeof error !== "string") return undefined;
    const failureClass = code === DAILY_FILE_LIMIT ? "rejected" : undefined;
    return { said: `${error} (${code})`, errcode: String(code), failureClass };
  },
};

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

  constructor({ name, destinations, settings }: ChannelSetup<NtfySettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = destinations;
    this.#settings = settings;
    this.#context = context;
  }

  /**
   * Publishes a message. If the outcome of an earlier attempt is unknown, the message is sent again
   * and counted as a possible duplicate. From ntfy 2.16 on, the apps show only one message for each
   * `sequence_id`.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { inDoubt, signal } = options;
    const { headers, ...request } = await this.#request(envelope, options);
    const auth = authHeaders(this.#settings);
    const { json } = await exchangeJson(
      this.#context.runtime,
      { ...request, headers: { ...headers, "User-Agent": USER_AGENT, ...auth }, signal },
      NTFY,
    );
    return { id: String(json.id), possibleDuplicate: inDoubt !== undefined };
  }

  async #request(
    { destination, notification }: Envelope,
    { txnId, late, replaced, timeoutMs }: SendOptions,
  ): Promise<NtfyRequest> {
    const { file } = notification;
    const ids = { topic: destination, sequence_id: txnId };
    if (file !== undefined) return await this.#fileRequest(file, notification, { ...ids, timeoutMs });
    const notes = formatNotes(notification, { lateAt: late ? this.#context.runtime.now() : undefined, replaced });
    return {
      method: "POST",
      url: `${this.#settings.server}/`,
      headers: { "Content-Type": "application/json" },
      body: await this.#message(notification, ids, notes),
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
    { topic, sequence_id, timeoutMs }: { readonly topic: string; readonly sequence_id: string; timeoutMs: number },
  ): Promise<NtfyRequest> {
    const { identity, files } = this.#context;
    const query = new URLSearchParams({
      filename: file.name,
      title: subjectLine(notification, identity),
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

  /**
   * Returns the request as JSON. ntfy shows an empty message as "triggered", so the subject is sent
   * as the message if there is no text.
   */
  async #message(notification: Notification, ids: object, notes: readonly string[]): Promise<string> {
    const { identity, warn } = this.#context;
    const note = notes.map((line) => `\n\n${line}`).join("");
    const request = (text: string) =>
      JSON.stringify({
        ...ids,
        title: text === "" ? identity : subjectLine(notification, identity),
        message: (text || notification.subject) + note,
        priority: priorityOf(notification),
        ...(notification.link === undefined ? {} : { click: notification.link }),
        ...(notification.format === "markdown" ? { markdown: true } : {}),
      });
    const fits = (text: string) =>
      byteLength(text + note) <= MAX_NTFY_BYTES && byteLength(request(text)) <= MAX_REQUEST_BYTES;
    const { text } = await renderMessage(notification, warn, (message) => fits(message.text));
    return request(cutToFit(text, fits));
  }
}

/**
 * Returns the priority, from 1 (lowest) to 5 (highest). Without a priority, ntfy uses 3. A message
 * with priority 2 has no sound.
 */
function priorityOf({ silent, severity }: Notification): number {
  if (silent) return 2;
  return { info: 3, warning: 4, error: 4, critical: 5 }[severity];
}
