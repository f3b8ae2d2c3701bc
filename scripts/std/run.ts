import { AIRGAP_CONFIG, modulesFor, sourceFrom, STD_SOURCE_ENV, type StdSource, withConfig } from "./argv.ts";
import { runChild } from "./child.ts";
import { probe } from "./probe.ts";

/** Runs `deno` with the arguments and with whichever standard library there is; returns its exit code. */
export async function runDeno(args: readonly string[]): Promise<number> {
  const source = await stdSource(args);
  return await runChild(Deno.execPath(), source === "airgap" ? withConfig(args, AIRGAP_CONFIG) : args, {
    [STD_SOURCE_ENV]: source,
  });
}

/**
 * Where the standard library comes from for a command. Says so on standard error when it is the stand-ins, unless an outer
 * wrapper has said it already. Whoever has looked must leave with `Deno.exit`: a download that hangs would go on.
 */
export async function stdSource(args: readonly string[]): Promise<StdSource> {
  const known = sourceFrom(Deno.env.get(STD_SOURCE_ENV));
  if (known) return known;
  // Computed, so that these modules are no part of the wrapper's own graph.
  const load = (specifier: string): Promise<unknown> => import(specifier);
  const source = await probe(modulesFor(args), { load, sleep });
  if (source === "airgap") console.error(NOTICE);
  return source;
}

const NOTICE =
  "matrix-notify: the standard library is neither cached nor in reach: using its stand-ins in scripts/airgap/";

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
