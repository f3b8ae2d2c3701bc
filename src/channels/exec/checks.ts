/** The checks of an exec channel. These checks do not run the program. */

import { quoteForShell } from "../../base/shell_word.ts";
import { type Check, type CheckContext, failure, ok } from "../check.ts";
import type { ExecSettings } from "./settings.ts";

/** Creates the checks. */
export function createChecks({ host }: CheckContext, { command: [path] }: ExecSettings): readonly Check[] {
  return [
    {
      name: "program",
      *look() {
        const facts = host.stat(path);
        const mode = facts?.mode;
        if (facts === undefined) yield failure(`there is no program ${path}`, "fix command in the configuration");
        else if (facts.isDirectory) {
          yield failure(`${path} is a directory`, "set command to the complete path of the program");
        } else if (mode !== undefined && (mode & 0o111) === 0) {
          yield failure(`${path} is not executable`, `run: chmod +x ${quoteForShell(path)}`);
        } else yield ok(`${path} exists and is executable`);
      },
    },
    {
      name: "permission",
      needs: ["program"],
      *look() {
        if (host.mayRun(path)) yield ok("matrix-notify may run the program");
        else yield failure(`Deno does not have the permission to run ${path}`, "give Deno the permission --allow-run");
      },
    },
  ];
}
