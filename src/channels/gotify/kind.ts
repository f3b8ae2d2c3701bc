/** The kind `gotify`: an application of a Gotify server. */

import { hostOf } from "../../runtime/address.ts";
import { type ChannelKind, defineKind } from "../kind.ts";
import { GotifyChannel } from "./channel.ts";
import { GOTIFY_SETTINGS } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "gotify",
  summary: "an application of a Gotify server",
  speaksHttp: true,
  hasPriorities: true,
  settings: GOTIFY_SETTINGS,
  access: ({ server }) => ({ hosts: [hostOf(server)] }),
  open: (setup, context) => new GotifyChannel(setup, context),
  checks: () => import("./checks.ts"),
  apprise: { schemas: ["gotify", "gotifys"], load: () => import("./apprise.ts") },
});
