/**
 * Sends notifications to Matrix rooms and to other channels: ntfy, Gotify, Telegram, email,
 * webhooks, programs. If a notification cannot be delivered yet, it is stored in a queue on disk.
 * matrix-notify delivers queued notifications later, in order, and each only once.
 *
 * @example Send with the same configuration as the command line
 * ```ts ignore
 * import { notify } from "@matrix-notify/matrix-notify";
 *
 * const outcomes = await notify("Backup failed", { message: "No space left on /dev/sda1", severity: "error" });
 * ```
 *
 * @example Define the channels in code
 * ```ts
 * import { Notifier } from "@matrix-notify/matrix-notify";
 * import { LoopbackHomeserver } from "@matrix-notify/matrix-notify/testing";
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

// Send one notification.
export {
  notify,
  type NotifyCallOptions,
  sendMatrix,
  sendNotification,
  type SendNotificationOptions,
} from "./src/notifier/send.ts";

// Send many notifications, and manage the queue.
export { Notifier } from "./src/notifier/notifier.ts";
export type { FlushOptions, NotifierOptions, NotifyOptions } from "./src/notifier/options.ts";
export type { Ages, Status } from "./src/notifier/status.ts";
export type { DeadEntry, EntryDetails, LiveEntry, QueuedEntry } from "./src/notifier/outcomes.ts";

// Read the results.
export type {
  DeliveredOutcome,
  FailedOutcome,
  Outcome,
  OutcomeTarget,
  PendingOutcome,
} from "./src/notifier/outcomes.ts";

// Handle errors.
export {
  ConfigError,
  type ConfigPlace,
  HintedError,
  type HintOptions,
  InvalidNotificationError,
  PermissionError,
  StorageError,
  type StorageErrorCode,
} from "./src/base/errors.ts";

// Write a notification.
export type {
  Attachment,
  AttachmentInput,
  Format,
  Notification,
  NotificationInput,
  Severity,
} from "./src/notification/notification.ts";

// Choose the channels of a notification.
export type { RouteOptions } from "./src/routing/route.ts";

// Configure channels, delivery and routing.
export type * from "./src/config/config_types.ts";

if (import.meta.main) {
  const { main } = await import("./src/main.ts");
  Deno.exit(await main(Deno.args));
}
