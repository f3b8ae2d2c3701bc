/** All rows of the failure matrix. */

import { CLOCK_ROW } from "./clock.ts";
import { DAMAGE_ROW, VERSION_ROW } from "./damage.ts";
import { DISK_ROWS } from "./disk.ts";
import { IN_DOUBT_ROWS } from "./in_doubt.ts";
import { KILL_ROWS } from "./kills.ts";
import { LOCK_ROWS } from "./locks.ts";
import { OUTAGE_ROWS } from "./outage.ts";
import { POWER_ROW } from "./power.ts";
import { REFUSAL_ROWS } from "./refusals.ts";
import type { Row } from "./row.ts";
import { SERVE_ROW } from "./serve.ts";
import { SIGNAL_ROW } from "./signals.ts";

/** The rows in order, 1 to 27. */
export const ROWS: readonly Row[] = [
  ...KILL_ROWS,
  POWER_ROW,
  DAMAGE_ROW,
  ...DISK_ROWS,
  ...LOCK_ROWS,
  ...OUTAGE_ROWS,
  ...IN_DOUBT_ROWS,
  ...REFUSAL_ROWS,
  CLOCK_ROW,
  VERSION_ROW,
  SIGNAL_ROW,
  SERVE_ROW,
].toSorted((a, b) => a.number - b.number);
