/**
 * The configuration of all tasks except those that run the program. Its links replace the standard
 * library by the stand-ins in `scripts/airgap/std/`, and its lock file pins every npm package that
 * tests and scripts load.
 */
export const AIRGAP_CONFIG: string = `${import.meta.dirname}`.replace(/std$/, "airgap") + "/deno.json";

/**
 * Returns the options that give a child process the same packages. A test that starts `deno run …
 * mod.ts` puts them directly after `run`.
 */
export function inheritedConfig(): readonly string[] {
  return ["--config", AIRGAP_CONFIG];
}
