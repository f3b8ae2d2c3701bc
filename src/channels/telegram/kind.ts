/** The kind `telegram`: chats of a Telegram bot. */

import { hostOf } from "../../runtime/address.ts";
import { type ChannelKind, defineKind } from "../kind.ts";
import { TelegramChannel } from "./channel.ts";
import { TELEGRAM_SETTINGS, toDestinations } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "telegram",
  summary: "chats of a Telegram bot",
  speaksHttp: true,
  settings: TELEGRAM_SETTINGS,
  rules: [{ not: { required: ["thread"], properties: { chat: { type: "array", minItems: 2 } } } }],
  destination: { keys: ["chat", "thread"], list: toDestinations },
  access: ({ server }) => ({ hosts: [hostOf(server)] }),
  open: (setup, context) => new TelegramChannel(setup, context),
  checks: () => import("./checks.ts"),
  lateParts: [() => import("./upload.ts")],
  apprise: { schemas: ["tgram"], load: () => import("./apprise.ts") },
});
