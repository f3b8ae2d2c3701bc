/**
 * Accepts what programs send to the webhooks of Matrix bridges: matrix-appservice-webhooks
 * (`/api/v1/matrix/hook/TOKEN`, in its own format or in the format of Slack) and matrix-hookshot
 * (`/webhook/TOKEN`). The token of the sender is the last part of the path.
 *
 * @module
 */

import { decodePercent } from "../../../base/secret_mask.ts";
import type { NotificationInput } from "../../../notification/notification.ts";
import { readBody } from "../body.ts";
import { splitSubject } from "../notify.ts";
import { idempotencyKey, type IncomingRequest, jsonAnswer, type Protocol, refuseAsJson } from "../request.ts";
import { joinParts, listOf, severityOf, showFields, textAt, textOf } from "../values.ts";
import { splitHtml } from "./html_subject.ts";

const WEBHOOK_REGEXP = /^\/(?:api\/v1\/matrix\/hook|webhook)\/([^/]+)$/;

/** Returns the token in the path of a webhook; undefined for any other path. */
export function webhookToken(path: string): string | undefined {
  const token = WEBHOOK_REGEXP.exec(path)?.[1];
  return token && decodePercent(token);
}

/** The protocol of the webhooks. */
export const MATRIX_WEBHOOK: Protocol = {
  name: "matrix-webhook",
  read(request) {
    const id = idempotencyKey(request);
    const input = toInput(request);
    return {
      notifications: [id === undefined ? { input } : { input, id }],
      answer: () => jsonAnswer(200, { success: true, ok: true }),
    };
  },
  refuse: refuseAsJson,
};

/** The fields that this protocol uses or ignores. The message shows all other fields by name. */
const NAMES: ReadonlySet<string> = new Set([
  ...["text", "html", "format", "displayName", "username", "attachments", "mrkdwn"],
  ...["avatarUrl", "avatar_url", "icon_url", "icon_emoji", "emoji", "msgtype", "channel"],
]);

function toInput(request: IncomingRequest): NotificationInput {
  const { fields = new Map<string, unknown>(), text: rest } = readBody(request, (name) => NAMES.has(name));
  const text = textOf(fields.get("text")), origin = textOf(fields.get("displayName") ?? fields.get("username")).trim();
  const html = textOf(fields.get("html")) || (/^html$/i.test(textOf(fields.get("format"))) ? text : "");
  const attachments = listOf(fields.get("attachments"));
  const others = showFields([...fields].filter(([name]) => !NAMES.has(name)));
  const severity = attachments.map((attachment) => severityOf(textAt(attachment, "color"))).find(Boolean);
  const common = {
    ...origin === "" ? {} : { origin },
    ...severity === undefined ? {} : { severity },
    .../^(?:m\.)?notice$/.test(textOf(fields.get("msgtype"))) ? { silent: true } : {},
  };
  if (html !== "" && attachments.length === 0 && others === "") {
    const { subject, message } = splitHtml(html) ?? { subject: "", message: html };
    return message === "" ? { subject, message, ...common } : { subject, message, format: "html", ...common };
  }
  const blocks = attachments.map((attachment) =>
    joinParts(
      ...["pretext", "title", "text"].map((name) => unescapeSlack(textAt(attachment, name))),
      showFields([["Link", textAt(attachment, "title_link")], ["Image", textAt(attachment, "image_url")]]),
    )
  );
  const whole = joinParts(attachments.length > 0 ? unescapeSlack(text) : text, ...blocks, others, rest);
  return { ...splitSubject("", whole), ...common };
}

/** Decodes the three characters that Slack's format escapes. */
function unescapeSlack(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
