/**
 * Sends notifications to Matrix rooms, and to every other configured method. A durable queue makes sure that nothing is lost on failure but sent
 * later, once, in order.
 *
 * @example Send to every configured channel
 * ```ts ignore
 * import { sendNotification } from "./mod.ts";
 *
 * const outcomes = await sendNotification("Backup failed", "No space left on /dev/sda1");
 * ```
 *
 * @example Hold a notifier of your own
 * ```ts
 * import { Notifier } from "./mod.ts";
 * import { LoopbackHomeserver } from "./src/testing/mod.ts";
 * import { assertEquals } from "@std/assert";
 *
 * await using homeserver = await LoopbackHomeserver.start();
 * const { userId, accessToken } = homeserver.addUser("bot");
 * const room = homeserver.createRoom({ members: [userId] });
 *
 * const stateDir = await Deno.makeTempDir();
 * {
 *   await using notifier = await Notifier.open({
 *     stateDir,
 *     channels: { matrix: { homeserver: homeserver.url, accessToken, room } },
 *   });
 *   const [outcome] = await notifier.notify({ subject: "Backup failed" });
 *   assertEquals(outcome.state, "delivered");
 * }
 * await Deno.remove(stateDir, { recursive: true });
 * ```
 *
 * @module
 */

// Send.
export { sendMatrix, sendNotification, type SendNotificationOptions } from "./src/notifier/send.ts";

// Hold a notifier.
export type { BackgroundMode } from "./src/notifier/background/spawn.ts";
export { Notifier } from "./src/notifier/notifier.ts";
export type { FlushOptions, NotifierOptions, NotifyOptions } from "./src/notifier/options.ts";
export type { Connection, Credentials } from "./src/runtime/connection.ts";
export type { EntryState } from "./src/queue/entry.ts";
export type { SubprocessCall, SubprocessEnd } from "./src/runtime/subprocess.ts";
export type { Ages } from "./src/notifier/age_histogram.ts";
export type { Outcome, QueuedEntry } from "./src/notifier/outcomes.ts";
export type { Runtime, Stdio } from "./src/runtime/runtime.ts";
export type { Status } from "./src/notifier/status.ts";

// Say what.
export type {
  Attachment,
  AttachmentInput,
  Format,
  Notification,
  NotificationInput,
  Severity,
} from "./src/notification/notification.ts";

// Say where.
export type { Envelope } from "./src/channels/channel.ts";
export type { ConnectionConfig } from "./src/channels/fields/connection.ts";
export type { EmailConfig } from "./src/channels/email/channel.ts";
export type { ExecConfig } from "./src/channels/exec/channel.ts";
export type { GotifyConfig } from "./src/channels/gotify/channel.ts";
export type { MatrixConfig } from "./src/channels/matrix/fields.ts";
export type { NtfyConfig } from "./src/channels/ntfy/channel.ts";
export type { TelegramConfig } from "./src/channels/telegram/channel.ts";
export type { WebhookConfig } from "./src/channels/webhook/channel.ts";
export type { ChannelConfig } from "./src/config/config.ts";
export type { FloodConfig, PolicyConfig, QuietConfig } from "./src/config/fields/policy_fields.ts";
export type { FallbackEnvelope, Plan, RouteOptions } from "./src/routing/route.ts";
export type { FallbackConfig, FallbackPolicy } from "./src/routing/fallback.ts";
export type { EvaluatedRule } from "./src/routing/match.ts";
export type {
  ChannelSettingsConfig,
  RouteConfig,
  SettingsConfig,
  WhenConfig,
} from "./src/config/fields/route_fields.ts";

// Catch.
export {
  ConfigError,
  HintedError,
  type HintOptions,
  InvalidNotificationError,
  StorageError,
  type StorageErrorCode,
} from "./src/base/errors.ts";

if (import.meta.main) {
  const { main } = await import("./src/main.ts");
  Deno.exit(await main(Deno.args));
}
