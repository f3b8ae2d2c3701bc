/** The checks of a Gotify channel (its API documentation, "version" and "message"). */

import { NotTheServiceError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { type Check, type CheckContext, failure, ok } from "../check.ts";
import { probeServer } from "../http_checks.ts";
import type { GotifySettings } from "./settings.ts";

/** Creates the checks. */
export function createChecks(context: CheckContext, { server, token }: GotifySettings): readonly Check[] {
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
        if (status !== 200 || typeof version !== "string") throw otherService(status);
        yield ok(`it is Gotify ${version}`);
      },
    },
    {
      name: "token",
      needs: ["server"],
      async *look() {
        // This empty message tests the token. Gotify first checks the token. If the token is valid,
        // Gotify rejects the message, because it is empty.
        const { status, text } = await probe.ask({
          method: "POST",
          path: "/message",
          headers: { "Content-Type": "application/json", "X-Gotify-Key": token.reveal() },
          body: "{}",
        });
        const { errorCode, errorDescription } = parseJsonObject(text) ?? {};
        if (errorCode !== status) throw otherService(status);
        if (status === 400) yield ok("the token belongs to an application, which may send messages");
        else if (status === 401 || status === 403) {
          yield failure(
            "the server rejects the token",
            "use the token of an application (in Gotify: Apps); the token of a client cannot send",
          );
        } else yield failure(`the server answered ${status}: ${errorDescription}`, "look into the log of the server");
      },
    },
  ];
}
