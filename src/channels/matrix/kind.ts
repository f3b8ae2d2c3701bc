/** The kind `matrix`: rooms and direct chats on a homeserver. */

import { type ChannelKind, defineKind } from "../kind.ts";
import { MatrixChannel } from "./channel.ts";
import { MATRIX_SETTINGS } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "matrix",
  summary: "Matrix rooms, and direct chats with people",
  speaksHttp: true,
  settings: MATRIX_SETTINGS,
  destination: { keys: ["room"], list: ({ room }) => room },
  access: async (settings, cache) => (await import("./access.ts")).findMatrixAccess(settings, cache),
  open: (setup, context) => new MatrixChannel(setup, context),
  checks: () => import("./checks.ts"),
  lateParts: [() => import("./upload.ts"), () => import("./homeserver_locator.ts")],
  apprise: { schemas: ["matrix", "matrixs"], load: () => import("./apprise.ts") },
});
