/**
 * Servers on 127.0.0.1 for tests of programs that send notifications: a Matrix homeserver, the authorization server that it may
 * delegate its logins to, and servers of ntfy, Gotify, Telegram's Bot API and webhooks, as strict as the real ones, with a log of what
 * reached them and with named faults.
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
export type { AuthorizationServerOptions, OAuthSession } from "./authorization_types.ts";
export type { AuthorizationFaultName } from "./authorization_faults.ts";
export type { AuthorizationRouteName } from "./authorization_routes.ts";
export type { Introspection } from "./authorization_sessions.ts";

// An ntfy server
export { LoopbackNtfy } from "./ntfy.ts";
export type { NtfyOptions, NtfyRouteName } from "./ntfy.ts";
export type { NtfyAttachment, NtfyMessage } from "./ntfy_answers.ts";
export type { NtfyFaultName } from "./ntfy_faults.ts";

// A Gotify server
export { LoopbackGotify } from "./gotify.ts";
export type { GotifyFaultName, GotifyMessage, GotifyOptions, GotifyRouteName } from "./gotify.ts";

// A Bot API server
export { LoopbackTelegram } from "./telegram.ts";
export type { TelegramOptions, TelegramRouteName } from "./telegram.ts";
export type { TelegramFaultName } from "./telegram_faults.ts";
export type { TelegramFile, TelegramMessage } from "./telegram_send.ts";

// A service that takes any JSON
export { LoopbackWebhook } from "./webhook.ts";
export type { WebhookDelivery, WebhookFaultName, WebhookOptions, WebhookRouteName } from "./webhook.ts";

// What they have in common
export { LoopbackServer } from "./server.ts";
export type { LoopbackOptions } from "./server.ts";
export type { CommonFaultName } from "./common_faults.ts";
export type { Fault, FaultDetails, FaultOptions } from "./faults.ts";
export type { ReceivedRequest } from "./request_log.ts";
