/**
 * Lists the channels of a configuration before their settings are parsed. In this list, every
 * channel is an object. An Apprise URL (one text with all settings of a channel) is converted to an
 * object. The parsers of rules and fallbacks look up channels in this list.
 *
 * @module
 */

import { ConfigError, HintedError } from "../base/errors.ts";
import { type Fields, isObject } from "../base/fields.ts";
import { nearest } from "../base/nearest.ts";
import type { AppriseUrl } from "../channels/apprise_url.ts";
import type { AppriseForm, ChannelKind } from "../channels/kind.ts";
import { KIND_NAMES, loadEveryKind, loadKind } from "../channels/registry.ts";

/** A channel in the configuration. */
export interface ListedChannel {
  /**
   * The settings of the channel, as an object. If the file contains an Apprise URL, the URL is
   * converted.
   */
  readonly value: unknown;
  /** The kind of the channel, such as ntfy; undefined if the kind is unknown. */
  readonly kind?: ChannelKind;
  /** The reason why an Apprise URL cannot be used; undefined if there is no problem. */
  readonly problem?: ConfigError;
}

/** The channels by name. */
export type ChannelList = ReadonlyMap<string, ListedChannel>;

/** Lists the channels, and loads the code for their kinds. */
export async function listChannels(channels: unknown): Promise<ChannelList> {
  const list = new Map<string, ListedChannel>();
  for (const [name, channel] of Object.entries(isObject(channels) ? channels : {})) {
    list.set(name, await listChannel(name, channel));
  }
  return list;
}

async function listChannel(name: string, channel: unknown): Promise<ListedChannel> {
  try {
    const value = await toChannelObject(name, channel);
    const kind = isObject(value) && typeof value.kind === "string" ? value.kind.trim() : name;
    return { value, kind: await loadKind(kind) };
  } catch (error) {
    if (error instanceof ConfigError) return { value: {}, problem: error };
    throw error;
  }
}

/**
 * Converts an Apprise URL to the object of a channel. Returns any other value unchanged.
 *
 * @throws {ConfigError} if the URL cannot be used
 */
export async function toChannelObject(name: string, value: unknown): Promise<unknown> {
  return typeof value === "string" ? await parseAppriseUrl(value, `channels.${name}`) : value;
}

/**
 * Converts an Apprise URL to the object of a channel. The object contains `kind`.
 *
 * @param path the dotted path of the URL, for errors
 * @throws {ConfigError} if the URL cannot be used; the message does not show secrets
 */
export async function parseAppriseUrl(text: string, path: string): Promise<Readonly<Record<string, unknown>>> {
  const { AppriseUrl } = await import("../channels/apprise_url.ts");
  const url = new AppriseUrl(text, path);
  const forms = (await loadEveryKind()).flatMap(({ apprise }) => apprise ?? []);
  const form = forms.find(({ schemas }) => schemas.includes(url.schema));
  if (form !== undefined) return await convert(url, form);
  const known = forms.flatMap(({ schemas }) => schemas);
  throw url.error(`there is no kind of channel for ${url.schema}://`, `known: ${known.join(", ")}`);
}

/**
 * Converts a URL. An unexpected error stops only this channel. The text of the error may contain
 * secrets, so only the name of the error is shown.
 */
async function convert(url: AppriseUrl, form: AppriseForm): Promise<Readonly<Record<string, unknown>>> {
  const { fromApprise } = await form.load();
  try {
    return fromApprise(url);
  } catch (error) {
    if (error instanceof HintedError) throw error;
    const name = error instanceof Error ? error.name : "Error";
    throw url.error(`it cannot be converted (${name})`, "write the channel as an object");
  }
}

/**
 * Finds the channel that a setting refers to by its name.
 *
 * @throws {ConfigError} if there is no channel with that name
 */
export function requireChannel(
  fields: Fields,
  key: string,
  { name, list }: { readonly name: string; readonly list: ChannelList },
): ListedChannel {
  const channel = list.get(name);
  if (channel !== undefined) return channel;
  const near = nearest(name, list.keys());
  const known = list.size === 0 ? "no channel is configured" : `configured channels: ${[...list.keys()].join(", ")}`;
  throw fields.error(key, `there is no channel "${name}"`, near ? `did you mean "${near}"?` : known);
}

/** Creates the error for a channel whose kind is unknown. */
export function unknownKind(fields: Fields, name: string): ConfigError {
  const given = fields.text("kind");
  const near = nearest(given ?? name, KIND_NAMES);
  const hint = near ? `did you mean "${near}"?` : `known: ${KIND_NAMES.join(", ")}`;
  return given === undefined ? fields.missing("kind", hint) : fields.error("kind", `there is no kind "${given}"`, hint);
}
