/** What is wrong with the options by themselves: it is told before anything is done. */

import { type Arguments, UsageError } from "../arguments.ts";
import { requireGuest } from "../guests.ts";
import { askedWay } from "../login_ways.ts";
import { requireUserId } from "../sign_in.ts";
import { requireRoom } from "./existing_room.ts";

/** Options that name a room: one is enough. */
const ROOM_OPTIONS = ["room", "create-room", "direct"];

/** @throws {UsageError} when they contradict each other, or hold what is no id */
export function checkOptions(args: Arguments): void {
  const [user, room, direct] = ["user", "room", "direct"].map((name) => args.text(name));
  if (user !== undefined) requireUserId(user);
  if (room !== undefined) requireRoom(room);
  if (direct !== undefined) requireGuest(direct);
  args.list("invite").forEach(requireGuest);
  askedWay(args);
  const [one, another] = ROOM_OPTIONS.filter((name) => args.text(name) !== undefined);
  if (another !== undefined) throw new UsageError(`Cannot use --${one} together with --${another}: it is one room`);
  if (args.list("invite").length > 0 && (room ?? direct) !== undefined) {
    throw new UsageError(
      `Cannot use --invite with --${room === undefined ? "direct" : "room"}: it invites people to a room that is made`,
      "make one with --create-room NAME",
    );
  }
}
