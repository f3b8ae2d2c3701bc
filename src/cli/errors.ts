/** The errors of the command line itself. Every other error comes from `base/errors.ts`. */

import { HintedError, type HintOptions } from "../base/errors.ts";

/** The command line is wrong: exit 64. */
export class UsageError extends HintedError {
  override name = "UsageError" as const;

  constructor(message: string, hint?: string) {
    super(message, { hint });
  }
}

/** A command failed and sets its own exit code. */
export class CommandError extends HintedError {
  override name = "CommandError" as const;
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: HintOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
