/**
 * Runs a command of `deno` with or without access to JSR: `deno run -A -q scripts/with_std.ts test
 * tests/`. If the standard library is cached or reachable, this runs `deno test tests/`. Otherwise
 * the command also gets the configuration in `scripts/airgap/`, whose stand-ins replace the
 * library.
 *
 * @module
 */

import { runDeno } from "./std/run.ts";

if (import.meta.main) Deno.exit(await runDeno(Deno.args));
