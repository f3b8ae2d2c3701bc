/** Who we are to an ntfy server (its documentation, "Authentication"). */

import type { Fields } from "../../base/fields.ts";
import type { ParseContext } from "../kind.ts";

/** The headers that say who we are. They are made at the moment of use, from secrets as they are then. */
export type NtfyAuth = () => Readonly<Record<string, string>>;

/**
 * Reads `token` or `tokenFile`, or else `user` with `password` or `passwordFile`.
 *
 * @returns undefined for an open topic
 * @throws {ConfigError} when there are both, or a user without a password
 */
export function authField(fields: Fields, context: ParseContext): NtfyAuth | undefined {
  const token = context.secret(fields, "token");
  const user = fields.text("user");
  const password = context.secret(fields, "password", "line");
  if (token !== undefined && (user ?? password) !== undefined) {
    throw fields.error(
      user === undefined ? "password" : "user",
      `${fields.nameOf("token")} is set too`,
      "keep one of them",
    );
  }
  if ((user === undefined) !== (password === undefined)) {
    const [there, missing] = user === undefined ? ["password", "user"] : ["user", "password"];
    throw fields.error(there, `${fields.nameOf(missing)} is missing`, "both are needed to log in");
  }
  if (token !== undefined) return () => ({ Authorization: `Bearer ${token.reveal()}` });
  if (password === undefined) return undefined;
  return () => ({ Authorization: `Basic ${new TextEncoder().encode(`${user}:${password.reveal()}`).toBase64()}` });
}
