/** The error classes of the command line. All other error classes are in `base/errors.ts`. */

import { HintedError, type HintOptions } from "../base/errors.ts";

/** A mistake in the command line. The exit code is 64. */
export class UsageError extends HintedError {
  override name = "UsageError" as const;

  constructor(message: string, hint?: string) {
    super(message, { hint });
  }
}

/** A failure of a command, with the exit code to use. */
export class CommandError extends HintedError {
  override name = "CommandError" as const;
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: HintOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
