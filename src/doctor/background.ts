/** Whether what is left may go on by itself. */

import { readSettings } from "../config/load.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { ok, warning } from "./finding.ts";

/** A failed try leaves a process behind, where that is wanted and permitted. */
export const background: Check<DoctorContext> = {
  name: "background",
  needs: ["configuration"],
  *look({ runtime, host, options }) {
    const wanted = options.noBackground ? "--no-background" : undefined;
    if (wanted !== undefined || readSettings(runtime, options).value.background === false) {
      yield ok(`nobody is left behind (${wanted ?? "background: false"}): the next send or flush tries again`);
    } else if (host.mayRunItself()) yield ok("a process may be left behind that goes on delivering");
    else {
      yield warning(
        "no process may be left behind that goes on delivering: the permission to run itself is missing",
        "give it --allow-run, or run matrix-notify flush every few minutes",
      );
    }
  },
};
