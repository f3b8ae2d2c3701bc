/** The kind `ntfy`: a topic of an ntfy server. */

import { hostOf } from "../../runtime/address.ts";
import { type ChannelKind, defineKind } from "../kind.ts";
import { NtfyChannel } from "./channel.ts";
import { NTFY_SETTINGS } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "ntfy",
  summary: "a topic of an ntfy server",
  speaksHttp: true,
  hasPriorities: true,
  settings: NTFY_SETTINGS,
  destination: { keys: ["topic"], list: ({ topic }) => [topic] },
  access: ({ server }) => ({ hosts: [hostOf(server)] }),
  open: (setup, context) => new NtfyChannel(setup, context),
  checks: () => import("./checks.ts"),
  lateParts: [() => import("./quota.ts")],
  apprise: { schemas: ["ntfy", "ntfys"], load: () => import("./apprise.ts") },
});
