/** Services of any kind that take JSON over HTTP. */

import { NotTheServiceError, type ResponseClass, ResponseError } from "../../base/errors.ts";
import { type Fields, parseJsonObject } from "../../base/fields.ts";
import { exchange, type HttpAnswer, parseRetryAfter } from "../../runtime/http.ts";
import { cutToFit, formatNotes, renderPlain } from "../../notification/render.ts";
import type { Secret } from "../../base/secret.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ConnectionConfig } from "../fields/connection.ts";
import type { ChannelContext, ChannelKind, OpenChannel, ParseContext } from "../kind.ts";
import { renderMessage } from "../message.ts";
import { DEFAULT_BODY, fillTemplate, type Template, templateField, type Values } from "./template.ts";
import { HEADER_FIELDS, headersField, type SecretHeaders } from "./headers.ts";
import { INSECURE_HTTP_FIELD } from "../fields/server.ts";
import { urlField } from "./url.ts";

/** How a webhook channel is configured. */
export interface WebhookConfig extends ConnectionConfig {
  /** May be left out where the channel is called `webhook`. */
  readonly kind?: "webhook";
  /** The whole address. Those of many services are secrets by themselves: this or `urlFile`. */
  readonly url?: string;
  /** A file that holds the address and nothing else, and that other users cannot read. */
  readonly urlFile?: string;
  /** How it is sent. @default {"POST"} */
  readonly method?: "POST" | "PUT";
  /** Headers by their names. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Files that hold the values of headers, by the headers' names. */
  readonly headerFiles?: Readonly<Record<string, string>>;
  /**
   * What is sent: any JSON whose texts may hold placeholders such as `{{subject}}`. @default {
   *   { id, identity, origin, severity, subject, message, link, silent, time, note }, each by its placeholder
   * }
   */
  readonly body?: Readonly<Record<string, unknown>> | readonly unknown[];
  /** The longest `{{message}}` and `{{text}}`, in UTF-16 code units; what is longer is cut, with a note. @default whole */
  readonly maxChars?: number;
  /** Permits plain http to another host. @default {false} */
  readonly insecureHttp?: boolean;
}

/** The note that something was cut needs room, and so do subject, link and note on lateness in `{{text}}`. */
const MIN_CHARS = 100;

/** The kind `webhook`: `url` or `urlFile`, `method`, `headers`, `headerFiles`, `body`, `maxChars`. */
export const webhookKind: ChannelKind = {
  kind: "webhook",
  speaksHttp: true,
  fields: {
    url: {
      isRequired: true,
      isSecret: true,
      hasFile: true,
      schema: {
        type: "string",
        description: "the whole address, which is kept like a secret",
        examples: ["https://example.org/hook"],
        pattern: "^[hH][tT][tT][pP][sS]?://[!-~]+$",
      },
    },
    ...INSECURE_HTTP_FIELD,
    method: {
      schema: {
        type: "string",
        description: "how it is sent",
        examples: ["PUT"],
        default: "POST",
        enum: ["POST", "PUT"],
      },
    },
    ...HEADER_FIELDS,
    body: {
      schema: {
        type: ["object", "array"],
        description: "what is sent: JSON whose texts may hold placeholders such as {{subject}}",
        examples: [{ text: "{{text}}" }],
      },
    },
    maxChars: {
      schema: {
        type: "integer",
        description: "the longest {{message}} and {{text}}, in UTF-16 code units",
        examples: [2000],
        minimum: MIN_CHARS,
        maximum: Number.MAX_SAFE_INTEGER,
      },
    },
  },
  configure(name: string, fields: Fields, context: ParseContext): OpenChannel {
    const url = urlField(fields, "url", context);
    const method = fields.text("method") ?? "POST";
    if (method !== "POST" && method !== "PUT") throw fields.error("method", 'it must be "POST" or "PUT"');
    const headers = headersField(fields, context);
    const body = templateField(fields, "body") ?? DEFAULT_BODY;
    const maxChars = fields.integer("maxChars", MIN_CHARS, Number.MAX_SAFE_INTEGER) ?? Infinity;
    fields.end();
    return (channelContext) => new WebhookChannel(name, { url, method, headers, body, maxChars }, channelContext);
  },
};

