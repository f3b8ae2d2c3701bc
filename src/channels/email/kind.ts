/** The kind `email`: mailboxes, by SMTP. */

import { type ChannelKind, defineKind } from "../kind.ts";
import { EmailChannel } from "./channel.ts";
import { loadSmtp } from "./smtp_server.ts";
import { checkServer, EMAIL_SETTINGS, SERVER_RULES, smtpAccess } from "./settings.ts";

/** The definition of the kind. */
export const kind: ChannelKind = defineKind({
  name: "email",
  summary: "mailboxes, by SMTP",
  settings: EMAIL_SETTINGS,
  rules: SERVER_RULES,
  check: checkServer,
  destination: { keys: ["to"], list: ({ to }) => to },
  access: (settings) => ({ ...smtpAccess(settings), files: ["/etc/hosts"] }),
  open: (setup, context) => new EmailChannel(setup, context),
  checks: () => import("./checks.ts"),
  lateParts: [() => import("./attachments.ts"), loadSmtp],
  apprise: { schemas: ["mailto", "mailtos"], load: () => import("./apprise.ts") },
});
