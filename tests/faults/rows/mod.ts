/** All rows of the failure matrix. */

import { CLOCK_ROW } from "./clock.ts";
import { DAMAGE_ROW, VERSION_ROW } from "./damage.ts";
import { DISK_ROWS } from "./disk.ts";
import { DOUBT_ROWS } from "./doubts.ts";
import { KILL_ROWS } from "./kills.ts";
import { LOCK_ROWS } from "./locks.ts";
import { OUTAGE_ROWS } from "./outage.ts";
import { POWER_ROW } from "./power.ts";
import { REFUSAL_ROWS } from "./refusals.ts";
import type { Row } from "./row.ts";
import { SIGNAL_ROW } from "./signals.ts";

/** By their numbers, 1 to 26. */
export const ROWS: readonly Row[] = [
  ...KILL_ROWS,
  POWER_ROW,
  DAMAGE_ROW,
  ...DISK_ROWS,
  ...LOCK_ROWS,
  ...OUTAGE_ROWS,
  ...DOUBT_ROWS,
  ...REFUSAL_ROWS,
  CLOCK_ROW,
  VERSION_ROW,
  SIGNAL_ROW,
].toSorted((a, b) => a.number - b.number);
