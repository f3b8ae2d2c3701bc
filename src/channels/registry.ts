/** Every channel kind. A new one is a file and its lines here. */

import { emailKind } from "./email/channel.ts";
import { execKind } from "./exec/channel.ts";
import { gotifyKind } from "./gotify/channel.ts";
import type { ChannelKind } from "./kind.ts";
import { matrixKind } from "./matrix/channel.ts";
import { ntfyKind } from "./ntfy/channel.ts";
import { telegramKind } from "./telegram/channel.ts";
import { webhookKind } from "./webhook/channel.ts";

/** The kinds by name. */
export const CHANNEL_KINDS: Readonly<Record<string, ChannelKind>> = {
  matrix: matrixKind,
  ntfy: ntfyKind,
  gotify: gotifyKind,
  telegram: telegramKind,
  email: emailKind,
  webhook: webhookKind,
  exec: execKind,
};
