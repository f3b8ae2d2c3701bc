import { assertEquals } from "@std/assert";
import { findUnit } from "../../src/runtime/systemd.ts";

/** The texts of `/proc/PID/cgroup`, and what they say. */
const CASES: Readonly<Record<string, ReturnType<typeof findUnit>>> = {
  "0::/system.slice/backup.service\n": { unit: "backup.service", manager: "system" },
  "0::/system.slice/system-backup.slice/backup@data.service\n": { unit: "backup@data.service", manager: "system" },
  "0::/system.slice/runner.service/payload\n": { unit: "runner.service", manager: "system" },
  "9:name=systemd:/system.slice/try.service\n8:pids:/\n0::/elsewhere.service\n": {
    ...{ unit: "try.service", manager: "system" },
  },
  "0::/user.slice/user-1000.slice/user@1000.service/app.slice/backup.service\n": {
    ...{ unit: "backup.service", manager: "user" },
  },
  "0::/user.slice/user-1000.slice/session-3.scope\n": undefined,
  "0::/user.slice/user-1000.slice/user@1000.service/app.slice/vte-spawn-1.scope\n": undefined,
  "0::/system.slice/run-rb7.scope\n": undefined,
  "0::/system.slice/docker-0a1b.scope\n": undefined,
  "0::/init.scope\n": undefined,
  "9:name=systemd:/\n0::/\n": undefined,
  "0::/\n": undefined,
  "": undefined,
};

Deno.test("findUnit() finds the service of a process, and no service for logins, scopes and containers", () => {
  for (const [text, unit] of Object.entries(CASES)) assertEquals(findUnit(text), unit, text);
});
