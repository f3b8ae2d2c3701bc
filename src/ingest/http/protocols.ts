/**
 * Chooses the protocol of a request by its method and path.
 *
 * @module
 */

import { ALERTMANAGER } from "./alertmanager.ts";
import { GOTIFY } from "./gotify.ts";
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

/** Chooses the protocol of a request. Returns undefined if the path takes no notification. */
export function chooseProtocol(
  method: string,
  path: string,
  hooks: ReadonlyMap<string, Protocol>,
): Protocol | undefined {
  // A slash at the end is a common mistake in addresses.
  const plain = path.length > 1 ? path.replace(/\/+$/, "") : path;
  const hook = /^\/hooks\/([^/]+)$/.exec(plain)?.[1];
  if (hook !== undefined) return isUpload(method) ? hooks.get(hook) : undefined;
  if (Object.hasOwn(PROTOCOLS, plain)) {
    const protocol = PROTOCOLS[plain];
    return isUpload(method) || method === "GET" && protocol === UPTIME_KUMA ? protocol : undefined;
  }
  if (isUpload(method)) return plain === "/" || topicOf(plain) !== undefined ? NTFY : undefined;
  return method === "GET" && /^\/[^/]+\/(?:publish|send|trigger)$/.test(plain) && topicOf(plain) ? NTFY : undefined;
}

function isUpload(method: string): boolean {
  return method === "POST" || method === "PUT";
}

/**
 * The answers that clients of Gotify and ntfy ask for before they send. They contain nothing about
 * this host.
 */
export const PROBES: Readonly<Record<string, Answer>> = {
  "/health": jsonAnswer(200, { health: "green", database: "green" }),
  "/version": jsonAnswer(200, { version: "2.6.3", commit: "unknown", buildDate: "unknown" }),
  "/v1/health": jsonAnswer(200, { healthy: true }),
};
