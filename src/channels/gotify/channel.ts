/** Sends to a Gotify application (Gotify API documentation, "message" and "Message Extras"). */

import { NotSentError, ResponseError } from "../../base/errors.ts";
import { exchange, exchangeJson, type HttpRequest, type Service } from "../../runtime/http.ts";
import type { Notification } from "../../notification/notification.ts";
import { formatNotes, type RenderOptions } from "../../notification/render.ts";
import { fitsInBytes } from "../../notification/cut.ts";
import { formatTitle, formatTitleBesideSubject } from "../../notification/title.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { layOutToFit, longestNotes, type RenderedMessage, renderMessage } from "../message.ts";
import type { GotifySettings } from "./settings.ts";

/**
 * The largest message, in bytes. Gotify stores messages in a TEXT column, which is limited to this
 * size in MySQL and MariaDB.
 */
export const MAX_GOTIFY_BYTES = 65_535;

const GOTIFY: Service = {
  name: "Gotify",
  isSuccess: ({ status, json }) => status === 200 && Number.isSafeInteger(json.id) && typeof json.appid === "number",
  readRefusal({ status, json: { errorCode, errorDescription } }) {
    // Every Gotify server knows the requested path. An answer 404 therefore means that the address
    // has a wrong path or belongs to another service.
    if (status === 404 || errorCode !== status || typeof errorDescription !== "string") return undefined;
    return { said: errorDescription, hint: status === 401 || status === 403 ? APPLICATION_TOKEN_HINT : undefined };
  },
};

/** The hint about a token that is not allowed to send. */
export const APPLICATION_TOKEN_HINT =
  "use the token of an application (in Gotify: Apps); the token of a client cannot send";

/** The headers that authenticate a request. */
export function authHeaders({ token }: GotifySettings): Readonly<Record<string, string>> {
  return { "X-Gotify-Key": token.reveal() };
}

/** A channel that sends to one application. */
export class GotifyChannel implements Channel {
  readonly kind = "gotify";
  readonly isIdempotent = false;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: GotifySettings;
  readonly #context: ChannelContext;

  constructor({ name, settings }: ChannelSetup<GotifySettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = [new URL(settings.server).host];
    this.#settings = settings;
    this.#context = context;
  }

  /**
   * Sends a message. The token of an application does not permit reading messages. So the channel
   * cannot check whether an earlier attempt arrived. If the outcome is unknown, the message is sent
   * again.
   */
  async send(
    { notification }: Envelope,
    { late, replaced, inDoubt, timeoutMs, signal }: SendOptions,
  ): Promise<Receipt> {
    const { runtime } = this.#context;
    const { server } = this.#settings;
    const lateAt = late ? runtime.now() : undefined;
    const request = {
      method: "POST",
      url: `${server}/message`,
      headers: { "Content-Type": "application/json", "User-Agent": USER_AGENT, ...authHeaders(this.#settings) },
      body: JSON.stringify(await this.#message(notification, { lateAt, replaced })),
      timeoutMs,
      signal,
    } as const;
    try {
      const { json } = await exchangeJson(runtime, request, GOTIFY);
      return { id: String(json.id), possibleDuplicate: inDoubt !== undefined };
    } catch (error) {
      if (error instanceof ResponseError && error.status === 400) await this.#refuseClientToken({ timeoutMs, signal });
      throw error;
    }
  }

  /**
   * Throws an error if the token belongs to a client instead of an application. Call this method
   * after status 400. Since Gotify 3, this status can mean that a request with a client's token
   * does not contain the number of an application.
   *
   * @throws {ResponseError} with the class `credentials` if the token belongs to a client
   * @throws {NotSentError} if the server does not answer
   */
  async #refuseClientToken(limits: Pick<HttpRequest, "timeoutMs" | "signal">): Promise<void> {
    const { server } = this.#settings;
    const headers = { "User-Agent": USER_AGENT, ...authHeaders(this.#settings) };
    const { status } = await exchange(this.#context.runtime, {
      method: "GET",
      url: `${server}/current/user`,
      headers,
      ...limits,
    }).catch((error) => Promise.reject(new NotSentError(error)));
    if (status !== 200) return;
    throw new ResponseError(`Cannot send through ${new URL(server).host}: the token belongs to a client`, {
      status: 400,
      failureClass: "credentials",
      hint: APPLICATION_TOKEN_HINT,
    });
  }

  hasRoomFor(notification: Notification, { text }: RenderedMessage): boolean {
    const note = formatNote(notification, longestNotes(notification));
    return fitsInBytes(textOf(notification, text) + note, MAX_GOTIFY_BYTES);
  }

  /**
   * Returns the JSON object to send. Gotify rejects an empty message, so the subject is sent as the
   * message if there is no text.
   */
  async #message(
    notification: Notification,
    late: Pick<RenderOptions, "lateAt" | "replaced">,
  ): Promise<Record<string, unknown>> {
    const context = this.#context;
    const { format, link, subject } = notification;
    const note = formatNote(notification, late);
    const rendered = await renderMessage(notification, context.warn);
    const isMarkdown = format === "markdown" && !rendered.isSourceUnsafe;
    const text = textOf(notification, rendered.text);
    const message = layOutToFit(notification, text || subject, {
      layout: (cut) => cut + note,
      fits: (whole) => fitsInBytes(whole, MAX_GOTIFY_BYTES),
      maxUnits: MAX_GOTIFY_BYTES,
    });
    return {
      title: text === "" ? formatTitleBesideSubject(notification, context) : formatTitle(notification, context),
      message,
      priority: priorityOf(notification),
      extras: {
        "client::display": { contentType: isMarkdown && text !== "" ? "text/markdown" : "text/plain" },
        ...(link === undefined ? {} : { "client::notification": { click: { url: link } } }),
      },
    };
  }
}

/** Returns the text of the message. Gotify's apps render Markdown. */
function textOf({ format, message }: Notification, text: string): string {
  return format === "markdown" ? message : text;
}

/**
 * Returns the link and the notes, for the end of the message. Only the Android app opens the link
 * when the user clicks on the message. For users of other apps, the link is written in the text.
 */
function formatNote(notification: Notification, late: Pick<RenderOptions, "lateAt" | "replaced">): string {
  const { link } = notification;
  const lines = [...(link === undefined ? [] : [`🔗 ${link}`]), ...formatNotes(notification, late)];
  return lines.map((line) => `\n\n${line}`).join("");
}

/**
 * Returns the priority. Clients show a message with priority 1 to 3 without a sound, and a message
 * with priority 4 to 7 with a sound. They show a message with priority 8 to 10 above everything
 * else.
 */
function priorityOf({ silent, severity }: Notification): number {
  if (silent) return 2;
  return { info: 4, warning: 5, error: 7, critical: 10 }[severity];
}
