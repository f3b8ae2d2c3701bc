/**
 * Posts to an incoming webhook of Slack (Slack documentation, "Sending messages using incoming
 * webhooks", "Formatting text for app surfaces"). Mattermost and Rocket.Chat accept the same
 * requests.
 *
 * @module
 */

import type { ResponseClass } from "../../base/errors.ts";
import { USER_AGENT } from "../../base/version.ts";
import type { Notification } from "../../notification/notification.ts";
import { formatNotes, type RenderOptions } from "../../notification/render.ts";
import { formatTitle } from "../../notification/title.ts";
import { isUnsafeLink } from "../../base/unsafe_link.ts";
import { exchangeJson, type Service } from "../../runtime/http.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import type { Block } from "../batch_message.ts";
import { layOutToFit, longestNotes, type RenderedMessage, renderMessage } from "../message.ts";
import { maxTextChars, type SlackSettings } from "./settings.ts";

/**
 * The failure classes of error codes (Slack documentation, "Handling errors"). For all other error
 * codes, the HTTP status determines the class.
 */
const FAILURE_CLASSES: Readonly<Record<string, ResponseClass>> = {
  // The webhook or its workspace is deleted or disabled.
  invalid_token: "credentials",
  no_active_hooks: "credentials",
  no_service: "credentials",
  no_service_id: "credentials",
  no_team: "credentials",
  team_disabled: "credentials",
  // The conversation does not accept messages from this webhook.
  action_prohibited: "destination",
  channel_is_archived: "destination",
  channel_not_found: "destination",
  posting_to_general_channel_denied: "destination",
  user_not_found: "destination",
  // Slack will never accept this message.
  invalid_payload: "rejected",
  no_text: "rejected",
  too_many_attachments: "rejected",
  // The error codes of Mattermost.
  "web.incoming_webhook.channel.app_error": "destination",
  "web.incoming_webhook.channel_locked.app_error": "destination",
  "web.incoming_webhook.disabled.app_error": "credentials",
  "web.incoming_webhook.invalid.app_error": "credentials",
  "web.incoming_webhook.permissions.app_error": "destination",
  "web.incoming_webhook.text.app_error": "rejected",
};

const TOO_LONG_HINT = "set maxChars in the channel to the limit of the server";

const HINTS: Partial<Readonly<Record<ResponseClass, string>>> = {
  credentials: "create the incoming webhook again, and use its new address",
  destination: "check that the conversation exists, and that the webhook may post to it",
};

const SLACK: Service = {
  name: "Slack",
  // Slack and Mattermost answer with `ok`. Rocket.Chat answers with JSON.
  isSuccess: ({ status, text, json }) => status === 200 && (text.trim() === "ok" || json.success === true),
  readRefusal({ status, text, json }) {
    const errcode = typeof json.id === "string" ? json.id : typeof json.error === "string" ? json.error : text.trim();
    const isCode = /^[a-z][a-z_.]{1,99}$/.test(errcode);
    const said = typeof json.message === "string" ? json.message : errcode;
    if (status < 400 || !isCode && said === text.trim()) return undefined;
    const known = isCode && Object.hasOwn(FAILURE_CLASSES, errcode);
    // Rocket.Chat answers 400 if the room is missing, blocked or read-only (Rocket.Chat,
    // `canSendMessage.ts` and `processWebhookMessage.ts`).
    const isRoomProblem = status === 400 && json.success === false;
    const failureClass = known ? FAILURE_CLASSES[errcode] : isRoomProblem ? "destination" : undefined;
    return {
      said,
      errcode: isCode ? errcode : undefined,
      failureClass,
      hint: status === 413 ? TOO_LONG_HINT : failureClass && HINTS[failureClass],
    };
  },
};

/** A channel that posts to one webhook. */
export class SlackChannel implements Channel {
  readonly kind = "slack";
  readonly isIdempotent = false;
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: SlackSettings;
  readonly #context: ChannelContext;

  /**
   * Creates the channel. The destination is the configured name of the channel, because the address
   * is a secret.
   */
  constructor({ name, settings }: ChannelSetup<SlackSettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = [name];
    this.#settings = settings;
    this.#context = context;
  }

  hasRoomFor(notification: Notification, message: RenderedMessage): boolean {
    return this.#whole(notification, message, longestNotes(notification)).length <= maxTextChars(this.#settings);
  }

