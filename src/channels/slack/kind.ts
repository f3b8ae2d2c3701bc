/** The kind `slack`: an incoming webhook of Slack, Mattermost or Rocket.Chat. */

import { hostOf } from "../../runtime/address.ts";
import { type ChannelKind, defineKind } from "../kind.ts";
import { SlackChannel } from "./channel.ts";
import { SLACK_SETTINGS } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "slack",
  summary: "an incoming webhook of Slack, Mattermost or Rocket.Chat",
  speaksHttp: true,
  settings: SLACK_SETTINGS,
  access: ({ url }) => ({ hosts: [hostOf(url.reveal())] }),
  open: (setup, context) => new SlackChannel(setup, context),
  checks: () => import("./checks.ts"),
  apprise: { schemas: ["slack"], load: () => import("./apprise.ts") },
});
