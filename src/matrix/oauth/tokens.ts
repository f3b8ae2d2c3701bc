/** What a token endpoint gives (RFC 6749, section 5.1). */

import { isToken } from "../../runtime/http.ts";
import type { Tokens } from "../session.ts";
import { unusable } from "./ask.ts";
import { missingScope } from "./scope.ts";

/** Where an answer came from, and what was asked for. */
export interface TokenContext {
  readonly task: string;
  readonly url: string;
  /** The scope of the session; absent where it was settled before. */
  readonly scope?: string;
}

/**
 * Reads the answer of a token endpoint.
 *
 * @throws {NotTheServiceError} when it holds no bearer token, or one for less than was asked for
 */
export function parseTokens(answer: Readonly<Record<string, unknown>>, { task, url, scope }: TokenContext): Tokens {
  const { access_token: accessToken, token_type: type, refresh_token: refreshToken, expires_in: seconds } = answer;
  if (!isToken(accessToken)) throw unusable(task, url, "holds no access_token");
  if (typeof type !== "string" || type.toLowerCase() !== "bearer") throw unusable(task, url, "gives no bearer token");
  const missing = scope === undefined ? undefined : missingScope(answer.scope, scope);
  if (missing !== undefined) throw unusable(task, url, `leaves out the scope ${missing}`);
  return {
    accessToken,
    ...(isToken(refreshToken) ? { refreshToken } : {}),
    ...(typeof seconds === "number" && seconds >= 0 ? { expiresInMs: seconds * 1000 } : {}),
  };
}
