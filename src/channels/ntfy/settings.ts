/** The settings of an ntfy channel. */

import { insecureHttp, secret, SECRET_FORMS, server } from "../fields/server.ts";
import { integer, type SettingsOf, text } from "../fields/setting.ts";

/**
 * The longest message that ntfy accepts by default, in bytes. A text must be shorter than ntfy's
 * limit of 4096 bytes (ntfy, `server/config.go`, `DefaultMessageSizeLimit`, and `util/peek.go`).
 */
export const MAX_NTFY_BYTES = 4095;

/** The table of settings. */
export const NTFY_SETTINGS = {
  server: server({ help: "the address of the server, without a path", examples: ["https://ntfy.example.org"] }),
  insecureHttp: insecureHttp(),
  topic: text({
    help: "the topic",
    examples: ["alerts"],
    pattern: /^[-_A-Za-z0-9]{1,64}$/,
    problem: "it must be 1 to 64 letters, digits, hyphens or underscores",
  }),
  token: secret({
    help: "an access token; a public topic does not need one",
    examples: ["tk_token"],
    form: SECRET_FORMS.token,
    optional: true,
  }),
  user: text({
    help: "the user name for the login; use either a user name or a token",
    examples: ["jump"],
    optional: true,
    excludes: "token",
    needs: "password",
  }),
  password: secret({
    help: "the user's password",
    examples: ["correct horse"],
    form: SECRET_FORMS.line,
    optional: true,
    needs: "user",
  }),
  maxBytes: integer({
    help: "the longest message, in bytes; a longer message is cut, with a note; use one byte less than the setting " +
      "`message-size-limit` of the server",
    examples: [2047],
    default: MAX_NTFY_BYTES,
    min: 1000,
    max: 65_535,
  }),
};

/** The parsed settings. */
export type NtfySettings = SettingsOf<typeof NTFY_SETTINGS>;

/**
 * Returns the headers that authenticate a request. The secrets are read when this function is
 * called (ntfy documentation, "Authentication").
 */
export function authHeaders({ token, user, password }: NtfySettings): Readonly<Record<string, string>> {
  if (token !== undefined) return { Authorization: `Bearer ${token.reveal()}` };
  if (password === undefined) return {};
  return { Authorization: `Basic ${new TextEncoder().encode(`${user}:${password.reveal()}`).toBase64()}` };
}
