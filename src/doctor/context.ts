/** What every check is given. */

import { stateDirPath } from "../config/paths.ts";
import type { LoadOptions } from "../config/load.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Host } from "./host.ts";

/** How to look. */
export interface DoctorOptions extends LoadOptions {
  /** How long a server, or a program of the host, may take for an answer, milliseconds. @default {10_000} */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Whether nobody is to be left behind that goes on delivering. @default {false} */
  readonly noBackground?: boolean;
}

/** The subject of the checks. */
export interface DoctorContext {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly options: DoctorOptions;
}

/** A server that answers later than this makes every message late. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** The limit of a request. */
export function limitsOf({ options }: DoctorContext): { readonly timeoutMs: number; readonly signal?: AbortSignal } {
  return { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal: options.signal };
}

/**
 * The state directory.
 *
 * @throws {ConfigError} when there is no place for it
 */
export function stateDirOf({ runtime, options }: DoctorContext): string {
  return options.stateDir ?? stateDirPath(runtime);
}

/** What a program of the host prints; undefined when nobody can tell. */
export async function askHost(
  context: DoctorContext,
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  const { timeoutMs, signal } = limitsOf(context);
  const limit = context.runtime.timeout(timeoutMs);
  return await context.host.ask(program, args, signal === undefined ? limit : AbortSignal.any([signal, limit]));
}
