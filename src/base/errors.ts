/**
 * The errors that callers can catch, one class for each kind of problem. A message consists of the
 * failed action, a colon and the reason, without a full stop. A hint tells the user how to fix the
 * problem. The command line prints the name of the program, the message and the hint.
 *
 * @module
 */

import { printable } from "./printable.ts";
import { hideSecrets } from "./secret.ts";

/** Options of an error with a hint. */
export interface HintOptions extends ErrorOptions {
  /** The hint: how to fix the problem, without a full stop. */
  readonly hint?: string;
}

/**
 * An error that can have a hint: how to fix the problem. All errors that the library throws
 * intentionally are of this class.
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
 *   console.error(error.message + (error.hint ? `\nHint: ${error.hint}` : ""));
 *   assert(error instanceof ConfigError);
 *   assertEquals(error.message, "Cannot use the option channels: the option stateDir is not set");
 * }
 * ```
 */
export class HintedError extends Error {
  /** The hint: how to fix the problem, without a full stop. */
  readonly hint?: string;

  /** Creates an error. The message consists of the failed action, a colon and the reason. */
  constructor(message: string, options: HintOptions = {}) {
    super(printable(message), options);
    this.hint = options.hint === undefined ? undefined : printable(options.hint);
  }
}

/** Formats an error as one line: its message, then its hint in parentheses. */
export function formatError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return error instanceof HintedError && error.hint ? `${text} (${error.hint})` : text;
}

/**
 * An option of the notification is wrong. For example, the severity does not exist, or `resolves`
 * is set without `key`. A text that is empty or too long is not an error: see `NotificationInput`.
 */
export class InvalidNotificationError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "InvalidNotificationError" as const;
}

/** The place of a mistake in the configuration. */
export interface ConfigPlace {
  /** The dotted path of the setting: `channels.ntfy.topic`. */
  readonly setting?: string;
  /** The path of the configuration file. */
  readonly file?: string;
  /** The number of the line in the file; the first line is 1. */
  readonly line?: number;
}

/** The configuration cannot be used. */
export class ConfigError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "ConfigError" as const;
  /** The place of the mistake; empty if the place is unknown. */
  readonly place: ConfigPlace;

  /** Creates an error. The message consists of the failed action, a colon and the reason. */
  constructor(message: string, { place = {}, ...options }: HintOptions & { readonly place?: ConfigPlace } = {}) {
    super(message, options);
    this.place = place;
  }
}

/**
 * Deno denies a permission that this program needs. The hint contains the necessary flag, such as
 * `--allow-read`.
 *
 * If Deno denies access to the queue, the error is a {@linkcode StorageError} with the code
 * `permission-denied`. If Deno denies access to the network, the notification stays in the queue,
 * and the reported result contains the necessary flag.
 */
export class PermissionError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "PermissionError" as const;
}

/**
 * Turns Deno's error about a missing permission into a {@linkcode PermissionError}. Returns all
 * other errors unchanged.
 *
 * @param action the action that failed, for the error message, such as `open the notifier`
 * @param error the error that was thrown
 */
export function toPermissionError(action: string, error: unknown): unknown {
  if (!isDenial(error)) return error;
  return new PermissionError(`Cannot ${action}: ${formatDenial(error)}`, { cause: error, hint: permissionHint(error) });
}

/** Returns true if Deno denied a permission. For a denied import, Deno throws a `TypeError`. */
function isDenial(error: unknown): error is Error {
  return error instanceof Deno.errors.NotCapable ||
    (error instanceof TypeError && /^Requires (read|import) access to /.test(error.message));
}

/** Formats Deno's error about a missing permission: `Deno requires read access to "/etc/x"`. */
export function formatDenial(error: Error): string {
  if (findSystemFile(error) !== undefined) return "Deno does not open files in /proc, /sys and /dev";
  return `Deno r${error.message.split(", run again")[0].slice(1)}`;
}

/**
 * Finds the path in Deno's error about a file in `/proc`, `/sys` or `/dev`. Deno opens these files
 * only with `--allow-all`.
 */
export function findSystemFile({ message }: Error): string | undefined {
  return /^Requires all access to "([^"]+)"/.exec(message)?.[1];
}

