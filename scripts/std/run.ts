/**
 * Finds the standard library and runs `deno` with it.
 *
 * @module
 */

import { AIRGAP_CONFIG, modulesFor, sourceFrom, STD_SOURCE_ENV, type StdSource, withConfig } from "./argv.ts";
import { runChild } from "./child.ts";

/**
 * How long a probe may take. A firewall that drops packets would delay every command for longer.
 */
export const PROBE_LIMIT_MS = 5_000;

/** The effects of a probe. */
export interface ProbeEffects {
  /** Loads a module, from the cache or else from the network. */
  readonly load: (specifier: string) => Promise<unknown>;
  /** Resolves after so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Runs `deno` with arguments and with the standard library that is available; returns its exit
 * code.
 */
export async function runDeno(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const source = await stdSource(args);
  return await runChild(Deno.execPath(), source === "airgap" ? withConfig(args, AIRGAP_CONFIG) : args, {
    [STD_SOURCE_ENV]: source,
    ...env,
  });
}

/**
 * Finds the standard library for a command. A caller must end with `Deno.exit`: a download may
 * still hang.
 */
export async function stdSource(args: readonly string[]): Promise<StdSource> {
  const known = sourceFrom(Deno.env.get(STD_SOURCE_ENV));
  if (known) return known;
  // The specifier is computed, so that these modules do not belong to the module graph of the
  // wrapper.
  const load = (specifier: string): Promise<unknown> => import(specifier);
  const source = await probe(modulesFor(args), { load, sleep });
  if (source === "airgap") printNoticeOnce();
  return source;
}

/**
 * Tries to load modules of the standard library. Cached modules take milliseconds, and so does a
 * network that refuses. Only a network that does not answer takes the whole limit.
 */
export async function probe(
  modules: readonly string[],
  { load, sleep }: ProbeEffects,
  limitMs = PROBE_LIMIT_MS,
): Promise<StdSource> {
  const loaded = Promise.all(modules.map(load)).then(() => "jsr" as const, () => "airgap" as const);
  return await Promise.race([loaded, sleep(limitMs).then(() => "airgap" as const)]);
}

const NOTICE = "matrix-notify: the standard library is neither cached nor reachable; scripts/airgap/ replaces it";

/**
 * Prints the notice once per machine. A marker in the user's cache directory records that it was
 * printed.
 */
function printNoticeOnce(): void {
  const { env } = Deno;
  const cache = env.get("XDG_CACHE_HOME") || env.get("LOCALAPPDATA") ||
    (env.get("HOME") && `${env.get("HOME")}/.cache`);
  try {
    if (cache) {
      Deno.mkdirSync(`${cache}/matrix-notify`, { recursive: true });
      Deno.writeTextFileSync(`${cache}/matrix-notify/airgap-notice`, `${NOTICE}\n`, { createNew: true });
    }
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return;
    // Without a marker the notice comes again, which does no harm.
  }
  console.error(NOTICE);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
