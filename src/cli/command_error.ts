/** What a command throws when it knows its exit code. */

import { HintedError, type HintOptions } from "../base/errors.ts";

/** A command could not do what it was asked for. */
export class CommandError extends HintedError {
  override name = "CommandError" as const;
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: HintOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}
