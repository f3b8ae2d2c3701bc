/**
 * The configuration, parsed. The file is JSON:
 *
 * ```json
 * {
 *   "identity": "jump",
 *   "background": true,
 *   "symbols": true,
 *   "channels": {
 *     "matrix": { "homeserver": "https://matrix.example.org", "accessTokenFile": "/etc/matrix-notify/token", "room": "!…" },
 *     "phone": { "kind": "ntfy", "server": "https://ntfy.example.org", "topic": "alerts" }
 *   }
 * }
 * ```
 *
 * @module
 */

import type { ChannelKind, OpenChannel, ParseContext } from "../channels/kind.ts";
import { CHANNEL_KINDS } from "../channels/registry.ts";
import { appriseChannel } from "./apprise/channel.ts";
import { Fields } from "../fields.ts";
import { nearest } from "../nearest.ts";

/** The configuration, ready to use. */
export interface Config {
  /** The host's name as people know it; it stands before each subject. */
  readonly identity: string;
  /** Whether a process may go on delivering in the background. */
  readonly background: boolean;
  /** Whether names such as `:warning-sign:` in a subject become symbols. */
  readonly symbols: boolean;
  /** The configured channels, not opened yet. */
  readonly channels: readonly OpenChannel[];
}

/** Where the values of a configuration came from, and what stands in for missing ones. */
export interface ConfigContext extends ParseContext {
  /** The identity where none is configured. */
  readonly hostname: string;
  /** How fields of a channel are called in errors when they did not come from the file: by channel, by key. */
  readonly names: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Reads a configuration out of parsed JSON.
 *
 * @throws {ConfigError} with the dotted path of what cannot be used
 */
export function parseConfig(value: unknown, context: ConfigContext): Config {
  const fields = new Fields(value, "");
  const config = {
    identity: fields.text("identity") ?? context.hostname,
    background: fields.flag("background", true),
    symbols: fields.flag("symbols", true),
    channels: fields.objects("channels").map(([name, channel]) => parseChannel(name, channel, context)),
  };
  fields.text("$schema");
  fields.end();
  return config;
}

/** A channel whose name is that of a kind is of that kind. One that is text is an Apprise URL. */
function parseChannel(name: string, value: unknown, context: ConfigContext): OpenChannel {
  const path = `channels.${name}`;
  const channel = typeof value === "string" ? appriseChannel(value, path) : value;
  const fields = new Fields(channel, path, context.names[name]);
  const kind = fields.text("kind") ?? name;
  const found = kindOf(kind);
  if (found !== undefined) return found.configure(name, fields, context);
  const known = Object.keys(CHANNEL_KINDS);
  const near = nearest(kind, known);
  throw fields.error(
    "kind",
    `there is no kind "${kind}"`,
    near ? `did you mean "${near}"?` : `known: ${known.join(", ")}`,
  );
}

/** The kind of that name; undefined when there is none. */
export function kindOf(name: unknown): ChannelKind | undefined {
  return typeof name === "string" && Object.hasOwn(CHANNEL_KINDS, name) ? CHANNEL_KINDS[name] : undefined;
}