/** Returns a hint that names the flag for a missing permission. */
export function permissionHint(error: Error): string {
  const path = findSystemFile(error);
  if (path !== undefined) return `use another directory: Deno opens ${path} only with --allow-all`;
  const flag = /--allow-[a-z]+/.exec(error.message)?.[0];
  if (flag === undefined) return "run the program with the permissions in docs/permissions.md";
  const value = /^Requires \w+ access to "([^"]+)"/.exec(error.message)?.[1];
  return `run the program with ${flag}${value === undefined ? "" : `=${value}`}`;
}

/**
 * The reason why the state directory could not be used:
 *
 * - `disk-full`: the disk is full
 * - `queue-full`: the queue has reached its maximum size
 * - `locked`: another process has the lock
 * - `write-failed`: a write failed
 * - `io-error`: the access failed for another reason
 * - `permission-denied`: the access is not permitted
 * - `read-only`: the file system is read-only
 * - `no-place`: matrix-notify does not know which directory to use
 * - `untrusted`: another user of this host could change the files
 */
export type StorageErrorCode =
  | "disk-full"
  | "queue-full"
  | "locked"
  | "write-failed"
  | "io-error"
  | "permission-denied"
  | "read-only"
  | "no-place"
  | "untrusted";

const STORAGE_HINTS: Readonly<Record<StorageErrorCode, string>> = {
  "disk-full": "free some disk space; notifications that are already queued are safe",
  "queue-full": "run matrix-notify status to see why the queue is full; notifications that are already queued are safe",
  "locked": "try again later; if matrix-notify is not running, another program holds the lock",
  "write-failed": "look for disk errors in the kernel log; notifications that are already queued are safe",
  "io-error": "use a directory on a local disk: --state-dir DIR",
  "read-only": "mount the file system writable, or choose another directory with --state-dir",
  "no-place": "set HOME, or choose a directory with --state-dir or MATRIX_NOTIFY_STATE_DIR",
  "untrusted": "choose another directory with --state-dir",
  "permission-denied": "run matrix-notify as the owner of the directory, or choose another directory with --state-dir",
};

/**
 * The state directory with the queue cannot be read or written. Entries that are already in the
 * queue are not lost.
 */
export class StorageError extends HintedError {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name = "StorageError" as const;
  /** The reason why the state directory could not be used. */
  readonly code: StorageErrorCode;

  /**
   * Creates an error. The message consists of the failed action, a colon and the reason. Each code
   * has a default hint.
   */
  constructor(code: StorageErrorCode, message: string, options?: HintOptions) {
    super(message, { hint: STORAGE_HINTS[code], ...options });
    this.code = code;
  }
}

/** A homeserver was not found, or the server that was found is not a homeserver. */
export class DiscoveryError extends HintedError {
  override name = "DiscoveryError" as const;
  /**
   * The places where matrix-notify looked for the homeserver, in the order of the attempts. Each
   * place is described in one sentence.
   */
  readonly tried: readonly string[];

  constructor(message: string, tried: readonly string[], options: HintOptions) {
    super(message, options);
    this.tried = tried;
  }
}

/**
 * The reason why a login failed. `refused`: the server rejected the credentials. `rate-limited`:
 * there were too many attempts, and the server accepts the next attempt only after some time.
 * `expired`: the user did not confirm the login in time. `unavailable`: the server does not offer
 * this login method, or does not answer.
 */
export type LoginErrorCode = "refused" | "rate-limited" | "expired" | "unavailable";

/** A login or a logout failed. The files on disk were not changed. */
export class LoginError extends HintedError {
  override name = "LoginError" as const;
  readonly code: LoginErrorCode;
  /** The time when the server allows the next attempt, in milliseconds since 1970. */
  readonly until?: number;

  constructor(code: LoginErrorCode, message: string, options: HintOptions & { readonly until?: number } = {}) {
    super(message, options);
    this.code = code;
    this.until = options.until;
  }
}

/**
 * The user pressed Ctrl-C instead of answering a question, or standard input ended before the
 * answer.
 */
export class InterruptedError extends HintedError {
  override name = "InterruptedError" as const;
}

/**
 * The phase in which a request failed. `connect`: DNS, TCP or TLS failed, so the request was not
 * sent. `exchange`: the connection broke after it was established, so the server may have processed
 * the request. `timeout`: the response did not arrive in time, but the server may still process the
 * request.
 */
