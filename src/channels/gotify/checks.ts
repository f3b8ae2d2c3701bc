/**
 * The checks of a Gotify channel (Gotify API documentation, "version", "message" and
 * "current/user").
 */

import { NotTheServiceError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { firstChars } from "../../base/printable.ts";
import { isWord, MAX_SAID_CHARS } from "../../runtime/http.ts";
import { type Check, type CheckContext, failure, ok } from "../check.ts";
import { probeServer } from "../http_checks.ts";
import { APPLICATION_TOKEN_HINT, authHeaders } from "./channel.ts";
import type { GotifySettings } from "./settings.ts";

/** Creates the checks. */
export function createChecks(context: CheckContext, settings: GotifySettings): readonly Check[] {
  const { server } = settings;
  const { host } = new URL(server);
  const probe = probeServer(context, server, { path: "/version" });
  const otherService = (status: number) =>
    new NotTheServiceError(`${host} does not answer like Gotify: ${status}`, { status });
  return [
    ...probe.checks,
    {
      name: "server",
      needs: ["connection"],
      async *look() {
        const { status, text } = await probe.firstAnswer();
        const version = parseJsonObject(text)?.version;
        if (status !== 200 || !isWord(version)) throw otherService(status);
        yield ok(`it is Gotify ${version}`);
      },
    },
    {
      name: "token",
      needs: ["server"],
      async *look() {
        // This check sends an empty message to test the token. If the token is valid, Gotify
        // rejects the empty message. So no message appears.
        const auth = authHeaders(settings);
        const { status, text } = await probe.ask({
          method: "POST",
          path: "/message",
          headers: { "Content-Type": "application/json", ...auth },
          body: "{}",
        });
        const { errorCode, errorDescription } = parseJsonObject(text) ?? {};
        if (errorCode !== status) throw otherService(status);
        if (status === 400) {
          // Gotify 3 also answers 400 to an empty message with a client's token. Only a client's
          // token can read `/current/user`.
          const user = await probe.ask({ path: "/current/user", headers: auth });
          if (user.status === 200) yield failure("the token belongs to a client", APPLICATION_TOKEN_HINT);
          else yield ok("the token belongs to an application, which can send messages");
        } else if (status === 401 || status === 403) {
          yield failure("the server rejects the token", APPLICATION_TOKEN_HINT);
        } else {
          const said = typeof errorDescription === "string" ? `: ${firstChars(errorDescription, MAX_SAID_CHARS)}` : "";
          yield failure(`the server answered ${status}${said}`, "look into the log of the server");
        }
      },
    },
  ];
}
