/** What a check finds. */

import { ConfigError, HintedError, NotTheServiceError, TransportError, type TransportPhase } from "../base/errors.ts";
import { formatDuration } from "../base/duration.ts";
import { findHint } from "../matrix/errcodes.ts";
import { MatrixError } from "../matrix/errors.ts";

/** `skipped` was not looked at, because something before it must be mended first, or because nobody may look. */
export type FindingState = "ok" | "warning" | "failure" | "skipped";

/** What was found, and what mends it. */
export interface Found {
  readonly state: FindingState;
  /** A sentence without a full stop. */
  readonly message: string;
  /** What mends it, as a sentence without a full stop. */
  readonly hint?: string;
}

/** What was found, and by which check: `queue`, or `matrix/room` for one that belongs to a channel. */
export interface Finding extends Found {
  readonly check: string;
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

/** Nobody looked. */
export function skipped(message: string): Found {
  return { state: "skipped", message };
}

/** The worst of several: what was skipped is no judgement. */
export function worstOf(findings: readonly Found[]): "ok" | "warning" | "failure" {
  const has = (state: FindingState) => findings.some((finding) => finding.state === state);
  return has("failure") ? "failure" : has("warning") ? "warning" : "ok";
}

/** What was thrown, as a finding: a check need not catch what it cannot judge. */
export function findingOf(error: unknown): Found {
  if (error instanceof MatrixError) return refused(error);
  if (error instanceof NotTheServiceError) return failure(error.message, strangerHint(error.status));
  if (error instanceof TransportError) return failure(error.message, error.hint ?? TRANSPORT_HINTS[error.phase]);
  if (error instanceof HintedError) return failure(error.message, error.hint);
  if (error instanceof Deno.errors.NotCapable) {
    return skipped(`nobody may look: ${error.message.split(",")[0]}`);
  }
  return failure(error instanceof Error ? error.message : String(error));
}

/** Whether it is about the configuration, which has a check of its own. */
export function isConfigError(error: unknown): error is ConfigError {
  return error instanceof ConfigError;
}

const TRANSPORT_HINTS: Readonly<Record<TransportPhase, string>> = {
  connect: "does the server run, are address and port right, and does no firewall stand in between?",
  exchange: "look into the log of the server, and of the proxy before it",
  timeout: "the server hangs, or a firewall swallows what is sent to it: look into its log",
};

/** A status below 500 comes from somebody who is not the service; one above it may come from a proxy whose service is down. */
function strangerHint(status: number): string {
  return status >= 500
    ? "a proxy answers in the place of a server that is down: start that"
    : "a captive portal or another program answers there: log in to the network, or mend the address";
}

function refused({ message, errcode, status, retryAfterMs }: MatrixError): Found {
  if (status === 429) {
    const wait = retryAfterMs === undefined ? "later" : `in ${formatDuration(retryAfterMs)}`;
    return warning(message, `nothing is wrong, but too much was asked: look again ${wait}`);
  }
  if (status >= 500) return failure(message, "look into the homeserver's log");
  return failure(message, findHint(errcode));
}
