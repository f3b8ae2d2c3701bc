/** Runs a program, which reads the notification as JSON from standard input. */

import { isBatch } from "../../notification/batch.ts";
import { ConfigError, type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";
import { eitherSignal } from "../../runtime/abort.ts";
import type { SubprocessEnd } from "../../runtime/subprocess.ts";
import { hideSecrets, rememberSecret } from "../../base/secret.ts";
import { findKnownDistrust } from "../../runtime/trust.ts";
import { formatIsoTime } from "../../base/time.ts";
import { toNotificationJson } from "../../notification/json.ts";
import { formatNotes } from "../../notification/render.ts";
import type { Notification } from "../../notification/notification.ts";
import { fitsInBytes } from "../../notification/cut.ts";
import { formatTitle } from "../../notification/title.ts";
import { findSecrets } from "../fields/concealed.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { MAX_BATCH_BYTES, type RenderedMessage, renderMessage } from "../message.ts";
import type { ExecSettings } from "./settings.ts";

/** The failure classes of exit codes (`sysexits.h`). Other exit codes are temporary failures. */
const FAILURE_CLASSES: Readonly<Record<number, ResponseClass>> = {
  64: "credentials", // EX_USAGE: the arguments in the configuration are wrong
  65: "rejected", // EX_DATAERR
  67: "destination", // EX_NOUSER
  68: "destination", // EX_NOHOST
  77: "credentials", // EX_NOPERM
  78: "credentials", // EX_CONFIG
};

/** A channel that runs one program. */
export class ExecChannel implements Channel {
  readonly kind = "exec";
  readonly isIdempotent = false;
  readonly runsSubprocesses = true;
  readonly attachmentMode = "inline";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #settings: ExecSettings;
  readonly #context: ChannelContext;

  constructor({ name, settings }: ChannelSetup<ExecSettings>, context: ChannelContext) {
    this.name = name;
    this.destinations = [settings.command[0]];
    this.#settings = settings;
    this.#context = context;
    findSecrets(settings.command).forEach(rememberSecret);
  }

  /**
   * Runs the program. Exit code 0 proves the delivery. A program that was killed may have delivered
   * the notification. Every attempt passes the same id to the program, so that the program can
   * recognize a repeated notification.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, inDoubt } = options;
    const end = await this.#run(envelope, options);
    if (end.code !== 0) throw refusal(this.#settings.command[0], end);
    const [line = ""] = hideSecrets(end.stdout).split("\n");
    return { id: line.trim().slice(0, MAX_RECEIPT_CHARS) || txnId, possibleDuplicate: inDoubt !== undefined };
  }

  async #run(envelope: Envelope, options: SendOptions): Promise<SubprocessEnd> {
    const { runtime } = this.#context;
    const { command: [path, ...args], timeout: timeoutMs } = this.#settings;
    const stdin = await this.#document(envelope, options), distrust = findKnownDistrust(path);
    if (distrust !== undefined) throw new ConfigError(`Cannot run ${path}: ${distrust.state}`, { hint: distrust.hint });
    const { severity, subject, origin, key, time } = envelope.notification;
    const limit = runtime.timeout(timeoutMs);
    try {
      return await runtime.run({
        path,
        args,
        env: {
          MATRIX_NOTIFY_ID: options.txnId,
          MATRIX_NOTIFY_CHANNEL: this.name,
          MATRIX_NOTIFY_IDENTITY: this.#context.identity,
          MATRIX_NOTIFY_SEVERITY: severity,
          MATRIX_NOTIFY_SUBJECT: subject,
          MATRIX_NOTIFY_TITLE: formatTitle(envelope.notification, this.#context),
          MATRIX_NOTIFY_TIME: formatIsoTime(time),
          ...(origin === undefined ? {} : { MATRIX_NOTIFY_ORIGIN: origin }),
          ...(key === undefined ? {} : { MATRIX_NOTIFY_KEY: key }),
        },
        stdin,
        signal: eitherSignal(options.signal, limit),
      });
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (limit.aborted) {
        const hint = "set timeout in the channel if the program needs more time";
        throw new TransportError("timeout", `${path} did not end within ${timeoutMs / 1000} s and was killed`, {
          hint,
        });
      }
      const { state, hint } = startProblem(error);
      throw new ConfigError(`Cannot run ${path}: ${state}`, { hint, cause: error });
    }
  }

  hasRoomFor(notification: Notification, { text }: RenderedMessage): boolean {
    return !isBatch(notification) || fitsInBytes(text, MAX_BATCH_BYTES);
  }

  /** Returns the JSON text for the standard input of the program. */
  async #document({ notification }: Envelope, { txnId, late, replaced, inDoubt }: SendOptions): Promise<string> {
    const { identity, runtime, files, warn } = this.#context;
    const attachments = await Promise.all((notification.attachments ?? []).map(async ({ content, ...file }) => {
      return { ...file, path: await files.pathOf({ content, ...file }) };
    }));
    const notes = formatNotes(notification, { lateAt: late ? runtime.now() : undefined, replaced });
    const { text } = await renderMessage(notification, warn);
    return JSON.stringify({
      id: txnId,
      channel: this.name,
      identity,
      title: formatTitle(notification, this.#context),
      ...toNotificationJson(notification),
      ...(isBatch(notification) ? { message: text } : {}),
      ...(attachments.length === 0 ? {} : { attachments }),
      text,
      ...(notes.length === 0 ? {} : { note: notes.join("\n") }),
      possibleDuplicate: inDoubt !== undefined,
    }) + "\n";
  }
}

const MAX_RECEIPT_CHARS = 255;

/**
 * An error message shows at most this number of characters from the end of the program's error
 * output.
 */
const MAX_TAIL_CHARS = 300;

function refusal(path: string, { code, stderr }: SubprocessEnd): ResponseError | TransportError {
  const said = hideSecrets(stderr).trim().replace(/\s*\n\s*/g, "; ").slice(-MAX_TAIL_CHARS);
  const message = `${path} ended with exit code ${code}${said === "" ? "" : `: ${said}`}`;
  // A code above 128 means that a signal ended the program, possibly after the program had
  // delivered the notification. Any other code means that the notification was not delivered.
  if (code > 128) return new TransportError("exchange", message);
  return new ResponseError(message, { status: code, failureClass: FAILURE_CLASSES[code] ?? "not-sent" });
}

function startProblem(error: unknown): { readonly state: string; readonly hint?: string } {
  if (error instanceof Deno.errors.NotFound) {
    return {
      state: "it does not exist",
      hint: "check the path and the #! line of the program",
    };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return { state: "it is not executable", hint: "check that it is a program, and that this user may run it" };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return {
      state: "matrix-notify does not have the permission to run programs",
      hint: "give Deno the permission --allow-run",
    };
  }
  return { state: hideSecrets(error instanceof Error ? error.message : String(error)) };
}