export type TransportPhase = "connect" | "exchange" | "timeout";

/** A request did not get a response, because the network failed. */
export class TransportError extends HintedError {
  override name = "TransportError" as const;
  readonly phase: TransportPhase;

  constructor(phase: TransportPhase, message: string, options?: HintOptions) {
    super(hideSecrets(message), options);
    this.phase = phase;
  }
}

/** A `fetch` through a proxy failed. The proxy or the server may be unreachable. */
export class ProxiedFetchError extends TypeError {
  override name = "ProxiedFetchError" as const;
  /** The host and the port of the proxy. */
  readonly proxy: string;

  /** Creates an error with the message and the cause of the error that `fetch` threw. */
  constructor(proxy: string, thrown: Error) {
    super(hideSecrets(thrown.message), { cause: thrown.cause });
    this.proxy = proxy;
  }
}

/**
 * The meaning of an error response:
 *
 * - `not-sent`: the service did not accept the notification, but may accept it later
 * - `in-doubt`: it is unknown if the service accepted the notification
 * - `rate-limited`: there were too many requests, and the service accepts the next request only
 *   after some time
 * - `credentials`: all requests of this account fail until a person fixes the account or its
 *   settings
 * - `destination`: the destination, such as a room, refuses the messages of this program
 * - `destination-busy`: the destination cannot accept a message now
 * - `rejected`: the service will never accept this notification
 * - `not-the-service`: the response does not come from the service
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

/** The information that a service gives when it refuses a request. */
export interface Refusal {
  /** The HTTP status, the SMTP reply code, or the exit code of a program. */
  readonly status: number;
  /**
   * The error code of the service, such as `M_FORBIDDEN`; absent if the service does not use codes.
   */
  readonly errcode?: string;
  /**
   * The time that the service asks clients to wait before the next request, in milliseconds. The
   * caller must limit this value.
   */
  readonly retryAfterMs?: number;
  /** The meaning of the refusal. @default derived from the HTTP status */
  readonly failureClass?: ResponseClass;
  /** How to fix the problem, without a full stop. */
  readonly hint?: string;
}

/** The service responded with an error in its own error format. */
export class ResponseError extends HintedError implements Refusal {
  /** The name of the class, for code that cannot use `instanceof`. */
  override name: string = "ResponseError";
  readonly status: number;
  readonly errcode?: string;
  readonly retryAfterMs?: number;
  readonly failureClass?: ResponseClass;

  constructor(message: string, refusal: Refusal, options?: ErrorOptions) {
    super(hideSecrets(message), { ...options, hint: refusal.hint });
    this.status = refusal.status;
    this.errcode = refusal.errcode;
    this.retryAfterMs = refusal.retryAfterMs;
    this.failureClass = refusal.failureClass;
  }
}

/**
 * The response does not come from the service, but from a captive portal, a proxy, a redirect or
 * another program.
 */
export class NotTheServiceError extends Error {
  override name = "NotTheServiceError" as const;
  /** The HTTP status. */
  readonly status: number;
  /**
   * The time that the response asks clients to wait before the next request, in milliseconds. The
   * caller must limit this value.
   */
  readonly retryAfterMs?: number;

  constructor(message: string, { status, retryAfterMs }: Pick<Refusal, "status" | "retryAfterMs">) {
    super(printable(hideSecrets(message)));
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * The settings of the channel do not allow this destination, for example because the room is
 * encrypted. Other destinations of the channel are not affected.
 */
export class DestinationError extends HintedError {
  override name = "DestinationError" as const;
}

/**
 * It is unknown if an earlier attempt delivered the notification. It is also too early to check if
 * the notification arrived.
 */
export class TooEarlyError extends Error {
  override name = "TooEarlyError" as const;
  /** The earliest time to check if the notification arrived, in milliseconds since 1970. */
  readonly until: number;

  constructor(message: string, until: number) {
    super(message);
    this.until = until;
  }
}

/**
 * An attempt failed before the envelope (one notification for one destination) was sent. Therefore
 * the envelope was not delivered. `cause` is the original error.
 */
export class NotSentError extends Error {
  override name = "NotSentError" as const;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
