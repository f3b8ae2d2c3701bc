/**
 * The checks of the command `doctor`. Each check has a name, a list of the checks that must succeed
 * first, and a function. Every kind of channel defines its own checks. A check never sends a
 * notification.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { HintedError, NotTheServiceError, TransportError, type TransportPhase } from "../base/errors.ts";
import { MatrixError } from "../matrix/errors.ts";
import type { ChannelState } from "../queue/entry.ts";
import type { Connection } from "../runtime/http_clients.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** One check. */
export interface Check<Subject = void> {
  readonly name: string;
  /**
   * The names of the checks that must succeed before this check. If one of those checks fails or is
   * skipped, this check is skipped.
   */
  readonly needs?: readonly string[];
  /**
   * Runs the check without changing anything. The caller converts a thrown error with {@linkcode
   * findingOf}.
   */
  look(subject: Subject): AsyncIterable<Found> | Iterable<Found>;
}

/** The input for the checks of a channel. */
export interface CheckContext {
  /** The name of the channel. */
  readonly channel: string;
  /** The runtime. Its requests use the certificates and the proxy of the channel. */
  readonly runtime: Runtime;
  /**
   * The certificates and the proxy from the settings of the channel; undefined if the channel does
   * not have such settings.
   */
  readonly connection: Connection | undefined;
  readonly host: CheckHost;
  /** The time limit of each request, and a signal that aborts the requests. */
  readonly limits: { readonly timeoutMs: number; readonly signal?: AbortSignal };
  /**
   * Returns the path of the state directory.
   *
   * @throws {ConfigError} if the path is unknown
   */
  stateDir(): string;
  /**
   * Reads the state of the channel in the queue.
   *
   * @throws {StorageError} if the queue cannot be read
   */
  channelState(): Promise<ChannelState>;
}

/** Information about this host. */
export interface CheckHost {
  /** Reads the type and the mode of a file; returns undefined if the file does not exist. */
  stat(path: string): { readonly mode: number | undefined; readonly isDirectory: boolean } | undefined;
  /** Checks whether Deno has the permission to run a program. */
  mayRun(program: string): boolean;
}

/**
 * The result of a check. `skipped`: the check did not run, because an earlier check did not succeed
 * or because a permission is missing.
 */
export type FindingState = "ok" | "warning" | "failure" | "skipped";

/** One finding of a check. */
export interface Found {
  readonly state: FindingState;
  /** The finding, as a sentence without a full stop. */
  readonly message: string;
  /** The way to fix the problem, as a sentence without a full stop. */
  readonly hint?: string;
}

/** A finding with the name of its check: `queue`, or `matrix/room` for a check of a channel. */
export interface Finding extends Found {
  readonly check: string;
}

/**
 * Returns a function that calls `work` only once. Later calls return the promise of the first call.
 */
export function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => result ??= work();
}

/** Creates a finding about something that works. */
export function ok(message: string): Found {
  return { state: "ok", message };
}

/** Creates a finding about something that works, but should be improved. */
export function warning(message: string, hint?: string): Found {
  return { state: "warning", message, hint };
}

/** Creates a finding about something that does not work. */
export function failure(message: string, hint?: string): Found {
  return { state: "failure", message, hint };
}

/** Creates the finding of a check that did not run. */
export function skipped(message: string): Found {
  return { state: "skipped", message };
}

/** Returns the worst state of several findings. Findings with the state `skipped` are ignored. */
export function worstOf(findings: readonly Found[]): "ok" | "warning" | "failure" {
  const has = (state: FindingState) => findings.some((finding) => finding.state === state);
  return has("failure") ? "failure" : has("warning") ? "warning" : "ok";
}

/** Converts the error of a check to a finding. */
export function findingOf(error: unknown): Found {
  if (error instanceof MatrixError) return refusalFinding(error);
  if (error instanceof NotTheServiceError) return failure(error.message, otherServiceHint(error.status));
  if (error instanceof TransportError) return failure(error.message, error.hint ?? TRANSPORT_HINTS[error.phase]);
  if (error instanceof HintedError) return failure(error.message, error.hint);
  if (error instanceof Deno.errors.NotCapable) {
    return skipped(`a permission is missing: ${error.message.split(",")[0]}`);
  }
  return failure(error instanceof Error ? error.message : String(error));
}

const TRANSPORT_HINTS: Readonly<Record<TransportPhase, string>> = {
  connect: "check that the server runs, that address and port are right, and that no firewall blocks the connection",
  exchange: "look into the logs of the server and of its proxy",
  timeout:
    "the server may hang, or a firewall may drop the requests: look into the logs of the server and of the firewall",
};

/**
 * Returns the hint for an answer that is not from the expected service. A status of 500 or more may
 * come from a proxy whose server is down. A lower status comes from another service.
 */
function otherServiceHint(status: number): string {
  return status >= 500
    ? "a proxy answers for a server that is down: start the server"
    : "a captive portal or another program answers at this address: log in to the network, or fix the address";
}

function refusalFinding({ message, hint, status, retryAfterMs }: MatrixError): Found {
  if (status === 429) {
    const wait = retryAfterMs === undefined ? "later" : `in ${formatDuration(retryAfterMs)}`;
    return warning(message, `this is a rate limit: try again ${wait}`);
  }
  if (status >= 500) return failure(message, "look into the homeserver's log");
  return failure(message, hint);
}
