/** The checks of an ntfy channel (its documentation, "Subscribe via polling", "Health"). */

import { NotTheServiceError } from "../../base/errors.ts";
import { parseJsonObject } from "../../base/fields.ts";
import { type Check, type CheckContext, failure, ok, warning } from "../check.ts";
import { probeServer } from "../http_checks.ts";
import { authHeaders, type NtfySettings } from "./settings.ts";

const LOGINS = { token: "the token", password: "the user", none: "everyone" } as const;

/** Creates the checks. */
export function createChecks(context: CheckContext, settings: NtfySettings): readonly Check[] {
  const { topic, token, password } = settings;
  const login = token !== undefined ? "token" : password !== undefined ? "password" : "none";
  const probe = probeServer(context, settings.server, { path: "/v1/health" });
  return [
    ...probe.checks,
    {
      name: "server",
      needs: ["connection"],
      async *look() {
        const { host } = new URL(probe.server);
        const { status, text } = await probe.firstAnswer();
        const healthy = parseJsonObject(text)?.healthy;
        if (status !== 200 || typeof healthy !== "boolean") {
          throw new NotTheServiceError(`${host} does not answer like ntfy: ${status}`, { status });
        }
        if (healthy) yield ok("it is an ntfy server, and reports that it is healthy");
        else yield failure(`${host} reports that it is not healthy`, "look into the log of the server");
      },
    },
    {
      name: "topic",
      needs: ["server"],
      async *look() {
        const request = { path: `/${topic}/json?poll=1&since=none`, headers: authHeaders(settings) };
        const { status } = await probe.ask(request);
        if (status === 200) yield ok(`${LOGINS[login]} may read the topic ${topic}`);
        else if (status === 401) {
          const hint = login === "password"
            ? "change the password: ntfy user change-pass"
            : "create a new token: ntfy token add";
          yield failure(`the server rejects ${LOGINS[login]}`, hint);
        } else if (status === 403 && login !== "none") {
          yield warning(
            `${LOGINS[login]} may not read the topic ${topic}; only a message can show whether writing is allowed`,
            "run: matrix-notify doctor --send",
          );
        } else if (status === 403) {
          yield warning(
            `the topic ${topic} is protected, and neither a token nor a user is configured`,
            "set tokenFile to a file that contains a token",
          );
        } else throw new NotTheServiceError(`Cannot read the topic ${topic}: the answer was ${status}`, { status });
      },
    },
  ];
}
