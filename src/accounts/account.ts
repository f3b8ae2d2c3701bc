/**
 * An account that somebody logged in with, as it is kept in `accounts/` of the state directory: one file each, which its owner alone can read.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";
import { ConfigError } from "../base/errors.ts";
import { parseJsonObject } from "../base/fields.ts";
import { readSecretFile } from "../base/secret.ts";

/** What renewing a session takes. */
export type SessionRuntime = Pick<Runtime, "fetch" | "timeout" | "now" | "sleep" | "random">;

/** A session on a homeserver. */
export interface Account {
  readonly userId: string;
  /** The homeserver's address, without a trailing slash. */
  readonly homeserver: string;
  /** Absent for a token that belongs to no device. */
  readonly deviceId?: string;
  readonly accessToken: string;
  /** Absent where the access token does not expire. */
  readonly refreshToken?: string;
  /** When the access token expires by our own clock, milliseconds since 1970. */
  readonly expiresAt?: number;
  /** The refresh token before this one: it works again when a late answer ended the pair that is kept here before it was used. */
  readonly previousRefreshToken?: string;
  /** Set where an OAuth 2.0 server gave the tokens. */
  readonly oauth?: OAuthSession;
  /** A file with the password, for logging in again where the server ends a session only softly. */
  readonly passwordFile?: string;
  /** When a refused password's file was changed last, milliseconds since 1970: the same password is not tried again. */
  readonly refusedPassword?: number;
}

/** Where tokens of OAuth 2.0 are renewed and revoked. */
export interface OAuthSession {
  readonly issuer: string;
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string;
}

/** The file of an account. Whatever a user id holds, its name stays within the folder. */
export function accountPath(stateDir: string, userId: string): string {
  return `${stateDir}/accounts/${encodeURIComponent(userId)}.json`;
}

/** How an account is written. */
export function serializeAccount(account: Account): string {
  return `${JSON.stringify({ version: 1, ...account }, undefined, 2)}\n`;
}

/**
 * Reads an account from its file.
 *
 * @returns undefined when nobody is logged in
 * @throws {ConfigError} when the world can read the file, or it is no account's
 */
export function readAccount(stateDir: string, userId: string): Account | undefined {
  const path = accountPath(stateDir, userId);
  const text = readSecretFile(path, "account file");
  if (text === undefined) return undefined;
  const json = parseJsonObject(text);
  const refuse = (state: string) =>
    new ConfigError(`Cannot use account file ${path}: ${state}`, {
      hint: `log in again: matrix-notify login ${userId}`,
    });
  if (json === undefined) throw refuse("it is damaged");
  const { version, ...account } = json;
  if (version !== 1) throw refuse("a newer matrix-notify wrote it");
  if (!isAccount(account) || account.userId !== userId) throw refuse("it is damaged");
  return account;
}

const TEXTS = ["userId", "homeserver", "accessToken"] as const;
const OPTIONAL_TEXTS = ["deviceId", "refreshToken", "previousRefreshToken", "passwordFile"] as const;
const OPTIONAL_NUMBERS = ["expiresAt", "refusedPassword"] as const;

function isAccount(value: Readonly<Record<string, unknown>>): value is Record<string, unknown> & Account {
  return TEXTS.every((key) => isText(value[key]) && value[key] !== "") &&
    OPTIONAL_TEXTS.every((key) => value[key] === undefined || isText(value[key])) &&
    OPTIONAL_NUMBERS.every((key) => value[key] === undefined || typeof value[key] === "number") &&
    (value.oauth === undefined || isOAuthSession(value.oauth));
}

function isOAuthSession(value: unknown): value is OAuthSession {
  if (typeof value !== "object" || value === null) return false;
  const { issuer, clientId, tokenEndpoint, revocationEndpoint }: Readonly<Record<string, unknown>> = { ...value };
  return [issuer, clientId, tokenEndpoint, revocationEndpoint].every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/** Whether the access token is over by our own clock, and something can be done about it. */
export function isExpired({ expiresAt, refreshToken }: Account, now: number): boolean {
  return refreshToken !== undefined && expiresAt !== undefined && expiresAt <= now;
}
