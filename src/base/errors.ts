/**
 * The errors that callers catch, each a condition. A message says what could not be done, then,
 * after a colon, why; it has no full stop. Errors with a hint also say how to fix it. The command
 * line adds the prefix and prints the hint.
 *
 * @module
 */

/** Options of an error with a hint. */
export interface HintOptions extends ErrorOptions {
  /** How to fix it: a sentence without a full stop. */
  readonly hint?: string;
}

/**
 * An error that can say how to fix it. All errors that the library throws on purpose are of this
 * class.
 *
 * @example Print an error and its hint
 * ```ts
 * import { ConfigError, HintedError, Notifier } from "@matrix-notify/matrix-notify";
 * import { assert, assertEquals } from "@std/assert";
 *
 * const ntfy = { server: "https://ntfy.example.org", topic: "alerts" };
 * try {
 *   await using _notifier = await Notifier.open({ channels: { ntfy } });
 * } catch (error) {
 *   if (!(error instanceof HintedError)) throw error;
 *   console.error(`${error.message}\nHint: ${error.hint}`);
 *   assert(error instanceof ConfigError);
 *   assertEquals(error.message, "Cannot open a notifier with channels of its own: stateDir is not set");
 * }
 * ```
 */
export class HintedError extends Error {
  /** How to fix it: a sentence without a full stop. */
  readonly hint?: string;

  /** Creates an error whose message says what could not be done and, after a colon, why. */
  constructor(message: string, options: HintOptions = {}) {
    super(message, options);
    this.hint = options.hint;
  }
}

/**
 * The input cannot be sent: an empty subject, a message that is too long, a channel or a room that
 * does not exist.
 */
export class InvalidNotificationError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "InvalidNotificationError" as const;
}

/** The configuration cannot be used. */
export class ConfigError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "ConfigError" as const;
}

/**
 * Deno denies a permission that this program needs. The hint names the flag, such as
 * `--allow-read`.
 *
 * If Deno denies access to the queue, the error is a {@linkcode StorageError} with the code
 * `permission-denied`. If it denies access to the network, the notification stays in the queue and
 * its outcome names the flag.
 */
export class PermissionError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "PermissionError" as const;
}

/**
 * Turns Deno's error about a missing permission into ours. Any other error is returned as it is.
 *
 * @param action what cannot be done, for the message: `open the notifier`
 * @param error what was thrown
 */
export function toPermissionError(action: string, error: unknown): unknown {
  if (!(error instanceof Deno.errors.NotCapable)) return error;
  return new PermissionError(`Cannot ${action}: ${formatDenial(error)}`, { cause: error, hint: permissionHint(error) });
}

/** Says which permission is missing: `Deno requires read access to "/etc/x"`. */
export function formatDenial({ message }: Error): string {
  return `Deno r${message.split(", run again")[0].slice(1)}`;
}

/** Returns a hint that names the flag of a missing permission. */
export function permissionHint({ message }: Error): string {
  return `run it with ${/--allow-[a-z]+/.exec(message)?.[0] ?? "the permissions in the README"}`;
}

/**
 * Why the state directory could not be used. `disk-full`: no space is left. `queue-full`: the queue
 * is at its size limit. `locked`: another process holds the lock. `write-failed` and `io-error`: a
 * write, or any other access, failed. `attachments-not-stored`: only the attachments could not be
 * stored. `permission-denied`: the access is not permitted.
 */
export type StorageErrorCode =
  | "disk-full"
  | "queue-full"
  | "locked"
  | "write-failed"
  | "attachments-not-stored"
  | "io-error"
  | "permission-denied";

const STORAGE_HINTS: Readonly<Record<StorageErrorCode, string>> = {
  "disk-full": "free some disk space; what was queued before is safe",
  "queue-full": "find out why nothing is delivered: matrix-notify status; what was queued before is safe",
  "locked": "if no matrix-notify runs, another program holds the lock",
  "write-failed": "look for disk errors in the kernel's log; what was queued before is safe",
  "attachments-not-stored": "send it without attachments, or free some space: matrix-notify status shows what waits",
  "io-error": "use a directory on a local disk; --state-dir names another one",
  "permission-denied": "run matrix-notify as the owner of the directory, or choose another directory with --state-dir",
};

/**
 * The state directory, which holds the queue, cannot be read or written. What was queued before
 * stays safe.
 */
export class StorageError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "StorageError" as const;
  /** Why the state directory could not be used. */
  readonly code: StorageErrorCode;

  /**
   * Creates an error whose message says what could not be done and, after a colon, why. Each code
   * has a default hint.
   */
  constructor(code: StorageErrorCode, message: string, options?: HintOptions) {
    super(message, { hint: STORAGE_HINTS[code], ...options });
    this.code = code;
  }
}

