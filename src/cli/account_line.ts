/** Accounts, in a line or an object each; never their tokens. */

import type { Account } from "../accounts/account.ts";
import { formatDuration } from "../base/duration.ts";
import { printable } from "./ui.ts";

/** `@bot:example.org, device ABC, at https://matrix.example.org, token expires in 5 min and is renewed`. */
export function accountLine(account: Account, now: number): string {
  const { userId, deviceId, homeserver, expiresAt, refreshToken } = account;
  const left = expiresAt === undefined ? undefined : expiresAt - now;
  const expiry = left === undefined
    ? "token does not expire"
    : `token ${left > 0 ? `expires in ${formatDuration(left)}` : "has expired"}${
      refreshToken ? " and is renewed" : ""
    }`;
  return printable(`${whoText({ userId, deviceId, homeserver })}, ${expiry}`);
}

/** `@bot:example.org, device ABC, at https://matrix.example.org, by the token of channel matrix`. */
export function channelLine(who: Who, channel: string): string {
  return printable(`${whoText(who)}, by the token of channel ${channel}`);
}

/** Whom a token speaks for, and where. */
type Who = Pick<Account, "userId" | "deviceId" | "homeserver">;

function whoText({ userId, deviceId, homeserver }: Who): string {
  return `${userId}, ${deviceId === undefined ? "no device" : `device ${deviceId}`}, at ${homeserver}`;
}

/** The same for programs. */
export function accountJson(
  { userId, deviceId, homeserver, expiresAt, refreshToken }: Account,
): Record<string, unknown> {
  return { user: userId, device: deviceId, homeserver, expiresAt, renewable: refreshToken !== undefined };
}
