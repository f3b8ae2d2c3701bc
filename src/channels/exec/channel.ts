/** Programs of one's own: each gets the notification as JSON on its standard input. */

import { withoutItems } from "../../notification/batch.ts";
import { ConfigError, type ResponseClass, ResponseError, TransportError } from "../../base/errors.ts";
import { parseDuration } from "../../base/duration.ts";
import type { Fields } from "../../base/fields.ts";
import type { SubprocessEnd } from "../../runtime/subprocess.ts";
import { formatNotes } from "../../notification/render.ts";
import type { Channel, Envelope, Receipt, SendOptions } from "../channel.ts";
import type { ChannelContext, ChannelKind, OpenChannel } from "../kind.ts";
import { renderMessage } from "../message.ts";

/** How an exec channel is configured. */
export interface ExecConfig {
  /** May be left out where the channel is called `exec`. */
  readonly kind?: "exec";
  /** The program by its absolute path, and its arguments. No shell looks at them. */
  readonly command: readonly string[];
  /** How long it may take before it is killed: `30s`. It counts also where `--wait` is shorter, for a program should not be killed halfway. @default {"30s"} */
  readonly timeout?: string;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Longer ones would hold up the queue behind them. */
const MAX_TIMEOUT_MS = 600_000;

/** An absolute path, on Windows too. */
const PATH_REGEXP = /^(\/|[A-Za-z]:[\\/])[^\0]*$/;

/** The kind `exec`: `command`, `timeout`. */
export const execKind: ChannelKind = {
  kind: "exec",
  speaksHttp: false,
  fields: {
    command: {
      isRequired: true,
      schema: {
        type: "array",
        description: "the program's absolute path, then its arguments",
        examples: [["/usr/local/bin/tell", "--loud"]],
        minItems: 1,
        prefixItems: [{ type: "string", pattern: PATH_REGEXP.source }],
        items: { type: "string", pattern: "^[^\\u0000]*$" },
      },
    },
    timeout: {
      schema: {
        type: "string",
        description: "how long it may take before it is killed, at most 10 minutes",
        examples: ["5s"],
        default: "30s",
        pattern: "^\\s*(\\d+(\\.\\d+)?\\s*(ms|s|m|min|h|d|w)\\s*)+$",
      },
    },
  },
  configure(name: string, fields: Fields): OpenChannel {
    const command = commandField(fields);
    const text = fields.text("timeout");
    const timeoutMs = text === undefined ? DEFAULT_TIMEOUT_MS : parseDuration(text);
    if (timeoutMs === undefined || timeoutMs === 0 || timeoutMs > MAX_TIMEOUT_MS) {
      throw fields.error("timeout", "it must be a duration of at most 10 minutes, such as 30s");
    }
    fields.end();
    return (context) => new ExecChannel(name, { command, timeoutMs }, context);
  },
};

/**
 * Reads `command`: a program's absolute path, then its arguments.
 *
 * @throws {ConfigError} when it is missing, or anything else
 */
export function commandField(fields: Fields): readonly [string, ...string[]] {
  const command = fields.value("command");
  if (isCommand(command)) return command;
  throw fields.error(
    "command",
    "it must be a list of texts: the program's absolute path, then its arguments",
    'for example ["/usr/local/bin/tell", "--loud"]',
  );
}

function isCommand(value: unknown): value is readonly [string, ...string[]] {
  return Array.isArray(value) && value.every((word) => typeof word === "string" && !word.includes("\0")) &&
    PATH_REGEXP.test(value[0] ?? "");
}

/** Exit codes of sysexits.h that say more than "not now". */
const VERDICTS: Readonly<Record<number, ResponseClass>> = {
  64: "credentials", // EX_USAGE: the arguments in the configuration are wrong
  65: "rejected", // EX_DATAERR
  67: "destination", // EX_NOUSER
  68: "destination", // EX_NOHOST
  77: "credentials", // EX_NOPERM
  78: "credentials", // EX_CONFIG
};

interface Program {
  readonly command: readonly [string, ...string[]];
  readonly timeoutMs: number;
}

class ExecChannel implements Channel {
  readonly kind = "exec";
  readonly isIdempotent = false;
  readonly runsSubprocesses = true;
  readonly attachmentMode = "inline";
  readonly name: string;
  readonly destinations: readonly string[];
  readonly #program: Program;
  readonly #context: ChannelContext;

  constructor(name: string, program: Program, context: ChannelContext) {
    this.name = name;
    this.destinations = [program.command[0]];
    this.#program = program;
    this.#context = context;
  }

  /** Exit code 0 is the proof. A program that was killed may have done its work all the same; the id that it gets tells it so. */
  async send(envelope: Envelope, options: SendOptions): Promise<Receipt> {
    const { txnId, inDoubt } = options;
    const end = await this.#run(envelope, options);
    if (end.code !== 0) throw refusal(this.#program.command[0], end);
    const [line = ""] = end.stdout.split("\n");
    return { id: line.trim().slice(0, MAX_RECEIPT_CHARS) || txnId, possibleDuplicate: inDoubt !== undefined };
  }

  async #run(envelope: Envelope, options: SendOptions): Promise<SubprocessEnd> {
    const { runtime } = this.#context;
    const { command: [path, ...args], timeoutMs } = this.#program;
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

  /** The notification, and what else a program may want to say. */
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

/** How much of what it said last is shown. */
const MAX_TAIL_CHARS = 300;

function refusal(path: string, { code, stderr }: SubprocessEnd): ResponseError | TransportError {
  const said = stderr.trim().replace(/\s*\n\s*/g, "; ").slice(-MAX_TAIL_CHARS);
  const message = `${path} ended with exit code ${code}${said === "" ? "" : `: ${said}`}`;
  // Whoever ends with a code says that it is not done; whoever was ended by a signal says nothing.
  if (code > 128) return new TransportError("exchange", message);
  return new ResponseError(message, { status: code, failureClass: VERDICTS[code] ?? "not-sent" });
}

function startProblem(error: unknown): { readonly state: string; readonly hint?: string } {
  if (error instanceof Deno.errors.NotFound) {
    return { state: "it is not there", hint: "or the interpreter is not that its first line names" };
  }
  if (error instanceof Deno.errors.PermissionDenied) {
    return { state: "it may not be executed", hint: "is it a program, and executable for this user?" };
  }
  if (error instanceof Deno.errors.NotCapable) {
    return {
      state: "matrix-notify itself may run no programs",
      hint: "Deno gives it that permission with --allow-run",
    };
  }
  return { state: error instanceof Error ? error.message : String(error) };
}
