/** Errors of a homeserver (Client-Server API, "Standard error response"). */

import { NotTheServiceError, type Refusal, ResponseError } from "../base/errors.ts";
import { failureClassFor, findHint } from "./errcodes.ts";

/** The parts of a standard error response. */
export interface MatrixRefusal extends Refusal {
  readonly errcode: string;
  /**
   * True if the token has expired (M_UNKNOWN_TOKEN), but the device still exists. Servers that
   * delegate their logins to an OAuth 2.0 server omit this field. @default {false}
   */
  readonly softLogout?: boolean;
}

/** The error for a standard error response of a homeserver. */
export class MatrixError extends ResponseError {
  override name = "MatrixError" as const;
  override readonly errcode: string;
  readonly softLogout: boolean;

  constructor(message: string, refusal: MatrixRefusal, options?: ErrorOptions) {
    const { failureClass = failureClassFor(refusal.status, refusal.errcode) } = refusal;
    super(message, { hint: findHint(refusal.errcode), ...refusal, failureClass }, options);
    this.errcode = refusal.errcode;
    this.softLogout = refusal.softLogout ?? false;
  }
}

/**
 * Creates the error for an answer without a required field. matrix-notify assumes that such an
 * answer does not come from a homeserver.
 */
export function missingField(key: string): NotTheServiceError {
  return new NotTheServiceError(`The answer has no ${key}: it does not come from a homeserver`, { status: 200 });
}