/** No homeserver was found, or the server that was found is none. */
export class DiscoveryError extends HintedError {
  override name = "DiscoveryError" as const;
  /** The places that were tried, in order, a sentence each. */
  readonly tried: readonly string[];

  constructor(message: string, tried: readonly string[], options: HintOptions) {
    super(message, options);
    this.tried = tried;
  }
}

/**
 * Why a login failed. `refused`: the server rejects the credentials. `rate-limited`: the server
 * says when to try again. `expired`: the login was not confirmed in time. `unavailable`: the server
 * does not offer this login, or does not answer.
 */
export type LoginErrorCode = "refused" | "rate-limited" | "expired" | "unavailable";

/** A login or a logout failed. Nothing on disk has changed. */
export class LoginError extends HintedError {
  override name = "LoginError" as const;
  readonly code: LoginErrorCode;
  /** When the server allows the next try, milliseconds since 1970. */
  readonly until?: number;

  constructor(code: LoginErrorCode, message: string, options: HintOptions & { readonly until?: number } = {}) {
    super(message, options);
    this.code = code;
    this.until = options.until;
  }
}

/** The user pressed Ctrl-C at a question, or the input ended before the answer. */
export class InterruptedError extends HintedError {
  override name = "InterruptedError" as const;
}

/**
 * How far a request got before it failed. `connect`: DNS, TCP or TLS failed, so no byte of the
 * request was sent. `exchange`: the connection broke later, so the server may have acted.
 * `timeout`: no response in time; the server may still act.
 */
export type TransportPhase = "connect" | "exchange" | "timeout";

/** There is no response, because the network failed. */
export class TransportError extends HintedError {
  override name = "TransportError" as const;
  readonly phase: TransportPhase;

  constructor(phase: TransportPhase, message: string, options?: HintOptions) {
    super(message, options);
    this.phase = phase;
  }
}

/** A `fetch` through a proxy failed. The proxy may be the host that cannot be reached. */
export class ProxiedFetchError extends TypeError {
  override name = "ProxiedFetchError" as const;
  /** The proxy's host and port. */
  readonly proxy: string;

  /** Creates an error with the message and the cause of the error that `fetch` threw. */
  constructor(proxy: string, thrown: Error) {
    super(thrown.message, { cause: thrown.cause });
    this.proxy = proxy;
  }
}

/**
 * What a service's answer means. `not-sent`: it was not accepted now, and may be later. `in-doubt`:
 * the service may have acted. `rate-limited`: the service says when to try again. `credentials`:
 * every request of this account fails until the account or its settings are fixed. `destination`:
 * this destination refuses our messages. `destination-busy`: the destination cannot take a message
 * now. `rejected`: the service will never accept this notification. `not-the-service`: the answer
 * comes from something else.
 */
export type ResponseClass =
  | "not-sent"
  | "in-doubt"
  | "rate-limited"
  | "credentials"
  | "destination"
  | "destination-busy"
  | "rejected"
  | "not-the-service";

/** How a service refused a request. */
export interface Refusal {
  /** The HTTP status, an SMTP reply code, or an exit code. */
  readonly status: number;
  /** The service's own code, if it has one: `M_FORBIDDEN`. */
  readonly errcode?: string;
  /** How long the service asks us to wait, milliseconds, not capped. */
  readonly retryAfterMs?: number;
  /** What the refusal means. @default the HTTP status decides */
  readonly failureClass?: ResponseClass;
}

/** The service responded with an error in its own protocol. */
export class ResponseError extends Error implements Refusal {
  override name: string = "ResponseError";
  readonly status: number;
  readonly errcode?: string;
  readonly retryAfterMs?: number;
  readonly failureClass?: ResponseClass;

  constructor(message: string, refusal: Refusal, options?: ErrorOptions) {
    super(message, options);
    this.status = refusal.status;
    this.errcode = refusal.errcode;
    this.retryAfterMs = refusal.retryAfterMs;
    this.failureClass = refusal.failureClass;
  }
}

/**
 * The response is not the service's: it comes from a captive portal, a proxy, a redirect or another
 * program.
 */
export class NotTheServiceError extends Error {
  override name = "NotTheServiceError" as const;
  /** The HTTP status. */
  readonly status: number;
  /** How long the response asks us to wait, milliseconds, not capped. */
  readonly retryAfterMs?: number;

  constructor(message: string, { status, retryAfterMs }: Pick<Refusal, "status" | "retryAfterMs">) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An earlier attempt is in doubt, and it is too early to find out whether it arrived. */
export class TooEarlyError extends Error {
  override name = "TooEarlyError" as const;
  /** From when on it can be found out, milliseconds since 1970. */
  readonly until: number;

  constructor(message: string, until: number) {
    super(message);
    this.until = until;
  }
}

/**
 * An attempt failed before it sent the envelope, so it cannot have delivered it. The cause is the
 * failure.
 */
export class NotSentError extends Error {
  override name = "NotSentError" as const;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
