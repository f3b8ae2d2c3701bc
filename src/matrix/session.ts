/** A session (Client-Server API, "Client Authentication": "whoami"). */

import { NotTheServiceError } from "../errors.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";

/** Whom a token speaks for. */
export interface Whoami {
  readonly userId: string;
  /** Absent for a token that an administrator made. */
  readonly deviceId?: string;
}

/**
 * Asks whom the token speaks for: `GET /account/whoami`.
 *
 * @throws whatever {@linkcode request} throws
 */
export async function whoami(client: MatrixClient, options: RoomOptions): Promise<Whoami> {
  const { user_id, device_id } = await request(client, { method: "GET", path: ["account", "whoami"], ...options });
  if (typeof user_id !== "string") {
    throw new NotTheServiceError("The answer holds no user_id: it does not come from a homeserver", { status: 200 });
  }
  return { userId: user_id, ...(typeof device_id === "string" ? { deviceId: device_id } : {}) };
}
