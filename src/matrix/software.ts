/** Which software a homeserver is (Server-Server API, "Retrieving server version"): their memories differ. */

import { MatrixError } from "./errors.ts";
import { type MatrixClient, request } from "./request.ts";
import type { RoomOptions } from "./rooms.ts";
import { NotTheServiceError } from "../base/errors.ts";

/**
 * Asks for the name of the software: `Synapse`, `Dendrite`.
 *
 * @returns undefined when the server does not say; many proxies do not pass this on
 * @throws {TransportError} when nothing answered
 */
export async function serverSoftware(client: MatrixClient, options: RoomOptions): Promise<string | undefined> {
  try {
    const { server } = await request({ ...client, credentials: undefined }, {
      method: "GET",
      api: "/_matrix/federation/v1",
      path: ["version"],
      ...options,
    });
    return typeof server === "object" && server !== null && "name" in server ? String(server.name) : undefined;
  } catch (error) {
    if (error instanceof MatrixError || error instanceof NotTheServiceError) return undefined;
    throw error;
  }
}
