/** The settings of a Gotify channel. */

import { insecureHttp, secret, SECRET_FORMS, server } from "../fields/server.ts";
import type { SettingsOf } from "../fields/setting.ts";

/**
 * Its settings. Behind a reverse proxy, Gotify may be under a path (its documentation, "Reverse
 * Proxy").
 */
export const GOTIFY_SETTINGS = {
  server: server({
    help: "the address of the server, with its path if it has one",
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
