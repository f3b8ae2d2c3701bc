/**
 * Sends through the socket of `serve`, for users who cannot read the configuration or have no
 * queue.
 *
 * ```text
 * read the files as this user -> POST /send, with an id -> answer: return the outcomes, or throw
 *                                the error of the server
 *                             -> no answer: repeat with the same id, for some seconds
 *                             -> never connected: send without the socket
 * ```
 *
 * The server may have stored the notification before the connection broke. In that case, the id
 * prevents a duplicate when the request is repeated.
 *
 * @module
 */

import { type ConfigError, StorageError } from "../base/errors.ts";
import { parseJsonObject } from "../base/fields.ts";
import { readAnswer, RefusedError, type SendResult } from "../ingest/send/answer.ts";
import { type SendOptions, type SendRequest, writeSendRequest } from "../ingest/send/request.ts";
import { createNotification, type NotificationInput } from "../notification/notification.ts";
import type { NotifierCore } from "../notifier/core.ts";
import type { RouteOptions } from "../routing/route.ts";
import { DEFAULT_NOTIFY_WAIT_MS, type NotifyOptions } from "../notifier/options.ts";
import type { Outcome } from "../notifier/outcomes.ts";
import { maxSocketBytes } from "../runtime/paths.ts";
import { postToSocket, probeSocket } from "../runtime/unix_socket.ts";
import type { CommandContext } from "./command.ts";
import { CommandError } from "./errors.ts";
import { EXIT } from "./exit_codes.ts";

/** If `serve` does not answer, a request is repeated for this time, in milliseconds. */
const RETRY_MS = 10_000;

/** The pause between two requests, in milliseconds. */
const PAUSE_MS = 200;

/** The time to wait for an answer, in addition to `--wait`, in milliseconds. */
const GRACE_MS = 30_000;

/** A file to send. */
type SentFile = Parameters<typeof writeSendRequest>[1][number];

/** Sends notifications: a notifier, or the socket of `serve`. */
export type Sender =
  & Pick<NotifierCore, "notify" | "problems" | "formatDestination">
  & AsyncDisposable
  & {
    hasOpenIncident(...given: Parameters<NotifierCore["hasOpenIncident"]>): boolean | Promise<boolean>;
    /** Checks a notification before it is sent. @default `notify` makes the check */
    plan?: NotifierCore["plan"];
    loadLateParts: NotifierCore["loadLateParts"];
  };

/** Sends through a socket. */
export class SocketSender implements Sender {
  readonly #path: string;
  readonly #context: Pick<CommandContext, "runtime" | "ui">;
  readonly #openLocal: () => Promise<Sender>;
  /** Set after the socket could not be reached. */
  #local: Sender | undefined;
  #problems: readonly ConfigError[] = [];

  /** @param openLocal opens a notifier, which is used if the socket cannot be reached */
  constructor(path: string, context: Pick<CommandContext, "runtime" | "ui">, openLocal: () => Promise<Sender>) {
    this.#path = path;
    this.#context = context;
    this.#openLocal = openLocal;
  }

  get problems(): readonly ConfigError[] {
    return this.#local?.problems ?? this.#problems;
  }

  formatDestination(destination: string): string {
    return this.#local?.formatDestination(destination) ?? destination;
  }

