/**
 * The shell scripts of a release. {@linkcode LAUNCHER} starts the bundle with Deno. It needs no
 * program but Deno, so that a start costs about a millisecond more than Deno itself. `install.sh`
 * and the npm package write lines before {@linkcode LAUNCHER} that set `deno` and `program`.
 *
 * @module
 */

import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";

/**
 * The options of Deno. Without `--no-config`, Deno reads the `deno.json` of the directory in which
 * a user starts the program.
 */
const OPTIONS = ["-q", "--no-prompt", "--no-config", "--cached-only", ...PROGRAM_FLAGS];

/**
 * The end of the script. `"$@"` passes all bytes of the arguments unchanged. A link named
 * `sendmail` runs the command `sendmail`, because Deno does not see the name of the link.
 */
export const LAUNCHER = `if [ ! -x "$deno" ] && ! deno=$(command -v deno); then
  echo "matrix-notify: Cannot start: Deno is missing" >&2
  echo "  hint: install matrix-notify again, or Deno 2.9 or later: https://deno.com" >&2
  exit 69
fi
[ "\${0##*/}" != sendmail ] || set -- sendmail "$@"
# Deno does not start in a directory that was deleted.
case $PWD in /*) [ -d "$PWD" ] ;; *) false ;; esac ||
  case $1 in send | sendmail | flush | status | service) cd / ;; esac
# Deno must not ask its server for a newer Deno.
export DENO_NO_UPDATE_CHECK=1
exec "$deno" run ${OPTIONS.join(" ")} "$program" "$@"
`;

/**
 * Fills the address of the latest release into `install.sh`, so that it works without a folder.
 *
 * @param repository the address of the repository on GitHub; empty if there is none yet
 */
export function withAddress(installer: string, repository: string): string {
  if (repository === "") return installer;
  return installer.replace("\naddress=''\n", () => `\naddress='${repository}/releases/latest/download'\n`);
}
