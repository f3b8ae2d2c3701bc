/** What a homeserver says when it refuses (Client-Server API, "Standard error response"). */

import { NotTheServiceError, type Refusal, ResponseError } from "../base/errors.ts";
import { failureClassFor } from "./errcodes.ts";

/** A refusal in Matrix's own words. */
export interface MatrixRefusal extends Refusal {
  readonly errcode: string;
  /** With M_UNKNOWN_TOKEN: whether the session lives on and only the token is over. Delegated servers do not tell. */
  readonly softLogout?: boolean;
}

/** The homeserver answered with a standard error response. */
export class MatrixError extends ResponseError {
  override name = "MatrixError" as const;
  override readonly errcode: string;
  readonly softLogout: boolean;

  constructor(message: string, refusal: MatrixRefusal, options?: ErrorOptions) {
    const { failureClass = failureClassFor(refusal.status, refusal.errcode) } = refusal;
    super(message, { ...refusal, failureClass }, options);
    this.errcode = refusal.errcode;
    this.softLogout = refusal.softLogout ?? false;
  }
}

/** The error for an answer that lacks what every homeserver's holds. */
export function missingField(key: string): NotTheServiceError {
  return new NotTheServiceError(`The answer holds no ${key}: it does not come from a homeserver`, { status: 200 });
}
