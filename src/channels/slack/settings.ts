/** The settings of a Slack channel. */

import { insecureHttp, secretUrl } from "../fields/server.ts";
import { integer, type SettingsOf } from "../fields/setting.ts";

/** Its settings. */
export const SLACK_SETTINGS = {
  url: secretUrl({
    help: "the address of the incoming webhook, of Slack, Mattermost or Rocket.Chat",
    examples: ["https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"],
  }),
  insecureHttp: insecureHttp(),
  maxChars: integer({
    help:
      "the longest message, in UTF-16 code units; a longer one is cut, with a note; Slack accepts 40000, Mattermost 16383, " +
      "Rocket.Chat by default 5000",
    examples: [16_383],
    min: 2000,
    max: 40_000,
    default: 4000,
  }),
};

/** The parsed settings. */
export type SlackSettings = SettingsOf<typeof SLACK_SETTINGS>;
