/** Converts the Apprise URL `tgram://` to a channel. */

import type { AppriseUrl } from "../apprise_url.ts";

/** Matches a bot's token. The URL contains the token instead of a host and port. */
const TOKEN_REGEXP = /^(?:bot)?(\d+)(?::|%3a)+(.*)$/i;

/** Converts the URL. The path after the token contains the chats. */
export function fromApprise(url: AppriseUrl): Record<string, unknown> {
  const [, id, secret] = TOKEN_REGEXP.exec(url.host + url.port) ?? [];
  if (id === undefined || secret === undefined || secret === "") {
    throw url.error("it does not contain the token of a bot", "write it as tgram://123456789:AA…/chat");
  }
  const chats = [...url.entries, ...url.list("to")].map((entry) => chatOf(url, entry));
  if (chats.length === 0) {
    throw url.error("it does not contain a chat", "write the number of the chat");
  }
  const topic = url.option("topic") ?? url.option("thread");
  const threads = new Set([topic, ...chats.map(({ thread }) => thread)].filter((thread) => thread !== undefined));
  if (threads.size > 1 || threads.size === 1 && chats.length > 1) {
    throw url.error("it contains several chats or topics", "write a separate channel for each chat or topic");
  }
  const [thread] = threads;
  url.end(["preview", "content", "mdv", "detect", "album"]);
  return {
    kind: "telegram",
    token: `${id}:${url.decode(secret)}`,
    chat: chats.map(({ chat }) => chat),
    ...(thread === undefined ? {} : { thread: Number(thread) }),
  };
}

/** Parses a chat: `-100123`, `@name` or `name`, each with an optional forum topic. */
function chatOf(url: AppriseUrl, entry: string): { readonly chat: string; readonly thread?: string } {
  const { number, name, thread } =
    /^(?:(?<number>-?\d+)|@?(?<name>[a-z_]\w*))(?::(?<thread>\d+))?$/i.exec(entry)?.groups ?? {};
  if (number === undefined && name === undefined) throw url.error("each chat must be a number or a name");
  return { chat: number ?? `@${name}`, thread };
}
