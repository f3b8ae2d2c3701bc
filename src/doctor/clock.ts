/** The clock, as far as it can be judged without asking anybody: small hosts often have none that runs while they are off. */

import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { failure, ok } from "./finding.ts";

/** This program did not exist before. */
const FIRST_YEAR = 2026;

/** A host that has just started without a network believes that it is 1970. */
export const clock: Check<DoctorContext> = {
  name: "clock",
  *look({ runtime }) {
    const now = new Date(runtime.now());
    if (now.getUTCFullYear() >= FIRST_YEAR) yield ok(`${now.toISOString().slice(0, 19)}Z`);
    else {
      yield failure(
        `the clock of this host says ${now.toISOString().slice(0, 10)}`,
        "set it, and keep it right by NTP: no certificate is valid at that time",
      );
    }
  },
};
