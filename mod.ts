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
 * await using notifier = await Notifier.open({
 *   stateDir: await Deno.makeTempDir(),
 *   channels: { matrix: { homeserver: homeserver.url, accessToken, room } },
 * });
 * const [outcome] = await notifier.notify({ subject: "Backup failed" });
 * assertEquals(outcome.state, "delivered");
 * ```
 *
 * @module
 */

// Send.
export { sendMatrix, sendNotification, type SendNotificationOptions } from "./src/send.ts";

// Hold a notifier.
export type { BackgroundMode } from "./src/background.ts";
export { Notifier } from "./src/notifier.ts";
export type { FlushOptions, NotifierOptions, NotifyOptions } from "./src/notifier_options.ts";
export type { Connection, Credentials } from "./src/connection.ts";
export type { EntryState } from "./src/queue/entry.ts";
export type { ProgramCall, ProgramEnd } from "./src/program.ts";
export type { Ages } from "./src/ages.ts";
export type { Outcome, QueuedEntry } from "./src/report.ts";
export type { Runtime, Stdio } from "./src/runtime.ts";
export type { Status } from "./src/status.ts";

// Say what.
export type {
  Attachment,
  AttachmentInput,
  Format,
  Notification,
  NotificationInput,
  Severity,
} from "./src/notification.ts";

// Say where.
export type { Envelope } from "./src/channels/channel.ts";
export type { ConnectionConfig } from "./src/channels/connection_fields.ts";
export type { EmailConfig } from "./src/channels/email.ts";
export type { ExecConfig } from "./src/channels/exec.ts";
export type { GotifyConfig } from "./src/channels/gotify.ts";
export type { MatrixConfig } from "./src/channels/matrix_fields.ts";
export type { NtfyConfig } from "./src/channels/ntfy.ts";
export type { TelegramConfig } from "./src/channels/telegram.ts";
export type { WebhookConfig } from "./src/channels/webhook.ts";
export type { ChannelConfig } from "./src/channels/registry.ts";
export type { FloodConfig, PolicyConfig, QuietConfig } from "./src/channels/policy_fields.ts";
export type { FallbackEnvelope, Plan, RouteOptions } from "./src/channels/routing.ts";
export type { FallbackConfig, FallbackPolicy } from "./src/channels/routes/fallback.ts";
export type { JudgedRule } from "./src/channels/routes/judge.ts";
export type {
  ChannelSettingsConfig,
  RouteConfig,
  SettingsConfig,
  WhenConfig,
} from "./src/channels/routes/route_fields.ts";

// Catch.
export {
  ConfigError,
  HintedError,
  type HintOptions,
  InvalidNotificationError,
  QueueError,
  type QueueTrouble,
} from "./src/errors.ts";

import { DELIVER_COMMAND } from "./src/background.ts";

if (import.meta.main) Deno.exit(await run(Deno.args));

/** The program. What importers do not need is loaded only here. */
async function run(args: readonly string[]): Promise<number> {
  if (args[0] === DELIVER_COMMAND && args.length === 2) {
    const { runDeliverer } = await import("./src/deliverer.ts");
    return await runDeliverer(args[1]);
  }
  // Computed, so that the command line and what it needs from elsewhere stand in no importer's module graph.
  const { runProgram } = await import(new URL("./src/cli/main.ts", import.meta.url).href);
  return await runProgram(args);
}
