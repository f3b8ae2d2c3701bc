/**
 * Chooses the protocol of a request by its method and path:
 *
 * | path | method | protocol |
 * | --- | --- | --- |
 * | `/notify` | POST, PUT | our own |
 * | `/message` | POST, PUT | Gotify |
 * | `/alertmanager` | POST, PUT | Alertmanager |
 * | `/grafana` | POST, PUT | Grafana: the format of Alertmanager with more fields |
 * | `/uptime-kuma` | POST, PUT, GET | Uptime Kuma |
 * | `/hooks/{name}` | POST, PUT | a mapping of the configuration |
 * | `/` | POST, PUT | ntfy as JSON |
 * | `/{topic}` | POST, PUT | ntfy |
 * | `/{topic}/publish`, `…/send`, `…/trigger` | POST, PUT, GET | ntfy |
 * | `/_matrix/client/v3/rooms/{room}/send/m.room.message/{txnId}` | PUT, POST | Matrix |
 * | `/api/v1/matrix/hook/{token}`, `/webhook/{token}` | POST, PUT | webhooks of Matrix bridges |
 *
 * Before they send, clients of Gotify and ntfy check the server: see {@linkcode PROBES}. For the
 * other requests of Matrix clients, see `matrix/questions.ts`.
 *
 * @module
 */

import { ALERTMANAGER } from "./alertmanager.ts";
import type { HookSettings, HttpSettings } from "../../config/serve.ts";
import { GOTIFY } from "./gotify.ts";
import { HOOK_PRESETS, type HookMapping, hookProtocol } from "./hook.ts";
import { isMessage, MATRIX } from "./matrix/message.ts";
import { MATRIX_WEBHOOK, webhookToken } from "./matrix/webhook.ts";
import { NOTIFY } from "./notify.ts";
import { NTFY, topicOf } from "./ntfy.ts";
import { type Answer, jsonAnswer, type Protocol } from "./request.ts";
import { UPTIME_KUMA } from "./uptime_kuma.ts";

/** The protocols with a fixed path. Every other path of one word is a topic of ntfy. */
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  "/notify": NOTIFY,
  "/message": GOTIFY,
  "/alertmanager": ALERTMANAGER,
  "/grafana": ALERTMANAGER,
  "/uptime-kuma": UPTIME_KUMA,
};

/** Creates the protocols of the configured hooks, by name. */
export function createHooks(hooks: HttpSettings["hooks"]): ReadonlyMap<string, Protocol> {
  return new Map([...hooks].map(([name, settings]) => [name, hookProtocol(name, toMapping(settings))]));
}

/** Combines the preset of a hook with its own settings. */
function toMapping({ preset, resolves, ...own }: HookSettings): HookMapping {
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  return {
    ...preset === undefined ? {} : HOOK_PRESETS[preset],
    ...given,
    ...resolves === undefined || resolves.size === 0 ? {} : { resolves },
  };
}

/** Chooses the protocol of a request. Returns undefined if no protocol accepts the request. */
export function chooseProtocol(
  method: string,
  path: string,
  hooks: ReadonlyMap<string, Protocol>,
): Protocol | undefined {
  // A slash at the end is a common mistake in addresses.
  const plain = plainPath(path);
  if (isMessage(method, plain)) return MATRIX;
  if (webhookToken(plain) !== undefined) return isUpload(method) ? MATRIX_WEBHOOK : undefined;
  const hook = /^\/hooks\/([^/]+)$/.exec(plain)?.[1];
  if (hook !== undefined) return isUpload(method) ? hooks.get(hook) : undefined;
  if (Object.hasOwn(PROTOCOLS, plain)) {
    const protocol = PROTOCOLS[plain];
    return isUpload(method) || method === "GET" && protocol === UPTIME_KUMA ? protocol : undefined;
  }
  if (isUpload(method)) return plain === "/" || topicOf(plain) !== undefined ? NTFY : undefined;
  // A GET request publishes only on these paths of ntfy. A browser can load the path of a topic
  // (`/{topic}`) without sending a notification.
  return method === "GET" && /^\/[^/]+\/(?:publish|send|trigger)$/.test(plain) && topicOf(plain) ? NTFY : undefined;
}

/** Returns a path without slashes at the end. */
export function plainPath(path: string): string {
  return path.replace(/(?<=[^/])\/+$/, "");
}

function isUpload(method: string): boolean {
  return method === "POST" || method === "PUT";
}

/**
 * The answers to requests with which clients of Gotify and ntfy check the server before they send.
 * The answers contain nothing about this host.
 */
export const PROBES: Readonly<Record<string, Answer>> = {
  "/health": jsonAnswer(200, { health: "green", database: "green" }),
  "/version": jsonAnswer(200, { version: "2.6.3", commit: "unknown", buildDate: "unknown" }),
  "/v1/health": jsonAnswer(200, { healthy: true }),
};
