/** How the users of a loopback homeserver log in, and how their sessions go on. */

import type { Accounts } from "./accounts.ts";
import type { HomeserverOptions } from "./homeserver_types.ts";

/** Synapse takes so many logins from one address at once, and one more every so often. */
const LOGIN_BURST = 5;
const LOGIN_EVERY_MS = 300_000;

/** A token of single sign-on is good for so long, and once. */
const LOGIN_TOKEN_MS = 120_000;

/** Whose session a refresh token continues, and how. */
interface RefreshToken {
  readonly userId: string;
  readonly deviceId: string;
  /** The pair that was given for it last. */
  next?: Pair;
}

/** Tokens as the server gives them out. */
export interface Pair {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What became of a refresh token: a new pair, or why not. */
export type Refreshed = Pair | "unknown" | "over";

/** Logins, and the refresh tokens that come of them. */
export class Logins {
  /** Whether a password is a way to log in. */
  readonly passwords: boolean;
  readonly lifetimeMs: number;
  /** Whom the browser of a single sign-on is signed in as; nobody where there is no single sign-on. */
  ssoUser: string | undefined;
  readonly #now: () => number;
  readonly #refreshTokens = new Map<string, RefreshToken>();
  readonly #loginTokens = new Map<string, { readonly userId: string; readonly until: number }>();
  /** How many tries count still, a bucket that leaks. */
  #tries = 0;
  #triedAt = 0;

  constructor(now: () => number, { passwords = true, tokenLifetimeMs = 300_000 }: HomeserverOptions) {
    this.passwords = passwords;
    this.lifetimeMs = tokenLifetimeMs;
    this.#now = now;
  }

  /** Counts a try to log in, right or wrong. Returns how long to wait instead; 0 when it may be made. */
  limit(): number {
    const now = this.#now();
    this.#tries = Math.max(0, this.#tries - (now - this.#triedAt) / LOGIN_EVERY_MS);
    this.#triedAt = now;
    if (this.#tries + 1 > LOGIN_BURST) return Math.ceil((this.#tries + 1 - LOGIN_BURST) * LOGIN_EVERY_MS);
    this.#tries += 1;
    return 0;
  }

  /** A token with which a browser comes back from a single sign-on. */
  addLoginToken(userId: string): string {
    const token = `syl_${crypto.randomUUID().replaceAll("-", "")}`;
    this.#loginTokens.set(token, { userId, until: this.#now() + LOGIN_TOKEN_MS });
    return token;
  }

  /** Whom a login token speaks for, the one time that it does. */
  takeLoginToken(token: string): string | undefined {
    const found = this.#loginTokens.get(token);
    this.#loginTokens.delete(token);
    return found !== undefined && found.until > this.#now() ? found.userId : undefined;
  }

  /** Begins a session that can be refreshed. */
  begin(accounts: Accounts, userId: string, device: { readonly deviceId: string; readonly deviceName?: string }): Pair {
    const accessToken = accounts.addToken(userId, { ...device, lifetimeMs: this.lifetimeMs });
    const refreshToken = `syr_${crypto.randomUUID().replaceAll("-", "")}`;
    this.#refreshTokens.set(refreshToken, { userId, deviceId: device.deviceId });
    return { accessToken, refreshToken };
  }

  /**
   * Goes on with a session. An answer may have been lost: as long as the pair that it held was not used, the old refresh token gives another one, and the lost
   * pair ends.
   */
  refresh(accounts: Accounts, refreshToken: string): Refreshed {
    const token = this.#refreshTokens.get(refreshToken);
    if (token === undefined) return "unknown";
    const { next, userId, deviceId } = token;
    if (next !== undefined) {
      const wasUsed = accounts.wasUsed(next.accessToken) ||
        this.#refreshTokens.get(next.refreshToken)?.next !== undefined;
      if (wasUsed) return "over";
      accounts.revoke(next.accessToken, false);
      this.#refreshTokens.delete(next.refreshToken);
    }
    token.next = this.begin(accounts, userId, { deviceId });
    return token.next;
  }

  /** Forgets the refresh tokens of a device. */
  end(userId: string, deviceId: string | undefined): void {
    for (const [refreshToken, token] of this.#refreshTokens) {
      if (token.userId === userId && token.deviceId === deviceId) this.#refreshTokens.delete(refreshToken);
    }
  }
}
