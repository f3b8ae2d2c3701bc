/**
 * All kinds of channels. To add a kind, add its folder and a line here. A kind is loaded only if
 * the configuration contains a channel of this kind.
 */

import type { ChannelKind } from "./kind.ts";

const KINDS: Readonly<Record<string, () => Promise<{ readonly kind: ChannelKind }>>> = {
  matrix: () => import("./matrix/kind.ts"),
  ntfy: () => import("./ntfy/kind.ts"),
  gotify: () => import("./gotify/kind.ts"),
  telegram: () => import("./telegram/kind.ts"),
  email: () => import("./email/kind.ts"),
  webhook: () => import("./webhook/kind.ts"),
  exec: () => import("./exec/kind.ts"),
  slack: () => import("./slack/kind.ts"),
};

/** The names of the kinds. */
export const KIND_NAMES: readonly string[] = Object.keys(KINDS);

/** Loads a kind; returns undefined if there is no kind with that name. */
export async function loadKind(name: string): Promise<ChannelKind | undefined> {
  return Object.hasOwn(KINDS, name) ? (await KINDS[name]()).kind : undefined;
}

/** Loads all kinds, for the JSON schema, the documentation and Apprise URLs. */
export async function loadEveryKind(): Promise<readonly ChannelKind[]> {
  return await Promise.all(Object.values(KINDS).map(async (load) => (await load()).kind));
}
