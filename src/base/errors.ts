/**
 * The few error classes that somebody catches. Messages follow one grammar: what could not be done, a colon, the state that
 * prevented it; no full stop. The command line adds the prefix and the hint.
 *
 * @module
 */

/** What an error can carry for people. */
export interface HintOptions extends ErrorOptions {
  /** What mends it, as a sentence without a full stop. */
  readonly hint?: string;
}

/** An error that knows what mends it. */
export class HintedError extends Error {
  /** What mends it, as a sentence without a full stop. */
  readonly hint?: string;

  /** The message says what could not be done, a colon, and the state that prevented it. */
  constructor(message: string, options: HintOptions = {}) {
    super(message, options);
    this.hint = options.hint;
  }
}

/** Bad input: an empty subject, a message that is too long, a channel or a room that there is not. */
export class InvalidNotificationError extends HintedError {
  /** The name of the class, for those who cannot use `instanceof`. */
  override name = "InvalidNotificationError" as const;
}

/** A configuration that cannot be used. */
export class ConfigError extends HintedError {
  /** The name of the class, for those who cannot use `instanceof`. */
  override name = "ConfigError" as const;
}

/**
 * Deno denies a permission that this program needs. The hint names the flag, such as `--allow-read`.
 *
 * If Deno denies access to the queue, the error is a {@linkcode StorageError} with the code `permission`. If it denies the
 * network, the notification stays in the queue and its outcome says so.
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
  return new PermissionError(`Cannot ${action}: ${describeDenial(error)}`, {
    cause: error,
    hint: permissionHint(error),
  });
}

/** The permission that is missing: `Deno requires read access to "/etc/x"`. */
export function describeDenial({ message }: Error): string {
  return `Deno r${message.split(", run again")[0].slice(1)}`;
}

/** A hint that names the flag of a missing permission. */
export function permissionHint({ message }: Error): string {
  return `run it with ${/--allow-[a-z]+/.exec(message)?.[0] ?? "the permissions in the README"}`;
}

/**
 * Why the queue could not take or give something. `full`: no room on the disk. `limit`: the queue is as large as it may be. `busy`: another process does not let go of its lock. `unwritten`: the disk did not take it. `files`: there
 * is no room for the files that come with it.
 * `io`: it cannot be read. `permission`: it may not be used.
 */
export type StorageErrorCode = "full" | "limit" | "busy" | "unwritten" | "files" | "io" | "permission";

const QUEUE_HINTS: Readonly<Record<StorageErrorCode, string>> = {
  full: "make room on the disk; what was queued before is safe",
  limit: "see why nothing is delivered: matrix-notify status; what was queued before is safe",
  busy: "if no matrix-notify is at work, another program holds the lock",
  unwritten: "look at the disk, in the kernel's log; what was queued before is safe",
  files: "send it without its files, or make room: matrix-notify status says what waits",
  io: "is it a directory on a local disk? another one can be named with --state-dir",
  permission: "run it as the owner of the directory, or name another one with --state-dir",
};

/** The queue on disk cannot do what was asked. Nothing that it had acknowledged is lost by that. */
export class StorageError extends HintedError {
  /** The name of the class, for those who cannot use `instanceof`. */
  override name = "StorageError" as const;
  /** What kind of trouble it is. */
  readonly code: StorageErrorCode;

  /** The message says what could not be done, a colon, and the state that prevented it. Without a hint it has one for its kind of trouble. */
  constructor(trouble: StorageErrorCode, message: string, options?: HintOptions) {
    super(message, { hint: QUEUE_HINTS[trouble], ...options });
    this.code = trouble;
  }
}

/** No homeserver was found, or what was found is none. */
export class DiscoveryError extends HintedError {
  override name = "DiscoveryError" as const;
  /** What was looked at, in order, a sentence each. */
  readonly tried: readonly string[];

  constructor(message: string, tried: readonly string[], options: HintOptions) {
    super(message, options);
    this.tried = tried;
  }
}

