/** The settings of a Gotify channel. */

import { insecureHttp, secret, SECRET_FORMS, server } from "../fields/server.ts";
import type { SettingsOf } from "../fields/setting.ts";

/**
 * The table of settings. The address can have a path, because Gotify may be behind a reverse proxy
 * (Gotify documentation, "Reverse Proxy").
 */
export const GOTIFY_SETTINGS = {
  server: server({
    help: "the address of the server, including a path if needed",
    examples: ["https://gotify.example.org"],
    mayHavePath: true,
  }),
  insecureHttp: insecureHttp(),
  token: secret({
    help: "the token of an application, not of a client",
    examples: ["A-token"],
    form: SECRET_FORMS.token,
  }),
};

/** The parsed settings. */
export type GotifySettings = SettingsOf<typeof GOTIFY_SETTINGS>;