interface Hook {
  readonly url: Secret;
  readonly method: "POST" | "PUT";
  readonly headers: SecretHeaders;
  readonly body: Template;
  readonly maxChars: number;
}

class WebhookChannel implements Channel {
  readonly kind = "webhook";
  readonly isIdempotent = false;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #hook: Hook;
  readonly #context: ChannelContext;

  /** Its address may be a secret or not be known yet, so that its destination is its name. */
  constructor(name: string, hook: Hook, context: ChannelContext) {
    this.name = name;
    this.destinations = [name];
    this.#hook = hook;
    this.#context = context;
  }

  /** `Idempotency-Key` is the same on every try, for services that heed it; nobody can tell whether this one does. */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, inDoubt, timeoutMs, signal } = options;
    const { runtime } = this.#context;
    const url = this.#hook.url.reveal();
    const answer = await exchange(runtime, {
      method: this.#hook.method,
      url,
      hidesUrl: true,
      headers: {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        ...this.#hook.headers.reveal(),
        "Idempotency-Key": txnId,
      },
      body: JSON.stringify(fillTemplate(this.#hook.body, await this.#values(envelope, options))),
      timeoutMs,
      signal,
    });
    return {
      id: readAnswer(answer, { host: new URL(url).host, now: runtime.now() }),
      possibleDuplicate: inDoubt !== undefined,
    };
  }

  async #values({ notification }: Envelope, { txnId, late, replaced }: SendOptions): Promise<Values> {
    const { identity, runtime, warn } = this.#context;
    const { maxChars } = this.#hook;
    const { origin = null, link = null, key = null, subject, severity, silent, time } = notification;
    const whole = (await renderMessage(notification, warn)).text;
    const lateAt = late ? runtime.now() : undefined;
    const notes = formatNotes(notification, { lateAt, replaced });
    const text = (message: string) => renderPlain(notification, { identity, lateAt, replaced }, message);
    return {
      id: txnId,
      ...{ identity, origin, subject, severity, link, key, silent },
      resolves: notification.resolves === true,
      message: cutToFit(whole, (cut) => cut.length <= maxChars),
      text: text(cutToFit(whole, (cut) => text(cut).length <= maxChars)),
      time: new Date(time).toISOString(),
      unix: Math.floor(time / 1000),
      note: notes.length === 0 ? null : notes.join("\n"),
    };
  }
}

/**
 * What statuses mean for an address that a person wrote down: one that is gone, or that wants another method, is a mistake there, and no fault of
 * the notification.
 */
const VERDICTS: Readonly<Record<number, ResponseClass>> = {
  ...{
    402: "credentials",
    405: "credentials",
    406: "credentials",
    407: "credentials",
    411: "credentials",
    415: "credentials",
  },
  ...{ 404: "destination", 410: "destination" },
  ...{ 409: "not-sent", 421: "not-sent", 423: "not-sent", 425: "not-sent" },
};

function readAnswer(answer: HttpAnswer, { host, now }: { readonly host: string; readonly now: number }): string {
  const { status, headers, text } = answer;
  const retryAfterMs = parseRetryAfter(headers.get("Retry-After"), now);
  if (status >= 200 && status < 300) {
    const { id } = parseJsonObject(text) ?? {};
    return typeof id === "number" || typeof id === "string" && /^\P{Cc}{1,255}$/u.test(id) ? String(id) : `${status}`;
  }
  if (status < 400) {
    throw new NotTheServiceError(`${host} answered ${status}: redirects are not followed`, { status, retryAfterMs });
  }
  const said = /html/i.test(headers.get("Content-Type") ?? "") ? "" : text.replace(/\s+/g, " ").trim();
  const message = `${host} answered ${status}${said === "" ? "" : `: ${said.slice(0, MAX_SAID_CHARS)}`}`;
  throw new ResponseError(message, { status, retryAfterMs, failureClass: VERDICTS[status] });
}

const MAX_SAID_CHARS = 200;
