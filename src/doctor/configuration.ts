/** The configuration: where it is, whether it can be used, and who can change it. */

import { checkConfig } from "../config/check.ts";
import { readSettings } from "../config/load.ts";
import type { Check } from "./check.ts";
import type { DoctorContext } from "./context.ts";
import { failure, type Found, ok, warning } from "./finding.ts";

/** Finds what the parser has to say, and what the file's permissions give away. */
export const configuration: Check<DoctorContext> = {
  name: "configuration",
  *look(context) {
    const { runtime, options } = context;
    const { channels, problems } = checkConfig(runtime, options);
    for (const { message, hint } of problems) yield failure(message, hint);
    if (problems.length > 0) return;
    const { path, isThere } = readSettings(runtime, options);
    const names = `channels: ${channels.join(", ")}`;
    const exposed = isThere ? [...exposure(path, context)] : [];
    if (exposed.length > 0) yield* exposed;
    else yield ok(isThere ? `${path}; ${names}` : `from the environment alone (there is no ${path}); ${names}`);
  },
};

/** Whoever can change the file can read the secrets that it names, and send them elsewhere. */
function* exposure(path: string, { host }: DoctorContext): Iterable<Found> {
  const facts = host.stat(path);
  const uid = host.uid();
  if (((facts?.mode ?? 0) & 0o022) !== 0) {
    yield warning(`other users can change the configuration ${path}`, `run: chmod go-w ${path}`);
  }
  if (facts?.uid !== undefined && uid !== undefined && facts.uid !== uid && facts.uid !== 0) {
    yield warning(
      `the configuration ${path} belongs to another user (uid ${facts.uid}), who can change it`,
      `run: chown ${uid} ${path}`,
    );
  }
}
