/** All that is looked at of a Matrix channel, in this order. */

import type { Check } from "../check.ts";
import { account, device, login, renewal } from "./matrix_account.ts";
import { limit, memory } from "./matrix_memory.ts";
import { roomChecks } from "./matrix_room.ts";
import { connection, skew, versions, wellKnown } from "./matrix_server.ts";
import type { MatrixPatient } from "./patient.ts";

/** The checks. */
export function matrixChecks(patient: MatrixPatient): Check<MatrixPatient>[] {
  const ofServer = [login, connection, skew, versions, account, device, renewal, wellKnown];
  return [...ofServer, ...roomChecks(patient), memory, limit];
}
