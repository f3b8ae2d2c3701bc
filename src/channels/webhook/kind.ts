/** The kind `webhook`: any service that accepts JSON over HTTP. */

import { hostOf } from "../../runtime/address.ts";
import { type ChannelKind, defineKind } from "../kind.ts";
import { WebhookChannel } from "./channel.ts";
import { WEBHOOK_SETTINGS } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "webhook",
  summary: "any service that accepts JSON over HTTP",
  speaksHttp: true,
  settings: WEBHOOK_SETTINGS,
  access: ({ url }) => ({ hosts: [hostOf(url.reveal())] }),
  open: (setup, context) => new WebhookChannel(setup, context),
  checks: () => import("./checks.ts"),
  apprise: { schemas: ["json", "jsons"], load: () => import("./apprise.ts") },
});
