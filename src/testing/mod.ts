/**
 * Loopback servers for tests of programs that send notifications. There are servers for Matrix,
 * ntfy, Gotify, the Telegram Bot API and webhooks. An authorization server can manage the logins of
 * the Matrix homeserver. The servers check requests as strictly as the real servers. They log all
 * requests, and can simulate errors, which are called faults.
 *
 * @module
 */

// A homeserver
export { LoopbackHomeserver } from "./homeserver.ts";
export type { RateLimit } from "./rate_limit.ts";
export type {
  HomeserverOptions,
  HomeserverSoftware,
  LoopbackUser,
  RoomEvent,
  RoomOptions,
  TransactionScope,
  UpgradeOptions,
} from "./homeserver_types.ts";
export type { HomeserverFaultName } from "./homeserver_faults.ts";
export type { HomeserverRouteName } from "./homeserver_routes.ts";
export type { UploadedMedia } from "./media.ts";

// An authorization server
export { LoopbackAuthorizationServer } from "./authorization_server.ts";
export type { AuthorizationFaultName, AuthorizationRouteName } from "./authorization_server.ts";
export type { AuthorizationServerOptions, Introspection, OAuthSession } from "./authorization_sessions.ts";

// An ntfy server
export { LoopbackNtfy } from "./ntfy.ts";
export type { NtfyFaultName, NtfyOptions, NtfyRouteName } from "./ntfy.ts";
export type { NtfyAttachment, NtfyMessage } from "./ntfy_messages.ts";

// A Gotify server
export { LoopbackGotify } from "./gotify.ts";
export type { GotifyFaultName, GotifyMessage, GotifyOptions, GotifyRouteName } from "./gotify.ts";

// A Bot API server
export { LoopbackTelegram } from "./telegram.ts";
export type { TelegramFaultName, TelegramOptions, TelegramRouteName } from "./telegram.ts";
export type { TelegramFile, TelegramMessage } from "./telegram_messages.ts";

// A service that accepts any JSON
export { LoopbackWebhook } from "./webhook.ts";
export type { WebhookDelivery, WebhookFaultName, WebhookOptions, WebhookRouteName } from "./webhook.ts";

// Common to all servers
export { LoopbackServer } from "./server.ts";
export type { LoopbackOptions } from "./server.ts";
export type { CommonFaultName, Fault, FaultDetails, FaultOptions } from "./faults.ts";
export type { ReceivedRequest } from "./request_log.ts";
