/**
 * The access tokens of Matrix logins. A sender logs in with its token as the password. Each login
 * gets a new access token, because a client may count its transaction ids from 0 after each login:
 *
 * ```text
 * mn.<device id, base64url>.<HMAC-SHA256 of the device id, with the token of the sender as key>
 * ```
 *
 * The server checks an access token by its HMAC. Therefore logins are not stored, and stay valid
 * after a restart. If the token of a sender changes, all logins of this sender end.
 *
 * @module
 */

const TOKEN_REGEXP = /^mn\.([\w-]+)\.([\w-]{43})$/;

/**
 * Creates the access token of a login.
 *
 * @param secret the token of the sender; empty if the sender has no token
 */
export async function createLogin(deviceId: string, secret: string): Promise<string> {
  const device = toBase64Url(new TextEncoder().encode(deviceId));
  return `mn.${device}.${await sign(device, secret)}`;
}

/**
 * Returns the device id in the access token of a login, without a check of the signature. Returns
 * undefined for any other token.
 */
export function deviceOf(token: string): string | undefined {
  const device = TOKEN_REGEXP.exec(token)?.[1];
  try {
    return device && new TextDecoder().decode(Uint8Array.fromBase64(device, { alphabet: "base64url" }));
  } catch {
    return undefined;
  }
}

async function sign(device: string, secret: string): Promise<string> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  // A key must not be empty.
  const bytes = new TextEncoder().encode(`matrix-notify login ${secret}`);
  const key = await crypto.subtle.importKey("raw", bytes, algorithm, false, ["sign"]);
  return toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(device))));
}

function toBase64Url(bytes: Uint8Array<ArrayBuffer>): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
