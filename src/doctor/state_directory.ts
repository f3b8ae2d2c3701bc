/** The state directory: whether it is there, whose it is, and who else can look into it. */

import type { Check } from "./check.ts";
import { type DoctorContext, stateDirOf } from "./context.ts";
import { failure, ok, warning } from "./finding.ts";

const OWNER_WRITES = 0o300;

/** Judges by owner and permission bits: trying would write. */
export const stateDirectory: Check<DoctorContext> = {
  name: "state directory",
  *look(context) {
    const { host } = context;
    const path = stateDirOf(context);
    const facts = host.stat(path);
    if (facts === undefined) {
      yield ok(`${path} is not there yet; the first notification makes it`);
      return;
    }
    if (!facts.isDirectory) {
      yield failure(`${path} is a file, where a directory should be`, "name another one with --state-dir");
      return;
    }
    const { mode = 0o700, uid: owner } = facts;
    const uid = host.uid();
    if (owner !== undefined && uid !== undefined && uid !== 0 && owner !== uid) {
      yield failure(
        `${path} belongs to another user (uid ${owner}), and this one (uid ${uid}) cannot write there`,
        "run it as the owner of the directory, or name another one with --state-dir",
      );
      return;
    }
    if ((mode & OWNER_WRITES) !== OWNER_WRITES && uid !== 0) {
      yield failure(`nobody can write in ${path}: its mode is ${octal(mode)}`, `run: chmod 700 ${path}`);
      return;
    }
    if (owner !== undefined && uid === 0 && owner !== 0) {
      yield warning(
        `${path} belongs to another user (uid ${owner}), who could not use what root writes there`,
        "run it as the owner of the directory",
      );
    }
    if ((mode & 0o007) !== 0) {
      yield warning(
        `every user of this host can look into ${path}: its mode is ${octal(mode)}`,
        `run: chmod 700 ${path}`,
      );
      return;
    }
    yield ok(`${path}, mode ${octal(mode)}`);
  },
};

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
