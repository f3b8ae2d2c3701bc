/** `join`: joins a Matrix room by its id or an alias. */

import { parseRoom } from "../../matrix/ids.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openMatrixClient } from "../matrix_account.ts";
import { enterRoom } from "../matrix_rooms.ts";
import { printable } from "../ui.ts";

/** Runs `join`. */
export async function join(context: CommandContext): Promise<number> {
  const { args, ui } = context;
  const [room] = args.operands;
  const reference = parseRoom(room);
  if (reference === undefined || reference.kind === "user") {
    throw new UsageError(
      `Cannot join "${printable(room)}": it is neither a room id (!…) nor an alias (#name:example.org)`,
      reference === undefined
        ? "in a shell, put it in single quotes"
        : `for a direct chat with that person run: matrix-notify room create NAME --direct --invite ${room}`,
    );
  }
  const { client, channel } = openMatrixClient(context);
  const roomId = await enterRoom(client, room, { via: args.list("via") });
  if (args.has("json")) ui.json({ roomId, channel });
  else ui.data(`joined ${printable(roomId)}`);
  return EXIT.ok;
}
