/** `join`: joins a Matrix room by its id or an alias. */

import { parseRoom } from "../../matrix/ids.ts";
import { type Command, type ContextFor, defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { EXIT } from "../exit_codes.ts";
import { enterRoom, ROOM_TIMEOUT_MS, warnIfEncrypted } from "../matrix_rooms.ts";
import { ACCOUNT_OPTIONS } from "../options.ts";
import { printable } from "../../base/printable.ts";

const OPTIONS = [
  { name: "via", value: "SERVER", repeats: true, summary: "if ROOM is an id: a server that has members in the room" },
  ...ACCOUNT_OPTIONS,
] as const;

export const join: Command = defineCommand({
  operands: "ROOM",
  options: OPTIONS,
  details: ["The room must be open to everyone, or the account must have an invite."],
  examples: ["matrix-notify join '#alerts:example.org'", "matrix-notify join '!abc…' --via example.org"],
  run,
});

async function run(context: ContextFor<typeof OPTIONS>): Promise<number> {
  const { args, ui } = context;
  const [room] = args.operands;
  const reference = parseRoom(room);
  if (reference === undefined || reference.kind === "user") {
    throw new UsageError(
      `Cannot join "${printable(room)}": it is neither a room id (!…) nor an alias (#name:example.org)`,
      reference === undefined
        ? "write the whole id or alias in single quotes: '#alerts:example.org'"
        : `for a direct chat with that person run: matrix-notify room create NAME --direct --invite ${room}`,
    );
  }
  const { describeRoom, openMatrixClient } = await import("../matrix_account.ts");
  const { client, channel } = await openMatrixClient(context);
  const roomId = await enterRoom(client, room, { via: args.list("via") });
  const name = await describeRoom(context, client, { roomId, timeoutMs: ROOM_TIMEOUT_MS });
  if (args.has("json")) ui.json({ roomId, channel });
  else ui.data(`joined ${printable(name)}`);
  await warnIfEncrypted(client, { room, roomId }, ui);
  return EXIT.ok;
}
