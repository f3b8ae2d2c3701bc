/**
 * The values that the completion scripts offer: channels, rooms and entries. They are read from the
 * configuration and the queue of this host, without requests.
 *
 * @module
 */

import { isObject } from "../../base/fields.ts";
import { printable } from "../../base/printable.ts";
import type { CommandContext } from "../command.ts";

/** Lists the names of the configured channels. */
export async function listChannels(context: CommandContext): Promise<readonly string[]> {
  return Object.keys(await readChannels(context)).filter(isPrintable);
}

/** Lists the rooms of the configured channels. */
export async function listRooms(context: CommandContext): Promise<readonly string[]> {
  const rooms = Object.values(await readChannels(context)).map((channel) => isObject(channel) && channel.room);
  return [...new Set(rooms.filter((room) => typeof room === "string").filter(isPrintable))];
}

async function readChannels({ args, runtime }: CommandContext): Promise<Readonly<Record<string, unknown>>> {
  const { readSources } = await import("../../config/load.ts");
  const { value } = await readSources(runtime, { configFile: args.text("config") });
  return isObject(value.channels) ? value.channels : {};
}

/** Lists the ids of the entries in the queue, each with a tab and the subject. */
export async function listEntries(context: CommandContext): Promise<readonly string[]> {
  const { openQueueOnly } = await import("../notifier.ts");
  await using notifier = await openQueueOnly(context);
  return notifier.entries().map(({ id, notification }) => `${id}\t${printable(notification.subject)}`);
}

/**
 * Returns true if a value has no hidden characters. A value with hidden characters cannot be typed
 * on a command line.
 */
function isPrintable(value: string): boolean {
  return value === printable(value);
}