  /**
   * Posts a message. If the outcome of an earlier attempt is unknown, the message is sent again. A
   * webhook does not return an id, so the receipt contains the transaction id. Slack accepts about
   * one message per second. Slack answers additional messages with status 429 and the header
   * `Retry-After`.
   */
  async send({ notification }: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, inDoubt, timeoutMs, signal } = options;
    const text = await this.#text(notification, options);
    await exchangeJson(this.#context.runtime, {
      method: "POST",
      url: this.#settings.url.reveal(),
      hidesUrl: true,
      headers: { "Content-Type": "application/json", "User-Agent": USER_AGENT },
      body: JSON.stringify({ text, unfurl_links: false, unfurl_media: false }),
      timeoutMs,
      signal,
    }, SLACK);
    return { id: txnId, possibleDuplicate: inDoubt !== undefined };
  }

  async #text(notification: Notification, { late, replaced }: SendOptions): Promise<string> {
    const { runtime, warn } = this.#context;
    const notes = { lateAt: late ? runtime.now() : undefined, replaced };
    const message = await renderMessage(notification, warn);
    const maxChars = maxTextChars(this.#settings);
    return layOutToFit(notification, message.text, {
      layout: (text) => this.#whole(notification, { ...message, text }, notes),
      fits: (whole) => whole.length <= maxChars,
      maxUnits: maxChars,
    });
  }

  /** Returns the whole text: the title, the message, the link and the notes. */
  #whole(
    notification: Notification,
    { text, blocks }: Pick<RenderedMessage, "text" | "blocks">,
    notes: Pick<RenderOptions, "lateAt" | "replaced">,
  ): string {
    const body = blocks?.map(formatBlock).join("\n\n") ?? formatBody(notification, text);
    const head = bold(formatTitle(notification, this.#context));
    return [head, ...body === "" ? [] : [body], ...tailOf(notification, formatNotes(notification, notes))].join("\n");
  }
}

/** Formats a notification of a batch. */
function formatBlock({ head, notification, message, notes }: Block): string {
  const body = formatBody(notification, message.text);
  return [bold(head), ...body === "" ? [] : [body], ...tailOf(notification, notes)].join("\n");
}

function formatBody({ format }: Notification, text: string): string {
  return format === "code" ? codeBlock(text) : escapeText(text);
}

/** Returns the lines below the message: the link and the notes. */
function tailOf({ link }: Notification, notes: readonly string[]): string[] {
  return [...(link === undefined ? [] : [`🔗 ${link}`]), ...notes].map(escapeText);
}

/**
 * Returns bold text. A text with `*` or a line break is not made bold, because both characters end
 * bold text.
 */
function bold(text: string): string {
  const escaped = escapeText(text);
  return /[*\n]/.test(escaped) ? escaped : `*${escaped}*`;
}

/**
 * Returns a code block. A text with three backticks is not put into a block, because three
 * backticks end a block.
 */
function codeBlock(text: string): string {
  const escaped = escapeText(text);
  return text === "" || text.includes("```") ? escaped : `\`\`\`\n${escaped}\n\`\`\``;
}

/**
 * Matches the beginning of a link target in Markdown, up to the colon after the scheme. A target
 * may be in angle brackets, and a backslash may escape the colon.
 */
const LINK_TARGET_REGEXP = /\](?:\(|:)\s*(?:&lt;\s*)?([a-z-]+)\\?:(?=\S)/gi;

/**
 * Escapes a text, so that it does not contain mentions or unsafe links:
 *
 * - Slack: escapes `&`, `<` and `>`. For example, `<!channel>` in a subject then does not notify
 *   everyone.
 * - Mattermost and Rocket.Chat: inserts an invisible character after the `@` of `@channel`, `@all`,
 *   `@everyone` and `@here`.
 * - Unsafe Markdown links, such as `[x](javascript:…)`: inserts an invisible character before the
 *   colon. The link is then invalid.
 */
function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replace(/@(?=(all|channel|everyone|here)\b)/gi, "@\u200b")
    .replace(
      LINK_TARGET_REGEXP,
      (start, target) => isUnsafeLink(`${target}:`) ? `${start.slice(0, -1)}\u200b:` : start,
    );
}
