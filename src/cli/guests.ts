/** People who are invited. */

import { parseRoom } from "../matrix/ids.ts";
import { UsageError } from "./arguments.ts";

/**
 * Reads the user id of a person to invite.
 *
 * @throws {UsageError} when it is none
 */
export function requireGuest(text: string): string {
  const reference = parseRoom(text);
  if (reference?.kind === "user") return reference.userId;
  throw new UsageError(`Cannot invite "${text}": it is no user id`, "write it whole, as @name:example.org");
}
