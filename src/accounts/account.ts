/**
 * The file of an account that is logged in on this host. The file is in the folder `accounts/` of
 * the state directory. Only the owner of the file can read it.
 *
 * @module
 */

import type { Runtime } from "../runtime/runtime.ts";
import { ConfigError } from "../base/errors.ts";
import { isObject, parseJsonObject } from "../base/fields.ts";
import { rememberSecret } from "../base/secret.ts";
import { readSecretFile } from "../runtime/secret_file.ts";
import { findDirectoryDistrust, requireTrustedOwnFile, UntrustedError } from "../runtime/trust.ts";

/** The parts of the runtime that are needed to renew tokens. */
export type SessionRuntime = Pick<Runtime, "fetch" | "timeout" | "now" | "sleep" | "random">;

/** A login on a homeserver. */
export interface Account {
  readonly userId: string;
  /** The address of the homeserver, without a trailing slash. */
  readonly homeserver: string;
  /** The id of the device. Absent if the token does not belong to a device. */
  readonly deviceId?: string;
  readonly accessToken: string;
  /**
   * The token with which a new access token is requested. Absent if the access token does not
   * expire.
   */
  readonly refreshToken?: string;
  /**
   * The time at which the access token expires, in milliseconds since 1970, by the clock of this
   * host.
   */
  readonly expiresAt?: number;
  /**
   * The refresh token that was used before `refreshToken`. This older token is tried if the server
   * refuses `refreshToken`.
   */
  readonly previousRefreshToken?: string;
  /**
   * The OAuth 2.0 server that issued the tokens. Absent if the homeserver uses the legacy login API
   * instead of OAuth 2.0.
   */
  readonly oauth?: OAuthSession;
  /**
   * The path of a file with the password. The password is used for a new login if the server has
   * ended the session but kept the device (soft logout).
   */
  readonly passwordFile?: string;
  /**
   * The modification time that `passwordFile` had when the server refused the password, in
   * milliseconds since 1970. The password is tried again only after the file has changed.
   */
  readonly refusedPassword?: number;
}

/** The OAuth 2.0 server that refreshes and revokes the tokens. */
export interface OAuthSession {
  readonly issuer: string;
  readonly clientId: string;
  readonly tokenEndpoint: string;
  readonly revocationEndpoint: string;
}

/**
 * Returns the path of an account's file. Characters such as `/` in the user id are encoded. Without
 * the encoding, the path could leave the folder `accounts/`.
 */
export function accountPath(stateDir: string, userId: string): string {
  return `${stateDir}/accounts/${encodeURIComponent(userId)}.json`;
}

/** Formats an account as the text of its file. */
export function serializeAccount(account: Account): string {
  return `${JSON.stringify({ version: 1, ...account }, undefined, 2)}\n`;
}

/**
 * Reads an account from its file.
 *
 * @returns undefined if the account is not logged in
 * @throws {ConfigError} if another user can change or read the file, or if the content of the file
 *   is not valid
 */
export function readAccount(stateDir: string, userId: string): Account | undefined {
  const path = accountPath(stateDir, userId);
  const text = readSecretFile(path, "account file", () => requireTrustedAccount(stateDir, path));
  if (text === undefined) return undefined;
  const json = parseJsonObject(text);
  const createError = (state: string) =>
    new ConfigError(`Cannot use account file ${path}: ${state}`, {
      hint: `log in again: matrix-notify login ${userId}`,
    });
  if (json === undefined) throw createError("it is damaged");
  const { version, ...account } = json;
  if (version !== 1) throw createError("it was written by a newer version of matrix-notify");
  if (!isAccount(account) || account.userId !== userId) throw createError("it is damaged");
  const { accessToken, refreshToken, previousRefreshToken } = account;
  for (const token of [accessToken, refreshToken, previousRefreshToken]) rememberSecret(token ?? "");
  return account;
}

/**
 * @throws {UntrustedError} if another user of this host can change the account file
 */
function requireTrustedAccount(stateDir: string, path: string): void {
  const distrust = findDirectoryDistrust(stateDir, { asked: path });
  if (distrust !== undefined) throw new UntrustedError(distrust);
  requireTrustedOwnFile(`${stateDir}/accounts`, path);
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
  if (!isObject(value)) return false;
  const { issuer, clientId, tokenEndpoint, revocationEndpoint } = value;
  return [issuer, clientId, tokenEndpoint, revocationEndpoint].every(isText);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

/**
 * Returns true if there is a refresh token, and the access token has expired by the clock of this
 * host.
 */
export function isTokenExpired({ expiresAt, refreshToken }: Account, now: number): boolean {
  return refreshToken !== undefined && expiresAt !== undefined && expiresAt <= now;
}
