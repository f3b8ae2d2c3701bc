import type { StdSource } from "./argv.ts";

/** A host behind a firewall hears nothing: longer than this nobody wants to wait for it before each command. */
export const PROBE_LIMIT_MS = 5_000;

/** The effects of a probe. */
export interface ProbeEffects {
  /** Loads a module, from the cache or else from the network. */
  readonly load: (specifier: string) => Promise<unknown>;
  /** Resolves after a time. */
  readonly sleep: (ms: number) => Promise<void>;
}

/**
 * Finds out whether modules of the standard library load. What is cached takes milliseconds, and so does a network that says
 * no; only one that says nothing takes the whole limit.
 */
export async function probe(
  modules: readonly string[],
  { load, sleep }: ProbeEffects,
  limitMs = PROBE_LIMIT_MS,
): Promise<StdSource> {
  const loaded = Promise.all(modules.map(load)).then(() => "jsr" as const, () => "airgap" as const);
  return await Promise.race([loaded, sleep(limitMs).then(() => "airgap" as const)]);
}
