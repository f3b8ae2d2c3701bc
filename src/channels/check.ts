/**
 * Checks of `doctor`, as data: a name, the checks that must pass before, and a function that looks.
 * Each kind brings checks of its own; `doctor` runs them. A check never sends a notification.
 *
 * @module
 */

import { formatDuration } from "../base/duration.ts";
import { HintedError, NotTheServiceError, TransportError, type TransportPhase } from "../base/errors.ts";
import { findHint } from "../matrix/errcodes.ts";
import { MatrixError } from "../matrix/errors.ts";
import type { ChannelState } from "../queue/entry.ts";
import type { Connection } from "../runtime/http_clients.ts";
import type { Runtime } from "../runtime/runtime.ts";

/** One check. */
export interface Check<Subject = void> {
  readonly name: string;
  /** Checks that must pass before. If one of them failed or was skipped, this one is skipped. */
  readonly needs?: readonly string[];
  /** Looks, and changes nothing. An error that it throws becomes a failure. */
  look(subject: Subject): AsyncIterable<Found> | Iterable<Found>;
}

/** What the checks of a channel work with. */
export interface CheckContext {
  /** The name of the channel. */
  readonly channel: string;
  /** Its requests use the connection of the channel. */
  readonly runtime: Runtime;
  /** The channel's own certificates and proxy; undefined for the defaults. */
  readonly connection: Connection | undefined;
  readonly host: CheckHost;
  /** The limit of each request. */
  readonly limits: { readonly timeoutMs: number; readonly signal?: AbortSignal };
  /**
   * The state directory.
   *
   * @throws {ConfigError} if there is no place for one
   */
  stateDir(): string;
  /**
   * The state of the channel in the queue.
   *
   * @throws {StorageError} if the queue cannot be read
   */
  channelState(): Promise<ChannelState>;
}

/** What checks ask of this host. */
export interface CheckHost {
  /** Looks at a file; undefined if there is none. */
  stat(path: string): { readonly mode: number | undefined; readonly isDirectory: boolean } | undefined;
  /** Whether Deno permits to run a program. */
  mayRun(program: string): boolean;
}

/** `skipped`: the check did not run, because another one comes first or a permission is missing. */
export type FindingState = "ok" | "warning" | "failure" | "skipped";

/** What a check found. */
export interface Found {
  readonly state: FindingState;
  /** A sentence without a full stop. */
  readonly message: string;
  /** How to fix it: a sentence without a full stop. */
  readonly hint?: string;
}

/** A result with the name of its check: `queue`, or `matrix/room` for a check of a channel. */
export interface Finding extends Found {
  readonly check: string;
}

/** Calls a function once, when its result is first needed. Later calls return the same promise. */
export function once<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let result: Promise<Result> | undefined;
  return () => result ??= work();
}

/** All is well. */
export function ok(message: string): Found {
  return { state: "ok", message };
}

/** It works, but not as well as it could. */
export function warning(message: string, hint?: string): Found {
  return { state: "warning", message, hint };
}

/** It does not work. */
export function failure(message: string, hint?: string): Found {
  return { state: "failure", message, hint };
}

/** The check did not run. */
export function skipped(message: string): Found {
  return { state: "skipped", message };
}

/** The worst state of several findings; skipped checks do not count. */
export function worstOf(findings: readonly Found[]): "ok" | "warning" | "failure" {
  const has = (state: FindingState) => findings.some((finding) => finding.state === state);
  return has("failure") ? "failure" : has("warning") ? "warning" : "ok";
}

/** Turns an error into a finding. A check need not catch errors that it cannot judge. */
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
  connect: "does the server run, are address and port right, and is there a firewall in between?",
  exchange: "look into the log of the server, and of the proxy before it",
  timeout: "the server hangs, or a firewall drops the requests: look into its log",
};

/**
 * A status below 500 comes from another service; one above it may come from a proxy whose service
 * is down.
 */
function otherServiceHint(status: number): string {
  return status >= 500
    ? "a proxy answers for a server that is down: start the server"
    : "a captive portal or another program answers there: log in to the network, or fix the address";
}

function refusalFinding({ message, errcode, status, retryAfterMs }: MatrixError): Found {
  if (status === 429) {
    const wait = retryAfterMs === undefined ? "later" : `in ${formatDuration(retryAfterMs)}`;
    return warning(message, `nothing is wrong, but there were too many requests: try again ${wait}`);
  }
  if (status >= 500) return failure(message, "look into the homeserver's log");
  return failure(message, findHint(errcode));
}
