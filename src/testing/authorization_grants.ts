/** Logins that wait for a person, at a loopback authorization server (RFC 8628). */

import { type Answer, jsonAnswer } from "./answer.ts";
import { NO_STORE, oauthError } from "./authorization_answers.ts";
import type { Client } from "./authorization_clients.ts";
import type { AuthorizationServerOptions } from "./authorization_types.ts";

/** By so much a client must slow down that polls too fast, for good. */
const SLOW_DOWN_MS = 5_000;

interface Grant {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: string;
  readonly deviceId: string;
  expiresAt: number;
  intervalMs: number;
  polledAt: number;
  state: "pending" | "denied" | "used" | { readonly localpart: string };
}

/** A login that a person confirmed. */
export interface Granted {
  readonly localpart: string;
  readonly deviceId: string;
  readonly scope: string;
}

/** All device authorizations, by their codes. */
export class Grants {
  readonly #grants: Grant[] = [];
  readonly #options: AuthorizationServerOptions;
  readonly #now: () => number;

  constructor(options: AuthorizationServerOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /** Makes the codes (section 3.2). The interval counts from here. */
  begin(client: Client, asked: { readonly scope: string; readonly deviceId: string }, url: string): Answer {
    const { deviceCodeLifetimeMs = 20 * 60_000, intervalMs = 5_000, completeUri = true } = this.#options;
    const now = this.#now();
    const grant: Grant = {
      deviceCode: crypto.randomUUID(),
      userCode: userCode(),
      clientId: client.clientId,
      ...asked,
      expiresAt: now + deviceCodeLifetimeMs,
      intervalMs,
      polledAt: now,
      state: "pending",
    };
    this.#grants.push(grant);
    return jsonAnswer(200, {
      device_code: grant.deviceCode,
      user_code: grant.userCode,
      verification_uri: `${url}/link`,
      ...completeUri && { verification_uri_complete: `${url}/link?code=${grant.userCode}` },
      expires_in: Math.floor(deviceCodeLifetimeMs / 1000),
      interval: intervalMs / 1000,
    }, NO_STORE);
  }

  /** What a poll is answered (section 3.5). A code is good for one session of the client that asked for it. */
  redeem(client: Client, deviceCode: string): Granted | Answer {
    const grant = this.#grants.find((grant) => grant.deviceCode === deviceCode);
    if (grant === undefined || grant.clientId !== client.clientId || grant.state === "used") {
      return oauthError("invalid_grant", "There is no such device code");
    }
    const now = this.#now(), early = now < grant.polledAt + grant.intervalMs;
    grant.polledAt = now;
    if (now >= grant.expiresAt) return oauthError("expired_token", "The device code has expired");
    if (grant.state === "denied") return oauthError("access_denied", "The person refused");
    if (grant.state !== "pending") {
      const { localpart } = grant.state;
      grant.state = "used";
      return { localpart, deviceId: grant.deviceId, scope: grant.scope };
    }
    if (!early) return oauthError("authorization_pending", "The person has not confirmed yet");
    grant.intervalMs += SLOW_DOWN_MS;
    return oauthError("slow_down", "The client polls too fast");
  }

  approve(userCode: string, localpart: string): void {
    this.#waiting(userCode).state = { localpart };
  }

  deny(userCode: string): void {
    this.#waiting(userCode).state = "denied";
  }

  expire(userCode: string): void {
    this.#waiting(userCode).expiresAt = this.#now();
  }

  /** The codes that a person could still enter, oldest first. */
  get waiting(): readonly string[] {
    return this.#grants.filter((grant) => this.#waits(grant)).map(({ userCode }) => userCode);
  }

  #waits({ state, expiresAt }: Grant): boolean {
    return state === "pending" && this.#now() < expiresAt;
  }

  /** People may leave out the hyphen and the capitals (section 6.1). */
  #waiting(typed: string): Grant {
    const plain = (code: string) => code.replaceAll("-", "").toUpperCase();
    const grant = this.#grants.find((grant) => plain(grant.userCode) === plain(typed) && this.#waits(grant));
    if (grant === undefined) throw new Error(`Cannot find the code ${typed}: no login waits for it`);
    return grant;
  }
}

/** Eight consonants, none of which is taken for another (section 6.1). */
function userCode(): string {
  const letters = "BCDFGHJKLMNPQRSTVWXZ";
  const code = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => letters[byte % letters.length]).join("");
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}
