/** ntfy topics (its documentation, "Publishing", "Publish as JSON"). */

import { NotTheServiceError, ResponseError } from "../../base/errors.ts";
import { type Fields, parseJsonObject } from "../../base/fields.ts";
import { exchange, type HttpRequest, parseRetryAfter } from "../../runtime/http.ts";
import type { Notification } from "../../notification/notification.ts";
import { byteLength, cutToFit, formatNotes, subjectLine } from "../../notification/render.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ConnectionConfig } from "../fields/connection.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "../kind.ts";
import { renderMessage } from "../message.ts";
import { authField, type NtfyAuth } from "./auth.ts";
import { serverField, serverFields } from "../fields/server.ts";

/** ntfy makes an attachment of a message of 4096 bytes or more. */
export const MAX_NTFY_BYTES = 4095;

/** Its code for a day on which it takes no more files: texts must not wait for the next one. */
const FILES_OF_A_DAY = 42905;

/** It reads no more of a request in JSON: twice that. Quotes and line breaks take two bytes there. */
const MAX_REQUEST_BYTES = 8192;

/** How an ntfy channel is configured. */
export interface NtfyConfig extends ConnectionConfig {
  /** May be left out where the channel is called `ntfy`. */
  readonly kind?: "ntfy";
  /** `https://ntfy.example.org`, without a path. */
  readonly server: string;
  /** 1 to 64 letters, digits, hyphens or underscores. */
  readonly topic: string;
  /** An access token; this or `tokenFile`, or neither for an open topic. */
  readonly token?: string;
  /** A file that holds the token and nothing else, and that other users cannot read. */
  readonly tokenFile?: string;
  /** The name to log in with, where there is no token; with `password` or `passwordFile`. */
  readonly user?: string;
  /** The password; this or `passwordFile`. */
  readonly password?: string;
  /** A file that holds the password and nothing else, and that other users cannot read. */
  readonly passwordFile?: string;
  /** Permits plain http to another host. @default {false} */
  readonly insecureHttp?: boolean;
}

/** The kind `ntfy`: `server`, `topic`; `token` or `tokenFile`, or `user` with `password` or `passwordFile`. */
export const ntfyKind: ChannelKind = {
  kind: "ntfy",
  speaksHttp: true,
  fields: {
    ...serverFields("server", "https://ntfy.example.org"),
    topic: {
      isRequired: true,
      schema: {
        type: "string",
        description: "the topic",
        examples: ["alerts"],
        pattern: "^[-_A-Za-z0-9]{1,64}$",
      },
    },
    token: {
      excludes: "user",
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "an access token; none for an open topic",
        examples: ["tk_token"],
        pattern: "^[!-~]+$",
      },
    },
    user: {
      needs: "password",
      schema: {
        type: "string",
        description: "the name to log in with, where there is no token",
        examples: ["jump"],
      },
    },
    password: {
      needs: "user",
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "the password",
        examples: ["correct horse"],
        pattern: "^\\P{Cc}*[^\\s\\p{Cc}]\\P{Cc}*$",
      },
    },
  },
  destination: { keys: ["topic"], read: (fields) => [topicField(fields)] },
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const baseUrl = serverField(fields, "server", context);
    const topic = topicField(fields);
    const auth = authField(fields, context);
    fields.end();
    return (channelContext) => new NtfyChannel(name, topic, { baseUrl, auth }, channelContext);
  },
};

function topicField(fields: Fields): string {
  const topic = fields.requiredText("topic");
  if (/^[-_A-Za-z0-9]{1,64}$/.test(topic)) return topic;
  throw fields.error("topic", "it must be 1 to 64 letters, digits, hyphens or underscores");
}

interface NtfyServer {
  readonly baseUrl: string;
  readonly auth: NtfyAuth | undefined;
}

class NtfyChannel implements Channel {
  readonly kind = "ntfy";
  readonly isIdempotent = false;
  readonly attachmentMode = "separate";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #server: NtfyServer;
  readonly #context: ChannelContext;

  constructor(name: string, topic: string, server: NtfyServer, context: ChannelContext) {
    this.name = name;
    this.destinations = [topic];
    this.#server = server;
    this.#context = context;
  }

  /**
   * ntfy takes the same message twice, and cannot be asked: what may have arrived can only be sent again. From 2.16 on its apps show one of those that have
   * the same `sequence_id`; older servers pass over it, so that nobody can tell.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { inDoubt, signal } = options;
    const { runtime } = this.#context;
    const { baseUrl, auth } = this.#server;
    const { headers, ...request } = await this.#request(envelope, options);
    const answer = await exchange(runtime, {
      ...request,
      headers: { ...headers, "User-Agent": USER_AGENT, ...auth?.() },
      signal,
    });
    const host = new URL(baseUrl).host;
    const json = parseJsonObject(answer.text);
    const retryAfterMs = parseRetryAfter(answer.headers.get("Retry-After"), runtime.now());
    if (answer.status === 200 && typeof json?.id === "string" && json.id.length <= 255 && json.event === "message") {
      return { id: json.id, possibleDuplicate: inDoubt !== undefined };
    }
    if (typeof json?.code === "number" && typeof json.error === "string") {
      throw new ResponseError(`${host} answered ${answer.status} (${json.code}): ${json.error}`, {
        status: answer.status,
        errcode: String(json.code),
        retryAfterMs,
        failureClass: json.code === FILES_OF_A_DAY ? "rejected" : undefined,
      });
    }
    throw new NotTheServiceError(`${host} does not answer like ntfy: ${answer.status}`, {
      status: answer.status,
      retryAfterMs,
    });
  }

  async #request(
    { destination, notification }: Envelope,
    { txnId, late, replaced, timeoutMs }: SendOptions,
  ): Promise<Pick<HttpRequest, "method" | "url" | "headers" | "body" | "timeoutMs">> {
    const { runtime, identity, files } = this.#context;
    const { baseUrl } = this.#server;
    const { file } = notification;
    if (file !== undefined) {
      const { fileRequest } = await import("./upload.ts");
      const title = subjectLine(notification, identity), priority = priorityOf(notification);
      return await fileRequest(`${baseUrl}/${destination}`, { file, files, title, priority, txnId, timeoutMs });
    }
    const notes = formatNotes(notification, { lateAt: late ? runtime.now() : undefined, replaced });
    return {
      method: "POST",
      url: `${baseUrl}/`,
      headers: { "Content-Type": "application/json" },
      body: await this.#message(notification, { topic: destination, sequence_id: txnId }, notes),
      timeoutMs,
    };
  }

  /** An empty message would read "triggered", so that a subject without a body becomes the message. */
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

/** From 1 (least) to 5 (most); 3 is the default, and 2 makes no sound. */
function priorityOf({ silent, severity }: Notification): number {
  if (silent) return 2;
  return { info: 3, warning: 4, error: 4, critical: 5 }[severity];
}
