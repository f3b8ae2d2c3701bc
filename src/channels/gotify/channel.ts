/** Gotify applications (its API documentation, "message", and "Message Extras"). */

import { AROUND_BATCH_BYTES, type Batch, hasLineForEach, type RenderedBatch } from "../../notification/batch.ts";
import { NotTheServiceError, ResponseError } from "../../base/errors.ts";
import { type Fields, parseJsonObject } from "../../base/fields.ts";
import { exchange, parseRetryAfter } from "../../runtime/http.ts";
import type { Notification } from "../../notification/notification.ts";
import { byteLength, cutToFit, formatNotes, subjectLine } from "../../notification/render.ts";
import type { Secret } from "../../base/secret.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ConnectionConfig } from "../fields/connection.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "../kind.ts";
import { renderMessage } from "../message.ts";
import { secretField } from "../fields/secret.ts";
import { serverField, serverFields } from "../fields/server.ts";

/** Gotify's columns are of the type TEXT, which is 65,535 bytes long in MySQL and MariaDB. */
export const MAX_GOTIFY_BYTES = 65_535;

function fitsGotify({ text }: RenderedBatch): boolean {
  return byteLength(text) <= MAX_GOTIFY_BYTES - AROUND_BATCH_BYTES;
}

/** Behind a reverse proxy it may lie under a path (its documentation, "Reverse Proxy"). */
const PLACE = { mayHavePath: true };

/** How a Gotify channel is configured. */
export interface GotifyConfig extends ConnectionConfig {
  /** May be left out where the channel is called `gotify`. */
  readonly kind?: "gotify";
  /** `https://gotify.example.org`, or `https://example.org/gotify`. */
  readonly server: string;
  /** The token of an application, not of a client; this or `tokenFile`. */
  readonly token?: string;
  /** A file that holds the token and nothing else, and that other users cannot read. */
  readonly tokenFile?: string;
  /** Permits plain http to another host. @default {false} */
  readonly insecureHttp?: boolean;
}

/** The kind `gotify`: `server`, `token` or `tokenFile`. */
export const gotifyKind: ChannelKind = {
  kind: "gotify",
  speaksHttp: true,
  fields: {
    ...serverFields("server", "https://gotify.example.org", PLACE),
    token: {
      isRequired: true,
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "the token of an application, not of a client",
        examples: ["A-token"],
        pattern: "^[!-~]+$",
      },
    },
  },
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const baseUrl = gotifyServerField(fields, context);
    const token = secretField(fields, "token", context);
    fields.end();
    return (channelContext) => new GotifyChannel(name, { baseUrl, token }, channelContext);
  },
};

/**
 * Reads `server`.
 *
 * @throws {ConfigError} when it is missing, no address, or would send the token in the clear
 */
export function gotifyServerField(fields: Fields, context: ParseContext): string {
  return serverField(fields, "server", context, PLACE);
}

interface GotifyServer {
  readonly baseUrl: string;
  readonly token: Secret;
}

class GotifyChannel implements Channel {
  readonly kind = "gotify";
  readonly isIdempotent = false;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #server: GotifyServer;
  readonly #context: ChannelContext;

  constructor(name: string, server: GotifyServer, context: ChannelContext) {
    this.name = name;
    this.destinations = [new URL(server.baseUrl).host];
    this.#server = server;
    this.#context = context;
  }

  /** An application may write and not read, and a message has no id of ours: what may have arrived can only be sent again. */
  async send(
    { notification }: Envelope,
    { late, replaced, inDoubt, timeoutMs, signal }: SendOptions,
  ): Promise<Receipt> {
    const { runtime } = this.#context;
    const { baseUrl, token } = this.#server;
    const notes = formatNotes(notification, { lateAt: late ? runtime.now() : undefined, replaced });
    const answer = await exchange(runtime, {
      method: "POST",
      url: `${baseUrl}/message`,
      headers: { "Content-Type": "application/json", "User-Agent": USER_AGENT, "X-Gotify-Key": token.reveal() },
      body: JSON.stringify(await this.#message(notification, notes)),
      timeoutMs,
      signal,
    });
    const { host } = new URL(baseUrl);
    const { status } = answer;
    const json = parseJsonObject(answer.text);
    const retryAfterMs = parseRetryAfter(answer.headers.get("Retry-After"), runtime.now());
    if (status === 200 && Number.isSafeInteger(json?.id) && typeof json?.appid === "number") {
      return { id: String(json.id), possibleDuplicate: inDoubt !== undefined };
    }
    // Gotify has no such path only when it is no Gotify, or lies under another path.
    if (status !== 404 && json?.errorCode === status && typeof json.errorDescription === "string") {
      throw new ResponseError(`${host} answered ${status}: ${json.errorDescription}`, { status, retryAfterMs });
    }
    throw new NotTheServiceError(`${host} does not answer like Gotify: ${status}`, { status, retryAfterMs });
  }

  hasRoomFor(digest: Batch): boolean {
    return hasLineForEach(digest, fitsGotify);
  }

  /** Gotify takes no empty message, so that a subject without a body becomes the message. */
  async #message(notification: Notification, notes: readonly string[]): Promise<Record<string, unknown>> {
    const { identity, warn } = this.#context;
    const { format, link, subject } = notification;
    // A click opens the link on Android alone.
    const lines = [...(link === undefined ? [] : [`🔗 ${link}`]), ...notes];
    const note = lines.map((line) => `\n\n${line}`).join("");
    const isMarkdown = format === "markdown";
    const text = isMarkdown ? notification.message : (await renderMessage(notification, warn, fitsGotify)).text;
    const message = cutToFit(text || subject, (cut) => byteLength(cut + note) <= MAX_GOTIFY_BYTES);
    return {
      title: text === "" ? identity : subjectLine(notification, identity),
      message: message + note,
      priority: priorityOf(notification),
      extras: {
        "client::display": { contentType: isMarkdown && text !== "" ? "text/markdown" : "text/plain" },
        ...(link === undefined ? {} : { "client::notification": { click: { url: link } } }),
      },
    };
  }
}

/** Its clients show 1 to 3 without a sound, 4 to 7 with one, and 8 to 10 on top of everything. */
function priorityOf({ silent, severity }: Notification): number {
  if (silent) return 2;
  return { info: 4, warning: 5, error: 7, critical: 10 }[severity];
}
