/**
 * Runs a command of Deno's wherever it is: `deno run -A -q scripts/with_std.ts test tests/`. Where the standard library can be
 * had, from the cache or from JSR, it is plain `deno test tests/`. Where it cannot, behind an air gap, the same command gets
 * the configuration in `scripts/airgap/`, whose stand-ins take the library's place.
 *
 * @module
 */

import { runDeno } from "./std/run.ts";

if (import.meta.main) Deno.exit(await runDeno(Deno.args));