  /** See `Notifier.notify()`. The errors are the same, too. */
  async notify(input: NotificationInput, options: NotifyOptions = {}): Promise<Outcome[]> {
    const { runtime, ui } = this.#context;
    if (!await this.#isReachable()) return await (await this.#useLocal()).notify(input, options);
    const { files, problems } = await readFiles(input);
    const whole = { ...input, attachments: [], problems: [...input.problems ?? [], ...problems] };
    // Prints the same warnings as without a socket, and finds wrong options before the request.
    createNotification(whole, runtime.now(), (text) => ui.warn(text));
    const { channels, room, waitMs = DEFAULT_NOTIFY_WAIT_MS, untilDelivered } = options;
    const id = options.id || runtime.uuid();
    const request = { input: whole, options: { channels, room, waitMs, untilDelivered, id } };
    const { outcomes, problems: mistakes } = await this.#send(request, files).catch(async (error) => {
      if (error instanceof RefusedError && error.status === 413 && files.length > 0) {
        return await this.#send(withoutFiles(request, files, error), []);
      }
      // The server cannot store the notification, so it cannot store the id either. If the caller
      // gave an id, sending fails. Otherwise, the server makes a single attempt to deliver.
      if (!(error instanceof StorageError) || options.id) throw error;
      return await this.#send({ ...request, options: { ...request.options, id: undefined } }, files);
    }).catch(toCommandError);
    for (const { message, hint } of mistakes) ui.fail(message, hint);
    this.#problems = mistakes;
    return [...outcomes];
  }

  /** See `NotifierCore.hasOpenIncident()`. */
  async hasOpenIncident(input: NotificationInput, { channels, room }: RouteOptions = {}): Promise<boolean> {
    if (!await this.#isReachable()) return await (await this.#useLocal()).hasOpenIncident(input, { channels, room });
    const { message: _, attachments: __, ...rest } = input;
    const response = await this.#post("/incident", { input: rest, options: { channels, room } }, []);
    return parseJsonObject(await response.text())?.open === true;
  }

  /** See `notifier/late_parts.ts`. */
  async loadLateParts(): Promise<void> {
    const { loadLateParts } = await import("../notifier/late_parts.ts");
    await loadLateParts([]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#local?.[Symbol.asyncDispose]();
  }

  async #send(request: SendRequest, files: readonly SentFile[]): Promise<SendResult> {
    return await readAnswer(await this.#post("/send", request, files));
  }

  /**
   * Waits until `serve` listens on the socket, for at most {@linkcode RETRY_MS}.
   *
   * @returns false if no server listens, or if this user cannot use the socket
   */
  async #isReachable(): Promise<boolean> {
    const { runtime, ui } = this.#context;
    if (this.#local !== undefined) return false;
    const end = runtime.now() + RETRY_MS;
    for (;;) {
      const state = await probeSocket(this.#path);
      if (state === "open") return true;
      if (state === "forbidden") {
        ui.fail(`Cannot send through ${this.#path}: permission is denied`, "ask root to add this user to its group");
        return false;
      }
      if (state === "impossible") {
        const isLong = new TextEncoder().encode(this.#path).length > maxSocketBytes();
        const reason = isLong ? `the path is longer than ${maxSocketBytes()} bytes` : "there can be no socket";
        ui.fail(`Cannot send through ${this.#path}: ${reason}`, "set MATRIX_NOTIFY_SOCKET to a path in serve.sockets");
        return false;
      }
      if (runtime.now() >= end) {
        ui.fail(`Cannot send through ${this.#path}: no server listens there`, "start it: matrix-notify serve");
        return false;
      }
      await runtime.sleep(PAUSE_MS);
    }
  }

  async #useLocal(): Promise<Sender> {
    return this.#local ??= await this.#openLocal();
  }

  /** Posts a request, and repeats it while there is no complete answer. */
  async #post(path: string, request: SendRequest, files: readonly SentFile[]): Promise<Response> {
    const { runtime } = this.#context;
    const { waitMs = 0 }: SendOptions = request.options;
    // The time limit begins at the first failure, because the first request can wait for a long
    // time.
    let end: number | undefined;
    for (;;) {
      const response = await postToSocket(this.#path, path, {
        body: writeSendRequest(request, files),
        signal: runtime.timeout(waitMs + GRACE_MS),
      });
      // The status 500 can come from a server that is stopping, so the request is repeated.
      if (response !== undefined && response.status !== 500) return response;
      end ??= runtime.now() + RETRY_MS;
      if (runtime.now() >= end) {
        throw new CommandError(`Cannot send through ${this.#path}: the server does not answer`, EXIT.tempFail, {
          hint: "try again, with --id to prevent duplicates",
        });
      }
      await runtime.sleep(PAUSE_MS);
    }
  }
}

/** Reads the attached files as this user. A file that cannot be read becomes a problem. */
async function readFiles({ attachments = [] }: NotificationInput) {
  const files: SentFile[] = [], problems: string[] = [];
  if (attachments.length === 0) return { files, problems };
  const { openSources } = await import("../notification/attachments/source.ts");
  for (const source of openSources(attachments, (problem) => problems.push(problem))) {
    using file = source;
    try {
      const bytes = new Uint8Array(await new Blob([...file.chunks()] as BlobPart[]).arrayBuffer());
      files.push({ name: file.name, type: file.type, bytes });
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  return { files, problems };
}

/**
 * Removes the files from a request, because the server refused them as too large. Adds one problem
 * for each file. The message shows these problems.
 */
function withoutFiles(
  { input, options }: SendRequest,
  files: readonly SentFile[],
  { message }: RefusedError,
): SendRequest {
  const problems = files.map(({ name }) => `Cannot attach ${name}: ${message.replace(/^.*?: /, "")}`);
  return { input: { ...input, problems: [...input.problems ?? [], ...problems] }, options };
}

function toCommandError(error: unknown): never {
  if (!(error instanceof RefusedError)) throw error;
  const { message, hint, status } = error;
  const exitCode = status === 403
    ? EXIT.noPerm
    : status === 413
    ? EXIT.dataErr
    : status === 404
    ? EXIT.unavailable
    : EXIT.tempFail;
  throw new CommandError(message, exitCode, { hint, cause: error });
}
