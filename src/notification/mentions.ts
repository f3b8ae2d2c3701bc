/** Whom a notification is for: people who are told so loudly, in a room that has more members than them. */

import { InvalidNotificationError } from "../base/errors.ts";
import { parseUserId } from "../matrix/ids.ts";

/** Everybody in the room. */
export const ROOM_MENTION = "@room";

/** Whoever means more people means the room. */
export const MAX_MENTIONS = 10;

/** What is wrong with a text that mentions nobody. */
export const MENTION_PROBLEM = "it is neither a user id (@name:example.org) nor @room";

/** Whether a text is a user id or `@room`. */
export function isMention(text: string): boolean {
  return text === ROOM_MENTION || parseUserId(text) !== undefined;
}

/**
 * Checks mentions, each of which counts once.
 *
 * @throws {InvalidNotificationError} when one is neither a user id nor `@room`, or there are too many
 */
export function checkMentions(mentions: readonly string[]): readonly string[] {
  const unique = [...new Set(mentions)];
  const wrong = unique.find((mention) => typeof mention !== "string" || !isMention(mention));
  if (wrong !== undefined) throw new InvalidNotificationError(`Cannot mention "${wrong}": ${MENTION_PROBLEM}`);
  if (unique.length <= MAX_MENTIONS) return unique;
  throw new InvalidNotificationError(`Cannot mention ${unique.length} users: the limit is ${MAX_MENTIONS}`, {
    hint: `mention ${ROOM_MENTION}: everybody in the room`,
  });
}
