/** Who signs in, from the arguments of a command. */

import type { SignIn } from "../accounts/sign_in.ts";
import { withConnection } from "../config/connection.ts";
import { type ChannelSource, loadChannelSources } from "../config/load.ts";
import { stateDirPath } from "../config/paths.ts";
import { ConfigError } from "../base/errors.ts";
import { parseUserId } from "../matrix/ids.ts";
import { USER_AGENT } from "../base/version.ts";
import { UsageError } from "./arguments.ts";
import type { CommandContext } from "./command.ts";

/** Where accounts are kept. */
export function stateDirOf({ args, runtime }: CommandContext): string {
  return args.text("state-dir") ?? stateDirPath(runtime);
}

/**
 * Reads who signs in. The homeserver is reached as by the channel that names the user, where there is one.
 *
 * @throws {UsageError} when it is no user id
 * @throws {ConfigError} when the channel's connection cannot be used
 */
export function signInOf(context: CommandContext, userId: string): SignIn {
  const user = requireUserId(userId);
  const runtime = withConnection(context.runtime, channelsOf(context, user).at(0)?.connection());
  return { userId: user, stateDir: stateDirOf(context), runtime, userAgent: USER_AGENT };
}

/**
 * Reads a user id.
 *
 * @throws {UsageError} when it is none
 */
export function requireUserId(text: string): string {
  const parsed = parseUserId(text);
  if (parsed !== undefined) return parsed.userId;
  throw new UsageError(`Cannot use "${text}": it is no user id`, "write it whole, as @bot:example.org");
}

/**
 * The Matrix channels that name this account; without one, those that have a token of their own. A configuration that cannot be read is in nobody's way
 * here: whoever delivers tells.
 */
export function channelsOf({ args, runtime }: CommandContext, userId?: string): readonly ChannelSource[] {
  try {
    return loadChannelSources(runtime, { configFile: args.text("config"), stateDir: args.text("state-dir") }).filter(
      ({ kind, fields }) => kind === "matrix" && fields.text("user") === userId,
    );
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
}
