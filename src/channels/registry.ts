/** Every channel kind. A new one is a file and its lines here. */

import type { PolicyConfig } from "./policy_fields.ts";
import { type EmailConfig, emailKind } from "./email.ts";
import { type ExecConfig, execKind } from "./exec.ts";
import { type GotifyConfig, gotifyKind } from "./gotify.ts";
import type { ChannelKind } from "./kind.ts";
import { matrixKind } from "./matrix.ts";
import type { MatrixConfig } from "./matrix_fields.ts";
import { type NtfyConfig, ntfyKind } from "./ntfy.ts";
import type { FallbackPolicy } from "./routes/fallback.ts";
import { type TelegramConfig, telegramKind } from "./telegram.ts";
import { type WebhookConfig, webhookKind } from "./webhook.ts";

/** How a channel is configured; without `kind` it is of the kind that its name says. */
export type ChannelConfig =
  & PolicyConfig
  & FallbackPolicy
  & (
    | MatrixConfig
    | NtfyConfig
    | GotifyConfig
    | TelegramConfig
    | EmailConfig
    | WebhookConfig
    | ExecConfig
  );

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
