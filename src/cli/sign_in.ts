/** Who signs in, from the arguments of a command. */

import type { SignIn } from "../accounts/sign_in.ts";
import { stateDirPath } from "../config/paths.ts";
import { parseUserId } from "../matrix/ids.ts";
import { USER_AGENT } from "../version.ts";
import { UsageError } from "./arguments.ts";
import type { CommandContext } from "./command.ts";

/** Where accounts are kept. */
export function stateDirOf({ args, runtime }: CommandContext): string {
  return args.text("state-dir") ?? stateDirPath(runtime);
}

/**
 * Reads who signs in.
 *
 * @throws {UsageError} when it is no user id
 */
export function signInOf(context: CommandContext, userId: string): SignIn {
  const { runtime } = context;
  if (parseUserId(userId) === undefined) {
    throw new UsageError(`Cannot use "${userId}": it is no user id`, "write it whole, as @bot:example.org");
  }
  return { userId, stateDir: stateDirOf(context), runtime, userAgent: USER_AGENT };
}