/**
 * Why nobody could be logged in. `refused`: the server does not take what was offered. `limited`: it says when to try again. `expired`: nobody confirmed it in
 * time. `unavailable`: there is no such way, or no answer.
 */
export type LoginErrorCode = "refused" | "rate-limited" | "expired" | "unavailable";

/** A login or a logout failed. Nothing was changed on the disk. */
export class LoginError extends HintedError {
  override name = "LoginError" as const;
  readonly code: LoginErrorCode;
  /** When the server wants to be asked again, milliseconds since 1970. */
  readonly until?: number;

  constructor(trouble: LoginErrorCode, message: string, options: HintOptions & { readonly until?: number } = {}) {
    super(message, options);
    this.code = trouble;
    this.until = options.until;
  }
}

/** Somebody pressed Ctrl-C at a question, or the input ended before the answer. */
export class InterruptedError extends HintedError {
  override name = "InterruptedError" as const;
}

/**
 * How far a request got before it failed. `connect`: DNS, TCP or TLS failed, so that no byte of the request was sent.
 * `exchange`: the connection broke afterwards, and the server may have acted. `timeout`: no answer in time; it may still act.
 */
export type TransportPhase = "connect" | "exchange" | "timeout";

/** No answer: the network failed. */
export class TransportError extends HintedError {
  override name = "TransportError" as const;
  /** How far the request got. */
  readonly phase: TransportPhase;

  constructor(phase: TransportPhase, message: string, options?: HintOptions) {
    super(message, options);
    this.phase = phase;
  }
}

/**
 * What an answer of a service means. `not-sent`: it was not accepted now, and may be later. `in-doubt`: the service may
 * have acted. `rate-limited`: later, when the service says. `credentials`: each request of this account fails until a
 * person fixes it. `destination`: this destination does not accept it from us. `destination-busy`: not now, perhaps later.
 * `rejected`: the service will never accept this notification. `not-the-service`: something else answered.
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

/** A `fetch` failed that went through a proxy: then it may be the proxy that cannot be reached. */
export class ProxiedFetchError extends TypeError {
  override name = "ProxiedFetchError" as const;
  /** The proxy's host and port. */
  readonly proxy: string;

  /** It takes the place of what `fetch` threw, with the same message and cause. */
  constructor(proxy: string, thrown: Error) {
    super(thrown.message, { cause: thrown.cause });
    this.proxy = proxy;
  }
}

/** What a service said when it refused a request. */
export interface Refusal {
  /** The HTTP status, or what stands for it elsewhere: an SMTP reply code, an exit code. */
  readonly status: number;
  /** The service's own code, where it has one: `M_FORBIDDEN`. */
  readonly errcode?: string;
  /** What the service said of waiting, in milliseconds, unshortened. */
  readonly retryAfterMs?: number;
  /** What it means. @default the HTTP status decides */
  readonly failureClass?: ResponseClass;
}

/** The service answered with an error in its own protocol. */
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

/** Somebody answered, but not the service: a captive portal, a proxy's own page, a redirect, another program. */
export class NotTheServiceError extends Error {
  override name = "NotTheServiceError" as const;
  /** The HTTP status. */
  readonly status: number;
  /** What it said of waiting, in milliseconds, unshortened. */
  readonly retryAfterMs?: number;

  constructor(message: string, { status, retryAfterMs }: Pick<Refusal, "status" | "retryAfterMs">) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** An earlier try may have arrived, and it is too early to look whether it did. */
export class TooEarlyError extends Error {
  override name = "TooEarlyError" as const;
  /** When it can be told, milliseconds since 1970. */
  readonly until: number;

  constructor(message: string, until: number) {
    super(message);
    this.until = until;
  }
}

/** What failed came before the envelope itself was sent, so that this try cannot have delivered it. The cause says what it was. */
export class BeforeSendingError extends Error {
  override name = "BeforeSendingError" as const;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
