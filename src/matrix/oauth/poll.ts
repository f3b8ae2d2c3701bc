/**
 * The second half of device authorization: waiting for the person (RFC 8628, sections 3.4 and 3.5).
 *
 * @module
 */

import { NotTheServiceError, TransportError } from "../../base/errors.ts";
import type { Tokens } from "../session.ts";
import type { DeviceAuthorization } from "./device.ts";
import { OAuthError } from "./errors.ts";
import { DEVICE_CODE_GRANT } from "./metadata.ts";
import { ask, type OAuthClient, type OAuthOptions, unusable } from "./ask.ts";
import { parseTokens } from "./tokens.ts";

/** What to wait for. */
export interface PollOptions extends OAuthOptions {
  readonly tokenEndpoint: string;
  readonly clientId: string;
  readonly authorization: DeviceAuthorization;
}

/** The tokens of a new session. */
export type SessionTokens = Tokens & Required<Pick<Tokens, "refreshToken">>;

const TASK = "log in";

/** By so much every `slow_down` lengthens the interval, for good. */
const SLOW_DOWN_MS = 5_000;

/** What became of one poll that brought no tokens. */
type Verdict = "pending" | "slow down" | "away" | "over";

/**
 * Polls the token endpoint until the person has confirmed. It keeps to the server's interval, lengthens it when it is asked to, and doubles it for as long
 * as the server cannot be reached.
 *
 * @throws {OAuthError} when the person refused (`access_denied`), when the time is over (`expired_token`), when the server refuses for another reason
 * @throws whatever the signal aborts with
 */
export async function pollDeviceToken(client: OAuthClient, options: PollOptions): Promise<SessionTokens> {
  const { tokenEndpoint: url, clientId, authorization, timeoutMs, signal } = options;
  const { runtime } = client;
  const { deviceCode, scope, expiresAt } = authorization;
  const form = { grant_type: DEVICE_CODE_GRANT, device_code: deviceCode, client_id: clientId };
  let intervalMs = authorization.intervalMs, waitMs = intervalMs;
  for (;;) {
    if (runtime.now() + waitMs >= expiresAt) await sleep(expiresAt - runtime.now());
    else await sleep(waitMs);
    if (runtime.now() >= expiresAt) throw expired();
    let answer;
    try {
      answer = await ask(client, { task: TASK, url, form, timeoutMs, signal });
    } catch (error) {
      const verdict = judge(error);
      if (verdict === "over") throw inPlainWords(error);
      if (verdict === "slow down") intervalMs += SLOW_DOWN_MS;
      waitMs = verdict === "away" ? Math.max(waitMs * 2, retryAfterMs(error)) : intervalMs;
      continue;
    }
    const tokens = parseTokens(answer, { task: TASK, url, scope });
    const { refreshToken } = tokens;
    if (refreshToken === undefined) throw unusable(TASK, url, "holds no refresh_token");
    return { ...tokens, refreshToken };
  }

  async function sleep(ms: number): Promise<void> {
    await runtime.sleep(Math.max(0, ms), signal);
    signal?.throwIfAborted();
  }
}

function judge(error: unknown): Verdict {
  if (error instanceof TransportError) return "away";
  // A captive portal or a proxy's own page passes; a page that says "not found" does not.
  if (error instanceof NotTheServiceError) return error.status < 400 || isPassing(error.status) ? "away" : "over";
  if (!(error instanceof OAuthError)) return "over";
  if (error.errcode === "authorization_pending") return "pending";
  if (error.errcode === "slow_down") return "slow down";
  return isPassing(error.status) ? "away" : "over";
}

function isPassing(status: number): boolean {
  return status === 429 || status === 408 || status >= 500;
}

function retryAfterMs(error: unknown): number {
  const known = error instanceof OAuthError || error instanceof NotTheServiceError;
  return known ? error.retryAfterMs ?? 0 : 0;
}

function inPlainWords(error: unknown): unknown {
  if (!(error instanceof OAuthError)) return error;
  if (error.errcode === "expired_token") return expired(error);
  if (error.errcode !== "access_denied") return error;
  return new OAuthError(`Cannot ${TASK}: it was refused in the browser`, error, { cause: error });
}

function expired(cause?: OAuthError): OAuthError {
  const refusal = cause ?? { errcode: "expired_token", status: 400 };
  return new OAuthError(`Cannot ${TASK}: nobody confirmed it in time`, refusal, { cause });
}
