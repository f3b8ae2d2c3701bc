/** The kind `exec`: a program on this host. */

import { type ChannelKind, defineKind } from "../kind.ts";
import { ExecChannel } from "./channel.ts";
import { EXEC_SETTINGS } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "exec",
  summary: "a program on this host, which reads the notification as JSON",
  settings: EXEC_SETTINGS,
  access: ({ command: [path] }) => ({ programs: [path], files: [path] }),
  open: (setup, context) => new ExecChannel(setup, context),
  checks: () => import("./checks.ts"),
});
