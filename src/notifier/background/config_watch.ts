/**
 * Watches the files that decide which permissions the background deliverer needs: the
 * configuration, the files that it names, the accounts and the cache of homeservers.
 *
 * ```text
 * a file has changed -> check the new configuration:
 *   more mistakes than before     the deliverer keeps the old configuration
 *   needs a missing permission    the deliverer ends
 *   otherwise                     the deliverer uses the new configuration
 * ```
 *
 * A process of Deno cannot get more permissions. If the new configuration needs more, the deliverer
 * ends, and the next send, flush or timer starts another one.
 *
 * @module
 */

import { IdlePause } from "../../delivery/idle_pause.ts";
import { fileVersion } from "../../runtime/files.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { NotifierCore } from "../core.ts";
import { type Access, findLackingFlags } from "./permissions.ts";

/** What the deliverer must do. */
export type ConfigChange =
  /** Open the configuration again. */
  | { readonly kind: "reload" }
  /**
   * The deliverer must end, because the new configuration needs permissions that this process does
   * not have.
   */
  | { readonly kind: "lacks"; readonly flags: string };

/** The input of {@linkcode watchConfig}. */
export interface ConfigWatch {
  readonly runtime: Pick<Runtime, "sleep" | "watch">;
  /** The notifier that delivers. */
  readonly notifier: NotifierCore;
  /**
   * The state of the configuration files before `notifier` was opened; see {@linkcode identify}.
   */
  readonly opened: string;
  /** The flags of needed permissions that the parent process lacked too. */
  readonly lacks: readonly string[];
  /** Opens the configuration as it is now. */
  readonly open: () => Promise<NotifierCore>;
  /** Writes a line to the log. */
  readonly log: (text: string) => void;
  /** A signal that ends the watch. */
  readonly signal: AbortSignal;
}

/** Waits for a change. Returns undefined if the signal ends the watch. */
export async function watchConfig(watch: ConfigWatch): Promise<ConfigChange | undefined> {
  const { runtime, notifier, opened, lacks, signal } = watch;
  const access = await notifier.findAccess();
  const findLacking = (access: Access) => findLackingFlags(access).filter((flag) => !lacks.includes(flag));
  // The configuration may have changed after the parent process read it.
  const first = findLacking(access);
  if (first.length > 0) return { kind: "lacks", flags: first.join(" ") };
  let all = identify(access.configFiles) === opened ? identify(watchedFiles(access)) : undefined;
  while (!signal.aborted) {
    using pause = await IdlePause.open(watchedFiles(access), runtime);
    const now = identify(watchedFiles(access));
    if (now === all) {
      await pause.wait(Infinity, [signal]);
      continue;
    }
    all = now;
    const next = await openNext(watch);
    if (next === undefined) continue;
    const lacking = findLacking(next);
    if (lacking.length > 0) return { kind: "lacks", flags: lacking.join(" ") };
    if (identify(access.configFiles) !== opened) return { kind: "reload" };
  }
  return undefined;
}

/**
 * Returns undefined if the new configuration cannot be used, or has more mistakes than the current
 * one.
 */
async function openNext({ notifier, open, log }: ConfigWatch): Promise<Access | undefined> {
  try {
    await using next = await open();
    if (next.problems.length <= notifier.problems.length) return await next.findAccess();
    log(`the new configuration is not used yet: ${next.problems.at(-1)?.message}`);
  } catch (error) {
    log(`the new configuration is not used yet: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}

function watchedFiles({ configFiles, files, stateDir }: Access): readonly string[] {
  return [...configFiles, ...files, `${stateDir}/accounts`, `${stateDir}/rooms.json`];
}

/** Returns a text that changes when one of the files changes. */
export function identify(paths: readonly string[]): string {
  return paths.map(fileVersion).join("\n");
}
