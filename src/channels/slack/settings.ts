/** The settings of a Slack channel. */

import { insecureHttp, secretUrl } from "../fields/server.ts";
import { integer, type SettingsOf } from "../fields/setting.ts";

/**
 * The longest text that Slack accepts, in UTF-16 code units (Slack changelog, "Truncating really
 * long messages").
 */
const SLACK_MAX_CHARS = 40_000;

/**
 * The longest text that Slack, Mattermost and Rocket.Chat all accept by default, in UTF-16 code
 * units.
 */
const COMMON_MAX_CHARS = 4000;

/** The table of settings. */
export const SLACK_SETTINGS = {
  url: secretUrl({
    help: "the address of an incoming webhook of Slack, Mattermost or Rocket.Chat",
    examples: ["https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"],
  }),
  insecureHttp: insecureHttp(),
  maxChars: integer({
    help:
      "the longest message, in UTF-16 code units; a longer message is cut, with a note; the default is 40000 for hooks.slack.com " +
      "and 4000 for other servers; a Mattermost server accepts up to 16383, and a Rocket.Chat server up to 5000, unless " +
      "its administrator changed the limit",
    examples: [16_383],
    min: 2000,
    max: SLACK_MAX_CHARS,
    optional: true,
  }),
};

/** The parsed settings. */
export type SlackSettings = SettingsOf<typeof SLACK_SETTINGS>;

/** Returns the maximum length of a message, in UTF-16 code units. */
export function maxTextChars({ url, maxChars }: SlackSettings): number {
  const isSlack = new URL(url.reveal()).hostname === "hooks.slack.com";
  return maxChars ?? (isSlack ? SLACK_MAX_CHARS : COMMON_MAX_CHARS);
}
