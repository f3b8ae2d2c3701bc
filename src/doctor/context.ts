/** The context of the checks of the host, and helper functions that several checks use. */

import { stateDirPath } from "../config/paths.ts";
import type { LoadOptions } from "../config/load.ts";
import { eitherSignal } from "../runtime/abort.ts";
import type { Runtime } from "../runtime/runtime.ts";
import type { Host } from "./host.ts";

/** Options of the doctor. */
export interface DoctorOptions extends LoadOptions {
  /**
   * The timeout of each request and of each program that the checks run, in milliseconds.
   *
   * @default {10_000}
   */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** True if matrix-notify must not start a background process. @default {false} */
  readonly noBackground?: boolean;
}

/** The context of the checks: the host, the runtime and the options. */
export interface DoctorContext {
  readonly runtime: Runtime;
  readonly host: Host;
  readonly options: DoctorOptions;
}

/**
 * The default timeout, in milliseconds. A server that needs more time would delay every message.
 */
const DEFAULT_TIMEOUT_MS = 10_000;

/** Returns the timeout of a request, and the signal that cancels the request. */
export function limitsOf({ options }: DoctorContext): { readonly timeoutMs: number; readonly signal?: AbortSignal } {
  return { timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS, signal: options.signal };
}

/**
 * Returns the state directory.
 *
 * @throws {ConfigError} if the path cannot be determined
 */
export function stateDirOf({ runtime, options }: DoctorContext): string {
  return options.stateDir ?? stateDirPath(runtime);
}

/**
 * Runs a program of the host, and returns the program's output. Returns undefined if the program
 * cannot be run or fails.
 */
export async function askHost(
  context: DoctorContext,
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  const { timeoutMs, signal } = limitsOf(context);
  const limit = context.runtime.timeout(timeoutMs);
  return await context.host.ask(program, args, eitherSignal(signal, limit));
}
