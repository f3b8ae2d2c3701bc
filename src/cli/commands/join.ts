/** `join`: enters a room, by its id or an alias. */

import { parseRoom } from "../../matrix/ids.ts";
import { joinRoom } from "../../matrix/rooms.ts";
import { UsageError } from "../arguments.ts";
import type { CommandContext } from "../command.ts";
import { EXIT } from "../exit_codes.ts";
import { openMatrixClient } from "../matrix_client.ts";
import { asking, type ServerHints } from "../server_trouble.ts";
import { printable } from "../ui.ts";

/** Another server may have to be asked, which takes its time. */
const JOIN_TIMEOUT_MS = 120_000;

const HINTS: ServerHints = {
  M_FORBIDDEN: "somebody in the room must invite this account first; then run it again",
  M_BAD_STATE: "somebody with power in the room must lift the ban",
  M_NOT_FOUND: "is it spelled right? a room without an alias is joined by its id",
  "404":
    "does the room exist? one that the homeserver does not know yet needs a server that is in it: --via example.org",
  "400": "in Element: room settings, Advanced, Internal room ID; in a shell, put it in single quotes",
};

/** Joins a room. */
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
  const roomId = await asking(
    `join ${room}`,
    () => joinRoom(client, room, { via: args.list("via"), timeoutMs: JOIN_TIMEOUT_MS }),
    HINTS,
  );
  if (args.has("json")) ui.json({ roomId, channel });
  else ui.data(`joined ${printable(roomId)}`);
  return EXIT.ok;
}
