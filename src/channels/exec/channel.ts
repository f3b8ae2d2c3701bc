/** Runs a program, which reads the notification as JSON from standard input. */

import { withoutItems } from "../../notification/batch.ts";
import { ConfigError, type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";
import type { SubprocessEnd } from "../../runtime/subprocess.ts";
import { formatNotes } from "../../notification/render.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelSetup } from "../kind.ts";
import { renderMessage } from "../message.ts";
import type { ExecSettings } from "./settings.ts";

/** Exit codes of sysexits.h that mean more than "not now". */
const FAILURE_CLASSES: Readonly<Record<number, ResponseClass>> = {
  64: "credentials", // EX_USAGE: the arguments in the configuration are wrong
  65: "rejected", // EX_DATAERR
  67: "destination", // EX_NOUSER
  68: "destination", // EX_NOHOST
  77: "credentials", // EX_NOPERM
  78: "credentials", // EX_CONFIG
};

/** A channel to one program. */
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
  }

  /**
   * Exit code 0 is the proof. A killed program may have done its work, so it gets the same id on
   * every try.
   */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, inDoubt } = options;
    const end = await this.#run(envelope, options);
    if (end.code !== 0) throw refusal(this.#settings.command[0], end);
    const [line = ""] = end.stdout.split("\n");
    return { id: line.trim().slice(0, MAX_RECEIPT_CHARS) || txnId, possibleDuplicate: inDoubt !== undefined };
  }

  async #run(envelope: Envelope, options: SendOptions): Promise<SubprocessEnd> {
    const { runtime } = this.#context;
    const { command: [path, ...args], timeout: timeoutMs } = this.#settings;
    const stdin = await this.#document(envelope, options);
    const limit = runtime.timeout(timeoutMs);
    try {
      return await runtime.run({
        path,
        args,
        env: {
          MATRIX_NOTIFY_ID: options.txnId,
          MATRIX_NOTIFY_CHANNEL: this.name,
          MATRIX_NOTIFY_IDENTITY: this.#context.identity,
          MATRIX_NOTIFY_SEVERITY: envelope.notification.severity,
          MATRIX_NOTIFY_SUBJECT: envelope.notification.subject,
        },
        stdin,
        signal: options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]),
      });
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (limit.aborted) {
        throw new TransportError("timeout", `${path} did not end within ${timeoutMs / 1000} s: killed`);
      }
      const { state, hint } = startProblem(error);
      throw new ConfigError(`Cannot run ${path}: ${state}`, { hint, cause: error });
    }
  }

  /** The notification as the program reads it. */
  async #document({ notification }: Envelope, { txnId, late, replaced, inDoubt }: SendOptions): Promise<string> {
    const { identity, runtime, files, warn } = this.#context;
    const attachments = await Promise.all((notification.attachments ?? []).map(async ({ content, ...file }) => {
      return { ...file, path: await files.pathOf({ content, ...file }) };
    }));
    const notes = formatNotes(notification, { lateAt: late ? runtime.now() : undefined, replaced });
    return JSON.stringify({
      id: txnId,
      channel: this.name,
      identity,
      ...withoutItems(notification),
      ...(attachments.length === 0 ? {} : { attachments }),
      text: (await renderMessage(notification, warn)).text,
      ...(notes.length === 0 ? {} : { note: notes.join("\n") }),
      possibleDuplicate: inDoubt !== undefined,
    }) + "\n";
  }
}

const MAX_RECEIPT_CHARS = 255;

/** How much of the end of its error output an error shows. */
const MAX_TAIL_CHARS = 300;

function refusal(path: string, { code, stderr }: SubprocessEnd): ResponseError | TransportError {
  const said = stderr.trim().replace(/\s*\n\s*/g, "; ").slice(-MAX_TAIL_CHARS);
  const message = `${path} ended with exit code ${code}${said === "" ? "" : `: ${said}`}`;
  // An exit code says that the work is not done. A program that a signal ended may have done it.
  if (code > 128) return new TransportError("exchange", message);
  return new ResponseError(message, { status: code, failureClass: FAILURE_CLASSES[code] ?? "not-sent" });
}

function startProblem(error: unknown): { readonly state: string; readonly hint?: string } {
  if (error instanceof Deno.errors.NotFound) {
    return { state: "it does not exist", hint: "or the interpreter in its first line (#!) is missing" };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return { state: "it is not executable", hint: "is it a program, and executable by this user?" };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return {
      state: "matrix-notify may not run programs",
      hint: "give Deno the permission --allow-run",
    };
  }
  return { state: error instanceof Error ? error.message : String(error) };
}
