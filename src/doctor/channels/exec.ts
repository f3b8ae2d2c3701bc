/** What is looked at of an exec channel. Nobody runs its program, which would do what it does. */

import { commandField } from "../../channels/exec/channel.ts";
import type { ChannelSource } from "../../config/load.ts";
import type { Check } from "../check.ts";
import type { DoctorContext } from "../context.ts";
import { failure, ok, warning } from "../finding.ts";
import type { Host } from "../host.ts";

/** An exec channel that is looked at. */
export class ExecPatient {
  readonly path: string;
  readonly host: Host;

  /** @throws {ConfigError} when the channel's configuration cannot be used */
  constructor({ fields }: ChannelSource, { host }: DoctorContext) {
    [this.path] = commandField(fields);
    this.host = host;
  }
}

/** The checks. */
export const EXEC_CHECKS: readonly Check<ExecPatient>[] = [
  {
    name: "program",
    *look({ path, host }) {
      const facts = host.stat(path);
      if (facts === undefined) yield failure(`there is no program ${path}`, "mend command in the configuration");
      else if (facts.isDirectory) yield failure(`${path} is a directory`, "name the program in it in command");
      else if (facts.mode !== undefined && (facts.mode & 0o111) === 0) {
        yield failure(`nobody may execute ${path}`, `run: chmod +x ${path}`);
      } else if (((facts.mode ?? 0) & 0o002) !== 0) {
        yield warning(`every user of this host can change ${path}, which we run`, `run: chmod o-w ${path}`);
      } else yield ok(`${path} is there and executable`);
    },
  },
  {
    name: "permission",
    needs: ["program"],
    *look({ path, host }) {
      if (host.mayRun(path)) yield ok("programs may be run");
      else yield failure(`${path} may not be run: Deno was not given the permission`, "give it --allow-run");
    },
  },
];
